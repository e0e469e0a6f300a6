//! The colours, on light and on dark paper.
//!
//! They are the eight of Okabe and Ito, "Color Universal Design" (2008, jfly.uni-koeln.de/color), which people with any of
//! the usual kinds of colour blindness can tell apart, made darker or lighter where they have to stand out from the paper.
//! Nothing is told by colour alone: whatever differs in colour differs in dashes, hatching, height or a label as well.

use plotters_backend::BackendColor;

/// The paper that a picture is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What something is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Paper,
    /// Text that matters, and text that does not.
    Strong,
    Quiet,
    /// Text on colour.
    OnColor,
    Axis,
    Grid,
    Desired,
    Blue,
    BlueArea,
    Orange,
    OrangeArea,
    OrangeHatch,
    Purple,
    Green,
    GreenArea,
    GreenHatch,
    Sky,
    Vermillion,
    VermillionArea,
    VermillionHatch,
    Yellow,
    Gray,
    GrayArea,
    Fault,
    FaultBand,
    Action,
    Pole,
    /// Stripes upon colour.
    Stripe,
}

const fn ink(red: u8, green: u8, blue: u8, alpha: f64) -> BackendColor {
    BackendColor { rgb: (red, green, blue), alpha }
}

impl Theme {
    /// What is added to the name of a file.
    pub const fn suffix(self) -> &'static str {
        match self {
            Theme::Light => "",
            Theme::Dark => "-dark",
        }
    }

    pub(super) const fn color(self, name: Ink) -> BackendColor {
        match self {
            Theme::Light => light(name),
            Theme::Dark => dark(name),
        }
    }
}

const fn light(name: Ink) -> BackendColor {
    match name {
        Ink::Paper => ink(255, 255, 255, 1.0),
        Ink::Strong | Ink::OnColor => ink(0x1d, 0x27, 0x33, 1.0),
        Ink::Quiet => ink(0x5d, 0x69, 0x76, 1.0),
        Ink::Axis => ink(0x7d, 0x88, 0x93, 1.0),
        Ink::Grid => ink(0xe4, 0xe8, 0xec, 1.0),
        Ink::Desired => ink(0x3c, 0x46, 0x50, 1.0),
        Ink::Blue => ink(0x00, 0x62, 0x9b, 1.0),
        Ink::BlueArea => ink(0x00, 0x72, 0xb2, 0.20),
        Ink::Orange => ink(0xe6, 0x9f, 0x00, 1.0),
        Ink::OrangeArea => ink(0xf0, 0xb0, 0x10, 0.55),
        Ink::OrangeHatch => ink(0x8a, 0x55, 0x00, 0.70),
        Ink::Purple => ink(0xcc, 0x79, 0xa7, 1.0),
        Ink::Green => ink(0x00, 0x85, 0x64, 1.0),
        Ink::GreenArea => ink(0x00, 0x9e, 0x73, 0.28),
        Ink::GreenHatch => ink(0x00, 0x7a, 0x5a, 0.70),
        Ink::Sky => ink(0x56, 0xb4, 0xe9, 1.0),
        Ink::Vermillion => ink(0xd5, 0x5e, 0x00, 1.0),
        Ink::VermillionArea => ink(0xd5, 0x5e, 0x00, 0.24),
        Ink::VermillionHatch => ink(0xa8, 0x3f, 0x00, 0.60),
        Ink::Yellow => ink(0xf0, 0xe4, 0x42, 1.0),
        Ink::Gray => ink(0x8a, 0x94, 0x9e, 1.0),
        Ink::GrayArea => ink(0x5d, 0x69, 0x76, 0.18),
        Ink::Fault => ink(0xb0, 0x3a, 0x1c, 1.0),
        Ink::FaultBand => ink(0xb0, 0x3a, 0x1c, 0.08),
        Ink::Action => ink(0x00, 0x62, 0x9b, 1.0),
        Ink::Pole => ink(0x9a, 0xa4, 0xae, 1.0),
        Ink::Stripe => ink(0x1d, 0x27, 0x33, 0.75),
    }
}

const fn dark(name: Ink) -> BackendColor {
    match name {
        Ink::Paper => ink(0x12, 0x17, 0x1d, 1.0),
        Ink::Strong => ink(0xe9, 0xed, 0xf2, 1.0),
        Ink::OnColor => ink(0x0c, 0x11, 0x16, 1.0),
        Ink::Quiet => ink(0xa4, 0xaf, 0xba, 1.0),
        Ink::Axis => ink(0x7d, 0x88, 0x93, 1.0),
        Ink::Grid => ink(0x2a, 0x32, 0x3b, 1.0),
        Ink::Desired => ink(0xc6, 0xce, 0xd6, 1.0),
        Ink::Blue => ink(0x6c, 0xbc, 0xf0, 1.0),
        Ink::BlueArea => ink(0x2f, 0x8f, 0xcb, 0.38),
        Ink::Orange => ink(0xe6, 0x9f, 0x00, 1.0),
        Ink::OrangeArea => ink(0xe6, 0x9f, 0x00, 0.50),
        Ink::OrangeHatch => ink(0xff, 0xd5, 0x80, 0.70),
        Ink::Purple => ink(0xd9, 0x8c, 0xb8, 1.0),
        Ink::Green => ink(0x2c, 0xc3, 0x97, 1.0),
        Ink::GreenArea => ink(0x00, 0x9e, 0x73, 0.40),
        Ink::GreenHatch => ink(0x5f, 0xdc, 0xb6, 0.70),
        Ink::Sky => ink(0x56, 0xb4, 0xe9, 1.0),
        Ink::Vermillion => ink(0xe8, 0x74, 0x1e, 1.0),
        Ink::VermillionArea => ink(0xe8, 0x74, 0x1e, 0.28),
        Ink::VermillionHatch => ink(0xff, 0xa0, 0x60, 0.65),
        Ink::Yellow => ink(0xf0, 0xe4, 0x42, 1.0),
        Ink::Gray => ink(0x93, 0x9d, 0xa7, 1.0),
        Ink::GrayArea => ink(0xa4, 0xaf, 0xba, 0.22),
        Ink::Fault => ink(0xff, 0x8a, 0x65, 1.0),
        Ink::FaultBand => ink(0xff, 0x8a, 0x65, 0.12),
        Ink::Action => ink(0x6c, 0xbc, 0xf0, 1.0),
        Ink::Pole => ink(0x64, 0x70, 0x7b, 1.0),
        Ink::Stripe => ink(0x0c, 0x11, 0x16, 0.80),
    }
}
