//! What pictures over time have in common: title, legend, flags of the marks, faults as bars, the time axis, and a key.
//!
//! From top to bottom: title, subtitle, legend, flags, bars of faults if some overlap, the body, ticks, the name of the time
//! axis, a key of the marks for which there was no room, and notes. Each part but the body is bounded.

use super::flags::{self, Flag, Wanted};
use super::lettering::Face;
use super::look::Look;
use super::scene::{Label, MARGIN, Scene, Side, WIDTH};
use super::theme::Ink;
use super::trace::{Slice, Trace};
use super::{Mark, MarkKind, Story, ticks};
use crate::kernel::time::Time;

const SUBTITLE: Face = Face::regular(18);
const LEGEND: Face = Face::regular(17);
const FLAG: Face = Face::regular(16);
const FLAG_STRONG: Face = Face::bold(16);
pub(super) const AXIS: Face = Face::regular(16);
pub(super) const SMALL: Face = Face::regular(15);

/// Height of a row of flags, of the legend, and of small text [px].
const FLAG_ROW: i32 = 23;
const LEGEND_ROW: i32 = 28;
pub(super) const LINE: i32 = 22;

const FLAG_ROWS_MAX: usize = 11;
const LEGEND_ROWS_MAX: i32 = 4;
const KEY_ROWS_MAX: usize = 3;
const NOTE_ROWS_MAX: usize = 2;
/// Most marks for which a flag is sought: more would not fit, and to seek takes time.
const FLAGS_SOUGHT: usize = 120;
/// Widest flag [px]; a longer label is cut.
const FLAG_WIDTH_MAX: i32 = 640;
/// Characters of a label at most.
const LABEL_MAX: usize = 150;
/// Length of the line of a mark that got no flag, above the body [px].
const STUB: i32 = 7;
/// Height that the bars of overlapping faults take together at most, and of one of them [px].
const LANES_HEIGHT: i32 = 96;
const LANE_MAX: i32 = 12;
const LANE_MIN: i32 = 4;
/// Size of the sample before a name in the legend [px].
const SWATCH: (i32, i32) = (34, 14);

/// A line: colour, thickness [px], and dashes on and off [px].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pen {
    pub ink: Ink,
    pub thickness: i32,
    pub dash: (i32, i32),
}

impl Pen {
    /// Draws along a curve.
    pub fn draw(self, scene: &mut Scene, trace: &Trace) {
        if self.dash.0 == 0 {
            return scene.stroke(trace.path.clone(), self.thickness, self.ink);
        }
        for dash in trace.dashes(self.dash.0, self.dash.1) {
            scene.stroke(dash, self.thickness, self.ink);
        }
    }
}

/// A sample in the legend, drawn as the thing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swatch {
    Curve(Pen),
    /// A curve over an area.
    Filled(Pen, Ink),
    /// An area with hatching.
    Area(Ink, Ink),
    /// An area with level lines.
    Lined(Ink, Ink),
    Look(Look),
    Fault,
    /// The bar of a fault.
    Lane,
}

/// A flag with its stamp and its words.
type Lettered = (Flag, String, String);

/// A picture over time, begun from the top; whoever makes it fills the body.
pub(super) struct Page {
    pub scene: Scene,
    pub until: Time,
    /// Edges of the time axis [px].
    pub left: i32,
    pub right: i32,
    /// Where the body begins [px].
    pub top: i32,
    /// Upright lines: x, top, kind, whether a flag flies from it.
    poles: Vec<(i32, i32, MarkKind, bool)>,
    /// While any fault lasts: from, to [px], apart from each other.
    bands: Vec<(i32, i32)>,
    key: Vec<String>,
    notes: Vec<String>,
}

impl Page {
    /// Everything above the body, which begins `gutter` px from the left and leaves `space` px free above itself. Faults
    /// are shaded in the body, or else they have bars above it, as they have where some overlap.
    pub fn begin(story: &Story, legend: Vec<(Swatch, String)>, gutter: i32, space: i32, is_shaded: bool) -> Page {
        let until = if story.until == Time::ZERO { Time::from_micros(1_000_000) } else { story.until };
        let (left, right) = (MARGIN + gutter, WIDTH - MARGIN);
        let mut page = Page {
            scene: Scene::default(),
            until,
            left,
            right,
            top: 0,
            poles: Vec::new(),
            bands: Vec::new(),
            key: Vec::new(),
            notes: story.notes.iter().flat_map(|note| SMALL.wrapped(note, WIDTH - 2 * MARGIN, NOTE_ROWS_MAX)).collect(),
        };
        let top = heading(&mut page.scene, &story.title, &story.subtitle);
        let has_spans = story.marks.iter().any(|mark| mark.until.is_some() && mark.at <= until);
        let swatch = if is_shaded { Swatch::Fault } else { Swatch::Lane };
        let fault = has_spans.then(|| (swatch, "while a fault lasts".to_string()));
        let bottom = self::legend(&mut page.scene, legend.into_iter().chain(fault).collect(), top);
        page.marks(story, bottom, space, is_shaded);
        page
    }

    /// A moment's pixel, rounded; what is past the end is at the end.
    pub fn x(&self, at: Time) -> i32 {
        let width = u128::from((self.right - self.left).unsigned_abs());
        let (at, until) = (u128::from(at.min(self.until).as_micros()), u128::from(self.until.as_micros()));
        self.left + ((at * width * 2 + until) / (until * 2)) as i32
    }

    /// Flags, and with them the top of the body.
    fn marks(&mut self, story: &Story, top: i32, space: i32, is_shaded: bool) {
        let mut marks: Vec<&Mark> = story.marks.iter().filter(|mark| mark.at <= self.until).collect();
        marks.sort_by_key(|mark| mark.at);
        let (flags, rows) = self.flags(&marks);
        let lanes = lanes(&marks.iter().filter_map(|mark| Some((mark.at, mark.until?))).collect::<Vec<_>>());
        let lane_count = lanes.iter().map(|lane| lane + 1).max().unwrap_or(0) as i32;
        let lane = if lane_count < 1 + i32::from(is_shaded) {
            0
        } else {
            (LANES_HEIGHT / lane_count).clamp(LANE_MIN, LANE_MAX)
        };
        let lanes_height = if lane == 0 { 0 } else { (lane * lane_count).min(LANES_HEIGHT) + 8 };
        let flags_height = if rows == 0 { 0 } else { rows as i32 * FLAG_ROW + 12 };
        let lanes_top = top + 10 + flags_height;
        self.top = top + 10 + (flags_height + lanes_height).max(space);
        // Bars of faults lie on the body, flags upon them.
        let flags_bottom = if lane == 0 { self.top } else { lanes_top };

        let mut unplaced = Vec::new();
        for (mark, flag) in marks.iter().zip(flags) {
            let mut pole = (self.x(mark.at), flags_bottom, mark.kind, flag.is_some());
            if let Some((flag, stamp, words)) = flag {
                pole.1 = flags_bottom - 8 - (flag.row as i32 + 1) * FLAG_ROW;
                let top = pole.1 + 1;
                self.scene.label(stamp.trim_end(), flag.text, top, FLAG, Ink::Quiet);
                self.scene.label(words, flag.text + stamp_width(&stamp), top, face(mark.kind), ink(mark.kind));
            } else if mark.kind != MarkKind::Milestone {
                unplaced.push(format!("{} {}", ticks::stamp(mark.at, self.until), one_line(&mark.label)));
            }
            self.poles.push(pole);
        }
        for (n, (from, to)) in marks.iter().filter_map(|mark| Some((mark.at, mark.until?))).enumerate() {
            let (from, to) = (self.x(from), self.x(to.max(from)).max(self.x(from) + 1));
            if lane > 0 {
                let lane_top = lanes_top + (lanes[n] as i32 * lane).min(lanes_height - 8 - lane);
                self.scene.fill((from, lane_top, to.max(from + 2), lane_top + lane - (lane / 3).max(1)), Ink::Fault);
            }
            match self.bands.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => self.bands.push((from, to)),
            }
        }
        self.key = key(&unplaced);
    }

    /// The flags of marks with their stamps and words, and how many rows they take. Where not all find room, milestones
    /// are left out first: what was done to the cluster says more than what came of it.
    fn flags(&self, marks: &[&Mark]) -> (Vec<Option<Lettered>>, usize) {
        let texts: Vec<(String, String)> = marks
            .iter()
            .map(|mark| {
                let stamp = format!("{} ", ticks::stamp(mark.at, self.until));
                let room = FLAG_WIDTH_MAX - stamp_width(&stamp);
                (stamp, face(mark.kind).fitted(&one_line(&mark.label), room))
            })
            .collect();
        let wanted = |n: usize| Wanted {
            pole: self.x(marks[n].at),
            width: stamp_width(&texts[n].0) + face(marks[n].kind).width(&texts[n].1),
        };
        let place = |chosen: &[usize]| {
            let wanted: Vec<Wanted> = chosen.iter().map(|&n| wanted(n)).collect();
            flags::place(&wanted, (self.left, self.right), FLAG_ROWS_MAX)
        };
        let all: Vec<usize> = (0..marks.len()).collect();
        let main: Vec<usize> =
            all.iter().copied().filter(|&n| marks[n].kind != MarkKind::Milestone).take(FLAGS_SOUGHT).collect();
        let of_all = if all.len() <= FLAGS_SOUGHT { place(&all) } else { vec![None] };
        let (chosen, placed) = if of_all.iter().all(Option::is_some) {
            (all, of_all)
        } else {
            let placed = place(&main);
            (main, placed)
        };
        let rows = placed.iter().flatten().map(|flag| flag.row + 1).max().unwrap_or(0);
        let mut flags: Vec<Option<Lettered>> = vec![None; marks.len()];
        for (n, flag) in chosen.into_iter().zip(placed) {
            flags[n] = flag.map(|flag| (flag, texts[n].0.clone(), texts[n].1.clone()));
        }
        (flags, rows)
    }

    /// Shades the time in which faults last, from the top of the body to `bottom`.
    pub fn shade(&mut self, bottom: i32) {
        for &(from, to) in &self.bands {
            self.scene.fill((from, self.top, to, bottom), Ink::FaultBand);
        }
    }

    /// The widest part between two pixels in which no upright line with a flag stands.
    pub fn widest_gap(&self, from: i32, to: i32) -> (i32, i32) {
        let mut edges: Vec<i32> =
            self.poles.iter().filter(|pole| pole.3 && pole.0 > from && pole.0 < to).map(|pole| pole.0).collect();
        edges.extend([from, to]);
        edges.sort_unstable();
        let gaps = edges.windows(2).map(|pair| (pair[0], pair[1]));
        gaps.max_by_key(|(from, to)| (to - from, -from)).unwrap_or((from, to))
    }

    /// The upright lines of the marks, down to `bottom`.
    pub fn poles(&mut self, bottom: i32) {
        for &(x, top, kind, has_flag) in &self.poles {
            // Many marks without flags would be a wall: they get a stub.
            let (top, bottom) = if has_flag { (top, bottom) } else { (self.top - STUB, self.top) };
            let (from, to, ink) = match kind {
                MarkKind::Fault => (x - 1, x + 1, Ink::Fault),
                MarkKind::Action => (x, x + 2, Ink::Action),
                MarkKind::Milestone => (x, x + 1, Ink::Pole),
            };
            self.scene.fill((from, top, to, bottom), ink);
            self.scene.poles.push((from, top, to, bottom));
        }
    }

    /// Whether so long a time takes as many columns of pixels.
    pub fn shows(story: &Story, from: Time, to: Time, least: u32) -> bool {
        // No picture has more columns of pixels.
        let columns = u128::from(WIDTH.unsigned_abs());
        u128::from(to.min(story.until).saturating_since(from).as_micros()) * columns
            >= u128::from(story.until.as_micros()) * u128::from(least)
    }

    /// A count on an axis at the left, and its line across.
    pub fn count(&mut self, value: i64, y: i32) {
        self.scene.fill((self.left, y, self.right, y + 1), Ink::Grid);
        self.scene.label_before(ticks::count(value), self.left - 12, y - AXIS.px / 2 - 1, AXIS, Ink::Quiet);
    }

    /// Height of all that lies below the body [px].
    pub fn below(&self) -> i32 {
        34 + LINE + 30 + (self.key.len() + self.notes.len()) as i32 * LINE
    }

    /// The time axis at `bottom`, and what lies below it.
    pub fn finish(mut self, bottom: i32) -> Scene {
        self.scene.size = (WIDTH, bottom + self.below());
        self.scene.fill((self.left, bottom, self.right, bottom + 1), Ink::Axis);
        for at in ticks::of_time(self.until, self.right - self.left, |text| AXIS.width(text)) {
            let x = self.x(at);
            self.scene.fill((x, bottom, x + 1, bottom + 6), Ink::Axis);
            let (text, side) = (ticks::moment(at), Side::Middle);
            self.scene.labels.push(Label { text, x, top: bottom + 12, side, face: AXIS, ink: Ink::Quiet });
        }
        let top = bottom + 12 + LINE + 4;
        self.scene.label_before("simulated time since the run began", self.right, top, SMALL, Ink::Strong);
        for (row, text) in self.key.iter().chain(&self.notes).enumerate() {
            self.scene.label(text.as_str(), MARGIN, top + LINE + row as i32 * LINE, SMALL, Ink::Quiet);
        }
        self.scene
    }
}

/// Title and subtitle; returns where they end.
pub(super) fn heading(scene: &mut Scene, title: &str, subtitle: &str) -> i32 {
    let width = WIDTH - 2 * MARGIN;
    let (face, rows) = [(32, 1), (26, 2), (22, 3)]
        .map(|(px, rows)| (Face::bold(px), rows))
        .into_iter()
        .find(|(face, rows)| face.wrapped(title, width, usize::MAX).len() <= *rows)
        .unwrap_or((Face::bold(22), 3));
    let mut top = 34;
    for (face, rows, ink, text) in [(face, rows, Ink::Strong, title), (SUBTITLE, 3, Ink::Quiet, subtitle)] {
        for line in face.wrapped(text, width, rows) {
            scene.label(line, MARGIN, top, face, ink);
            top += face.px + 7;
        }
    }
    top + 11
}

/// Samples with their names; returns where they end.
pub(super) fn legend(scene: &mut Scene, entries: Vec<(Swatch, String)>, top: i32) -> i32 {
    let (mut x, mut row) = (MARGIN, 0);
    let count = entries.len();
    for (index, (swatch, name)) in entries.into_iter().enumerate() {
        let name = LEGEND.fitted(&name, WIDTH - 2 * MARGIN - SWATCH.0 - 10);
        let width = SWATCH.0 + 10 + LEGEND.width(&name);
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, row) = (MARGIN, row + 1);
        }
        if row + 1 == LEGEND_ROWS_MAX && index + 1 < count && x + width > WIDTH / 2 {
            scene.label(format!("and {} more", count - index), x, top + row * LEGEND_ROW, LEGEND, Ink::Quiet);
            break;
        }
        let row_top = top + row * LEGEND_ROW;
        sample(scene, (x, row_top + (LEGEND.px - SWATCH.1) / 2 + 1), swatch);
        scene.label(name, x + SWATCH.0 + 10, row_top, LEGEND, Ink::Strong);
        x += width + 34;
    }
    if count == 0 { top } else { top + (row + 1) * LEGEND_ROW }
}

fn sample(scene: &mut Scene, (x, y): (i32, i32), swatch: Swatch) {
    let (right, bottom) = (x + SWATCH.0, y + SWATCH.1);
    let whole = Slice { from: x, to: right, top: y, bottom };
    let level = |y| Trace { runs: Vec::new(), path: vec![(x, y), (right, y)] };
    match swatch {
        Swatch::Curve(pen) => pen.draw(scene, &level(y + SWATCH.1 / 2)),
        Swatch::Filled(pen, area) => {
            scene.area(vec![whole], area);
            pen.draw(scene, &level(y + 1));
        }
        Swatch::Area(area, hatch) => {
            scene.area(vec![whole], area);
            scene.hatch(&[whole], hatch);
        }
        Swatch::Lined(area, line) => {
            scene.area(vec![whole], area);
            scene.lines(&[whole], line);
        }
        Swatch::Lane => scene.fill((x, y + 4, right, bottom - 4), Ink::Fault),
        Swatch::Look(look) => look.bar(scene, (x, y, right, bottom)),
        Swatch::Fault => {
            scene.fill((x, y, right, bottom), Ink::FaultBand);
            scene.fill((x, y, x + 2, bottom), Ink::Fault);
        }
    }
}

fn face(kind: MarkKind) -> Face {
    if kind == MarkKind::Milestone { FLAG } else { FLAG_STRONG }
}

const fn ink(kind: MarkKind) -> Ink {
    match kind {
        MarkKind::Fault => Ink::Fault,
        MarkKind::Action => Ink::Action,
        MarkKind::Milestone => Ink::Strong,
    }
}

fn stamp_width(stamp: &str) -> i32 {
    FLAG.width(stamp) + 4
}

/// On one line, and no longer than could ever be shown: to fit a text takes time.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().take(LABEL_MAX).collect::<Vec<_>>().join(" ");
    line.chars().take(LABEL_MAX).collect()
}

/// A lane for each span, so that no two in one lane touch: the lowest number that is free. O(spans · lanes).
fn lanes(spans: &[(Time, Time)]) -> Vec<usize> {
    let mut ends: Vec<Time> = Vec::new();
    spans
        .iter()
        .map(|&(from, to)| {
            let lane = ends.iter().position(|end| *end < from).unwrap_or(ends.len());
            match ends.get_mut(lane) {
                Some(end) => *end = to,
                None => ends.push(to),
            }
            lane
        })
        .collect()
}

/// Lines that list the marks for which no flag had room.
fn key(unplaced: &[String]) -> Vec<String> {
    if unplaced.is_empty() {
        return Vec::new();
    }
    let width = WIDTH - 2 * MARGIN;
    let list = |shown: usize| {
        let rest = unplaced.len() - shown;
        let more = if rest > 0 { format!(" · and {rest} more") } else { String::new() };
        let listed = unplaced[..shown].join(" · ");
        SMALL.wrapped(&format!("Also marked: {listed}{more}"), width, usize::MAX)
    };
    // More entries never take fewer lines.
    let (mut fits, mut too_many) = (0, unplaced.len().min(FLAGS_SOUGHT) + 1);
    while fits + 1 < too_many {
        let middle = (fits + too_many) / 2;
        if list(middle).len() <= KEY_ROWS_MAX { fits = middle } else { too_many = middle }
    }
    list(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_get_lanes_of_their_own() {
        let at = |second: u64| Time::from_micros(second * 1_000_000);
        let spans = [(0, 10), (5, 7), (7, 8), (9, 12), (11, 20), (13, 14)].map(|(from, to)| (at(from), at(to)));
        assert_eq!(lanes(&spans), [0, 1, 2, 1, 0, 1]);
    }
}
