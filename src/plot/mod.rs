//! The pictures of a run, as SVG and as PNG, for light and for dark paper.
//!
//! Charts are plain data: [`ReadyChart`], [`WaterfallChart`], [`PodsChart`], [`NodesChart`]. Each becomes a [`Scene`], and a
//! scene gives the files. The same chart gives the same bytes, on every machine: the letters come from a font that is
//! shipped, there is no clock and no chance. This module does not know the recorder, scenarios or files; whoever has a run
//! fills a chart and writes what comes back.

mod draw;
mod flags;
mod lettering;
mod look;
mod nodes;
mod page;
mod pods;
mod ready;
mod scene;
mod theme;
mod ticks;
mod trace;
mod waterfall;

use crate::kernel::time::Time;

pub use look::Look;
pub use nodes::{Group, NodesChart, Strip};
pub use pods::{Band, Bar, PodsChart};
pub use ready::{Panel, ReadyChart};
pub use scene::Scene;
pub use theme::Theme;
pub use waterfall::{Part, Row, WaterfallChart};

/// What all pictures over time say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// What happened, in one sentence. A long one is set smaller, then wrapped.
    pub title: String,
    /// How to read it: scenario, seed, size of the cluster.
    pub subtitle: String,
    /// Right edge of the picture; what comes after it is left out.
    pub until: Time,
    /// Moments worth a flag, in any order.
    pub marks: Vec<Mark>,
    /// What the picture leaves out, a line each.
    pub notes: Vec<String>,
}

/// A moment worth a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When; the flag shows it, so the label need not.
    pub at: Time,
    /// Shades the time until then, while a fault lasts.
    pub until: Option<Time>,
    /// What happened, in a few words.
    pub label: String,
    /// How it looks.
    pub kind: MarkKind,
}

/// What a mark means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Something breaks: bold, with a thick pole.
    Fault,
    /// Somebody does something: bold, in another colour.
    Action,
    /// The cluster gets on with it: thin. Where there is no room for all flags, these go first.
    Milestone,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlotError {
    /// The steps of a series are not in the order of time.
    #[error("the steps of `{series}` go back in time at {at}")]
    Unordered {
        /// Name of the series.
        series: String,
        /// The step that is earlier than the one before it.
        at: Time,
    },
    /// A count is below zero, where no axis reaches.
    #[error("`{series}` is negative ({value}) at {at}")]
    Negative {
        /// Name of the series.
        series: String,
        /// When.
        at: Time,
        /// The value.
        value: i64,
    },
    /// A part of a waterfall is no number of replica-seconds.
    #[error("`{cause}` of `{row}` is {value} replica-seconds")]
    NoAmount {
        /// The row.
        row: String,
        /// The part.
        cause: String,
        /// What it is.
        value: f64,
    },
    /// The drawing library refused.
    #[error("cannot draw: {0}")]
    Draw(String),
}

impl Scene {
    /// The picture as an SVG document.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn svg(&self, theme: Theme) -> Result<String, PlotError> {
        draw::svg(self, theme)
    }

    /// The picture as a PNG file, one pixel to each unit of the SVG.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn png(&self, theme: Theme) -> Result<Vec<u8>, PlotError> {
        let pixels = draw::pixels(self, theme)?;
        let failed = |error: png::EncodingError| PlotError::Draw(error.to_string());
        let (width, height) = draw::size(self);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Default);
        encoder.set_filter(png::FilterType::Up); // most rows repeat the one above
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}

/// Says no to steps that go back in time.
fn check_order(series: &str, times: impl Iterator<Item = Time>) -> Result<(), PlotError> {
    let mut last = Time::ZERO;
    for at in times {
        if at < last {
            return Err(PlotError::Unordered { series: series.to_string(), at });
        }
        last = at;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
