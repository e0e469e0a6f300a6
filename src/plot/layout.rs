//! Where everything of a chart goes: pure geometry, so that tests can ask whether labels collide.
//!
//! From top to bottom: title, subtitle, legend, flags of the marks, the plot, ticks, the name of the
//! time axis, and a key of the marks for which there was no room. Whatever the upper parts need, the
//! plot gives; each part is bounded, so the plot keeps at least a third of the picture.

use super::flags::{self, Wanted};
use super::lettering::Face;
use super::trace::{self, Trace};
use super::{Chart, Mark, MarkKind, Role, ticks};
use crate::kernel::time::Time;

/// Width and height of the picture [px].
pub(super) const SIZE: (i32, i32) = (1600, 900);
/// Free space at the left and right of everything [px].
const MARGIN: i32 = 44;

const SUBTITLE: Face = Face::regular(18);
const LEGEND: Face = Face::regular(17);
const FLAG: Face = Face::regular(16);
const FLAG_FAULT: Face = Face::bold(16);
const AXIS: Face = Face::regular(16);
const KEY: Face = Face::regular(15);

/// Height of a row of flags, of the legend, and of small text [px].
const FLAG_ROW: i32 = 23;
const LEGEND_ROW: i32 = 28;
const LINE: i32 = 22;

const FLAG_ROWS_MAX: i32 = 11;
const LEGEND_ROWS_MAX: i32 = 4;
const KEY_ROWS_MAX: usize = 3;
/// What lies below the plot at most, and the height that the plot keeps [px].
const BELOW_MAX: i32 = 34 + LINE + 30 + KEY_ROWS_MAX as i32 * LINE + 6;
const PLOT_MIN: i32 = 320;
/// Widest flag [px]; a longer label is cut.
const FLAG_WIDTH_MAX: i32 = 640;
/// Widest line of the unit beside the axis [px].
const UNIT_WIDTH_MAX: i32 = 130;
/// Size of the sample before a name in the legend [px].
pub(super) const SWATCH: (i32, i32) = (34, 14);

/// What a label's colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Strong,
    Quiet,
    Fault,
}

/// Which end of a label stands at its `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Middle,
    Right,
}

/// One line of text.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub text: String,
    pub x: i32,
    pub top: i32,
    pub side: Side,
    pub face: Face,
    pub ink: Ink,
}

/// A sample in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swatch {
    Curve(Role),
    Missing,
    Fault,
}

/// The upright line of a mark, from its flag down to the axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pole {
    pub x: i32,
    pub top: i32,
    pub kind: MarkKind,
    pub has_flag: bool,
}

/// The frame of the plot [px]; right and bottom are exclusive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

/// A chart with a place for everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub frame: Frame,
    pub labels: Vec<Label>,
    /// Heights of the lines across, and places of the ticks below [px].
    pub grid: Vec<i32>,
    pub ticks: Vec<i32>,
    pub swatches: Vec<(i32, i32, Swatch)>,
    /// While faults last: from, to [px].
    pub bands: Vec<(i32, i32)>,
    pub poles: Vec<Pole>,
    pub curves: Vec<(Role, Trace)>,
}

#[cfg(test)]
impl Label {
    /// Left, top, right and bottom [px].
    pub fn bounds(&self) -> (i32, i32, i32, i32) {
        let width = self.face.width(&self.text);
        let left = match self.side {
            Side::Left => self.x,
            Side::Middle => self.x - width / 2,
            Side::Right => self.x - width,
        };
        (left, self.top, left + width, self.top + self.face.px)
    }
}

/// Lays a chart out.
pub(super) fn of(chart: &Chart) -> Layout {
    let mut layout = Layout::default();
    let until = if chart.until == Time::ZERO { Time::from_micros(1_000_000) } else { chart.until };
    let most = most(chart, until);
    let unit = AXIS.wrapped(&chart.unit, UNIT_WIDTH_MAX, 3);

    let header_bottom = layout.header(chart);
    layout.frame.left = MARGIN + axis_width(most, &unit) + 12;
    layout.frame.right = SIZE.0 - MARGIN;
    let key = layout.marks(chart, until, header_bottom, unit.len() as i32);
    layout.frame.bottom = SIZE.1 - 34 - LINE - 30 - key.len() as i32 * LINE - if key.is_empty() { 0 } else { 6 };
    for (row, text) in key.into_iter().enumerate() {
        let top = layout.frame.bottom + 30 + LINE + 12 + row as i32 * LINE;
        layout.label(text, MARGIN, top, KEY, Ink::Quiet);
    }
    layout.axes(until, most, unit);
    layout.curves(chart, until, most);
    layout
}

/// The highest value that is drawn, at least 1.
fn most(chart: &Chart, until: Time) -> i64 {
    let steps = chart.series.iter().flat_map(|series| &series.steps);
    steps.filter(|(at, _)| *at <= until).map(|(_, value)| *value).max().unwrap_or(0).max(1)
}

fn axis_width(most: i64, unit: &[String]) -> i32 {
    // Digits of the font are all of one width, so no tick is wider than the highest value.
    let unit_width = unit.iter().map(|line| AXIS.width(line)).max().unwrap_or(0);
    AXIS.width(&ticks::count(most)).max(unit_width)
}

/// A moment's pixel, rounded; what is past the end is at the end.
fn x_of(at: Time, until: Time, frame: Frame) -> i32 {
    let width = u128::from((frame.right - frame.left).unsigned_abs());
    let (at, until) = (u128::from(at.min(until).as_micros()), u128::from(until.as_micros()));
    frame.left + ((at * width * 2 + until) / (until * 2)) as i32
}

/// A value's pixel. The highest value stays 8 % below the top: headroom for the eye.
fn y_of(value: i64, most: i64, frame: Frame) -> i32 {
    let (height, most) = (i128::from(frame.bottom - frame.top), i128::from(most) * 108);
    frame.bottom - ((i128::from(value) * 100 * height * 2 + most) / (most * 2)) as i32
}

impl Layout {
    fn label(&mut self, text: String, x: i32, top: i32, face: Face, ink: Ink) {
        self.labels.push(Label { text, x, top, side: Side::Left, face, ink });
    }

    /// Title, subtitle and legend; returns where they end.
    fn header(&mut self, chart: &Chart) -> i32 {
        let width = SIZE.0 - 2 * MARGIN;
        let title = [(32, 1), (26, 2), (22, 3)]
            .map(|(px, rows)| (Face::bold(px), rows))
            .into_iter()
            .find(|(face, rows)| face.wrapped(&chart.title, width, usize::MAX).len() <= *rows)
            .unwrap_or((Face::bold(22), 3));
        let mut top = 34;
        for (face, rows, ink, text) in
            [(title.0, title.1, Ink::Strong, &chart.title), (SUBTITLE, 3, Ink::Quiet, &chart.subtitle)]
        {
            for line in face.wrapped(text, width, rows) {
                self.label(line, MARGIN, top, face, ink);
                top += face.px + 7;
            }
        }
        self.legend(chart, top + 11)
    }

    fn legend(&mut self, chart: &Chart, top: i32) -> i32 {
        let has = |role| chart.series.iter().any(|series| series.role == role && !series.steps.is_empty());
        let mut entries: Vec<(Swatch, String)> = Vec::new();
        for series in &chart.series {
            let empty = if series.steps.is_empty() { " (no data)" } else { "" };
            entries.push((Swatch::Curve(series.role), format!("{}{empty}", series.name)));
        }
        if has(Role::Desired) && has(Role::Ready) {
            entries.push((Swatch::Missing, format!("{} missing", chart.unit)));
        }
        if chart.marks.iter().any(|mark| mark.until.is_some()) {
            entries.push((Swatch::Fault, "while a fault lasts".to_string()));
        }
        let (mut x, mut row) = (MARGIN, 0);
        let count = entries.len();
        for (index, (swatch, name)) in entries.into_iter().enumerate() {
            let name = LEGEND.fitted(&name, SIZE.0 - 2 * MARGIN - SWATCH.0 - 10);
            let width = SWATCH.0 + 10 + LEGEND.width(&name);
            if x > MARGIN && x + width > SIZE.0 - MARGIN {
                (x, row) = (MARGIN, row + 1);
            }
            if row + 1 == LEGEND_ROWS_MAX && index + 1 < count && x + width > SIZE.0 / 2 {
                self.label(format!("and {} more", count - index), x, top + row * LEGEND_ROW, LEGEND, Ink::Quiet);
                break;
            }
            let row_top = top + row * LEGEND_ROW;
            self.swatches.push((x, row_top + (LEGEND.px - SWATCH.1) / 2 + 1, swatch));
            self.label(name, x + SWATCH.0 + 10, row_top, LEGEND, Ink::Strong);
            x += width + 34;
        }
        if count == 0 { top } else { top + (row + 1) * LEGEND_ROW }
    }

    /// Flags, poles and bands, and with them the top of the plot; returns the lines of the key.
    fn marks(&mut self, chart: &Chart, until: Time, header_bottom: i32, unit_lines: i32) -> Vec<String> {
        let mut marks: Vec<&Mark> = chart.marks.iter().filter(|mark| mark.at <= until).collect();
        marks.sort_by_key(|mark| mark.at);
        let face = |kind| if kind == MarkKind::Fault { FLAG_FAULT } else { FLAG };
        let texts: Vec<(String, String, i32)> = marks
            .iter()
            .map(|mark| {
                let stamp = format!("{} ", ticks::stamp(mark.at, until));
                let stamp_width = FLAG.width(&stamp) + 4;
                let words = mark.label.split_whitespace().collect::<Vec<_>>().join(" ");
                (stamp, face(mark.kind).fitted(&words, FLAG_WIDTH_MAX - stamp_width), stamp_width)
            })
            .collect();
        let wanted: Vec<Wanted> = marks
            .iter()
            .zip(&texts)
            .map(|(mark, (_, words, stamp_width))| Wanted {
                pole: x_of(mark.at, until, self.frame),
                width: stamp_width + face(mark.kind).width(words),
            })
            .collect();
        let spare = SIZE.1 - header_bottom - 22 - BELOW_MAX - PLOT_MIN;
        let rows_max = (spare / FLAG_ROW).clamp(0, FLAG_ROWS_MAX) as usize;
        let placed = flags::place(&wanted, (self.frame.left, self.frame.right), rows_max);
        let rows = placed.iter().flatten().map(|flag| flag.row as i32 + 1).max().unwrap_or(0);
        let flags_height = if rows == 0 { 0 } else { rows * FLAG_ROW + 12 };
        self.frame.top = header_bottom + 10 + flags_height.max(unit_lines * LINE + 14);

        let mut unplaced = Vec::new();
        for (n, mark) in marks.iter().enumerate() {
            let (stamp, words, stamp_width) = &texts[n];
            let has_flag = placed[n].is_some();
            let mut pole = Pole { x: wanted[n].pole, top: self.frame.top, kind: mark.kind, has_flag };
            if let Some(flag) = placed[n] {
                pole.top = self.frame.top - 8 - (flag.row as i32 + 1) * FLAG_ROW;
                let (top, ink) = (pole.top + 1, if mark.kind == MarkKind::Fault { Ink::Fault } else { Ink::Strong });
                self.label(stamp.trim_end().to_string(), flag.text, top, FLAG, Ink::Quiet);
                self.label(words.clone(), flag.text + stamp_width, top, face(mark.kind), ink);
            } else {
                unplaced.push(format!("{stamp}{words}"));
            }
            self.poles.push(pole);
            if let Some(end) = mark.until {
                self.bands.push((wanted[n].pole, x_of(end.max(mark.at), until, self.frame)));
            }
        }
        key(&unplaced)
    }

    /// The two axes with their ticks, labels and units.
    fn axes(&mut self, until: Time, most: i64, unit: Vec<String>) {
        let frame = self.frame;
        for value in ticks::of_count(most, frame.bottom - frame.top, 46) {
            let y = y_of(value, most, frame);
            self.grid.push(y);
            let (text, top) = (ticks::count(value), y - AXIS.px / 2 - 1);
            let (x, side, ink) = (frame.left - 12, Side::Right, Ink::Quiet);
            self.labels.push(Label { text, x, top, side, face: AXIS, ink });
        }
        let rows = unit.len() as i32;
        for (row, text) in unit.into_iter().enumerate() {
            let (x, top) = (frame.left - 12, frame.top - 10 - (rows - row as i32) * (LINE - 2));
            self.labels.push(Label { text, x, top, side: Side::Right, face: AXIS, ink: Ink::Strong });
        }
        for at in ticks::of_time(until, frame.right - frame.left, |text| AXIS.width(text)) {
            let (text, x, top) = (ticks::moment(at), x_of(at, until, frame), frame.bottom + 12);
            self.ticks.push(x);
            self.labels.push(Label { text, x, top, side: Side::Middle, face: AXIS, ink: Ink::Quiet });
        }
        let (text, top) = ("simulated time since the run began".to_string(), frame.bottom + 12 + LINE + 4);
        let (x, side) = (frame.right, Side::Right);
        self.labels.push(Label { text, x, top, side, face: KEY, ink: Ink::Strong });
    }

    fn curves(&mut self, chart: &Chart, until: Time, most: i64) {
        let frame = self.frame;
        for series in &chart.series {
            let (x, y) = (|at| x_of(at, until, frame), |value| y_of(value, most, frame));
            self.curves.push((series.role, trace::of(&series.steps, until, frame.right, x, y)));
        }
    }
}

/// Lines that list the marks for which no flag had room.
fn key(unplaced: &[String]) -> Vec<String> {
    let width = SIZE.0 - 2 * MARGIN;
    let list = |shown: usize| {
        let rest = unplaced.len() - shown;
        let more = if rest > 0 { format!(" · and {rest} more") } else { String::new() };
        KEY.wrapped(&format!("Also marked: {}{more}", unplaced[..shown].join(" · ")), width, usize::MAX)
    };
    if unplaced.is_empty() {
        return Vec::new();
    }
    (0..=unplaced.len()).rev().map(list).find(|lines| lines.len() <= KEY_ROWS_MAX).unwrap_or_default()
}
