//! Where replica-seconds were lost: per outage and workload a waterfall, in which each cause begins where the one before
//! it ended, down to the total.
//!
//! All bars of a picture have one scale, so that what cost more is longer. Where there are too many rows for a waterfall
//! each, one waterfall sums up all of them, and each is one bar with its causes side by side.

use super::lettering::Face;
use super::page::{AXIS, LINE, SMALL, Swatch, heading, legend};
use super::scene::{Label, MARGIN, Scene, Shape, Side, WIDTH};
use super::theme::Ink;
use super::trace::Slice;
use super::{PlotError, ticks};

/// Lost replica-seconds and their causes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaterfallChart {
    /// What happened, in one sentence.
    pub title: String,
    /// How to read it: scenario, seed, size of the cluster.
    pub subtitle: String,
    /// One per outage and workload.
    pub rows: Vec<Row>,
    /// What the picture leaves out, a line each.
    pub notes: Vec<String>,
}

/// What one outage cost one workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Which outage and which workload.
    pub label: String,
    /// Its causes, in the order in which they usually follow each other.
    pub parts: Vec<Part>,
}

/// What one cause cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// The cause, in a word.
    pub cause: String,
    /// The setting, delay or field that owns it, with its value; empty if none does.
    pub owner: String,
    /// How much [replica-seconds]; never below zero.
    pub replica_seconds: f64,
}

const BLOCK: Face = Face::bold(18);
const CAUSE: Face = Face::regular(16);
const TOTAL: Face = Face::bold(16);
const INSIDE: Face = Face::regular(13);

/// Columns: causes end at the first, bars lie between the second and the third, numbers end at the fourth, shares at the
/// fifth, owners begin at the sixth [px].
const CAUSES: i32 = MARGIN + 150;
const BARS: (i32, i32) = (CAUSES + 14, 980);
const NUMBERS: i32 = 1092;
const SHARES: i32 = 1158;
const OWNERS: i32 = 1178;
/// Where the labels of bars with all causes side by side end, and where those begin [px].
const LABELS: i32 = MARGIN + 470;
const SIDE_BY_SIDE: (i32, i32) = (LABELS + 14, 1400);

/// Height of one line of a waterfall, of its bar, and of the space between two waterfalls [px].
const ROW: i32 = 27;
const BAR: i32 = 17;
const GAP: i32 = 22;
/// Lines of waterfalls at most; with more there is one waterfall and one bar per row.
const LINES_MAX: usize = 40;
/// Rows at most of which each has a bar; the others share one.
const BARS_MAX: usize = 24;

/// How the causes look: colour, and hatching. The names are those of the record; others get what is left.
const CAUSE_LOOKS: [(&str, Ink, Option<Ink>); 13] = [
    ("not-noticed", Ink::Orange, None),
    ("rate-limited", Ink::Yellow, Some(Ink::Stripe)),
    ("tolerated", Ink::Purple, None),
    ("not-replaced", Ink::Gray, None),
    ("throttled", Ink::Gray, Some(Ink::Stripe)),
    ("no-room", Ink::Vermillion, None),
    ("back-off", Ink::Vermillion, Some(Ink::Stripe)),
    ("not-placed", Ink::Orange, Some(Ink::Stripe)),
    ("pulling", Ink::Sky, Some(Ink::Stripe)),
    ("starting", Ink::Sky, None),
    ("not-ready", Ink::Green, None),
    ("not-routed", Ink::Green, Some(Ink::Stripe)),
    ("stuck", Ink::Desired, None),
];

fn look(cause: &str) -> (Ink, Option<Ink>) {
    let known = CAUSE_LOOKS.iter().find(|(name, ..)| *name == cause);
    known.map_or((Ink::Blue, Some(Ink::Stripe)), |&(_, ink, hatch)| (ink, hatch))
}

impl WaterfallChart {
    /// The picture.
    ///
    /// # Errors
    /// If a part is below zero or no number.
    pub fn scene(&self) -> Result<Scene, PlotError> {
        self.rows.iter().try_for_each(Row::check)?;
        let mut scene = Scene::default();
        let top = heading(&mut scene, &self.title, &self.subtitle);
        let lines: usize = self.rows.iter().map(|row| row.causes().count() + 2).sum();
        let mut bottom = if self.rows.is_empty() {
            scene.label("Not one replica-second was lost.", MARGIN, top + 20, CAUSE, Ink::Strong);
            top + 60
        } else if lines <= LINES_MAX {
            let most = self.rows.iter().map(Row::total).fold(0.0, f64::max);
            let mut at = top + 6;
            let mut blocks = Vec::new();
            for row in &self.rows {
                let bottom = row.waterfall(&mut scene, at, most);
                blocks.push((at + ROW - 4, bottom));
                at = bottom + GAP;
            }
            axis(&mut scene, &blocks, BARS, most)
        } else {
            self.side_by_side(&mut scene, top)
        };
        for note in &self.notes {
            for line in SMALL.wrapped(note, WIDTH - 2 * MARGIN, 2) {
                scene.label(line, MARGIN, bottom, SMALL, Ink::Quiet);
                bottom += LINE;
            }
        }
        scene.size = (WIDTH, bottom + 14);
        Ok(scene)
    }

    /// One waterfall of all rows together, and a bar for each; returns where they end.
    fn side_by_side(&self, scene: &mut Scene, top: i32) -> i32 {
        let together = sum(&format!("all {} together", ticks::count(self.rows.len() as i64)), &self.rows);
        let most = together.total();
        let waterfall_bottom = together.waterfall(scene, top + 6, most) + 6;
        let top = axis(scene, &[(top + 2 + ROW, waterfall_bottom)], BARS, most) + 12;

        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by(|a, b| b.total().total_cmp(&a.total()));
        let rest = if rows.len() > BARS_MAX { rows.split_off(BARS_MAX) } else { Vec::new() };
        let causes = together.causes().map(|part| {
            let (ink, hatch) = look(&part.cause);
            (Swatch::Area(ink, hatch.unwrap_or(ink)), part.cause.clone())
        });
        let top = legend(scene, causes.collect(), top) + 8;
        let most = rows.iter().map(|row| row.total()).fold(0.0, f64::max);
        let bars_top = top;
        let mut top = top + 4;
        for row in rows {
            row.bar(scene, top, most);
            top += ROW;
        }
        if !rest.is_empty() {
            // Its bar would be longer than all others for no good reason.
            let name = format!("{} others together", ticks::count(rest.len() as i64));
            scene.label_before(name, LABELS, top + 1, CAUSE, Ink::Quiet);
            let total = rest.into_iter().map(Row::total).sum();
            scene.label(amount(total), SIDE_BY_SIDE.0 + 10, top + 1, CAUSE, Ink::Strong);
            top += ROW;
        }
        axis(scene, &[(bars_top, top)], SIDE_BY_SIDE, most)
    }
}

impl Row {
    fn check(&self) -> Result<(), PlotError> {
        match self.parts.iter().find(|part| !(part.replica_seconds >= 0.0 && part.replica_seconds.is_finite())) {
            None => Ok(()),
            Some(part) => Err(PlotError::NoAmount {
                row: self.label.clone(),
                cause: part.cause.clone(),
                value: part.replica_seconds,
            }),
        }
    }

    fn total(&self) -> f64 {
        self.parts.iter().map(|part| part.replica_seconds).sum()
    }

    /// Parts that cost anything.
    fn causes(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.replica_seconds > 0.0)
    }

    /// Heading, a line for each cause, and the total; returns where they end.
    fn waterfall(&self, scene: &mut Scene, top: i32, most: f64) -> i32 {
        let total = self.total();
        scene.label(BLOCK.elided(&self.label, WIDTH - 2 * MARGIN), MARGIN, top, BLOCK, Ink::Strong);
        let mut top = top + ROW;
        let mut before = 0.0;
        for part in self.causes() {
            let (from, to) = (x_of(before, most, BARS), x_of(before + part.replica_seconds, most, BARS));
            let to = to.max(from + 2);
            before += part.replica_seconds;
            scene.label_before(CAUSE.fitted(&part.cause, 150), CAUSES, top + 1, CAUSE, Ink::Strong);
            paint(scene, (from, top, to, top + BAR), &part.cause);
            // The step to the next bar, or to the total.
            let end = x_of(before, most, BARS);
            scene.fill((end, top + BAR, end + 1, top + ROW), Ink::Axis);
            let owner = CAUSE.fitted(&part.owner, WIDTH - MARGIN - OWNERS);
            scene.label(owner, OWNERS, top + 1, CAUSE, Ink::Quiet);
            numbers(scene, top + 1, CAUSE, part.replica_seconds, total);
            top += ROW;
        }
        scene.label_before("total", CAUSES, top + 1, TOTAL, Ink::Strong);
        scene.fill((BARS.0, top, x_of(total, most, BARS), top + BAR), Ink::Blue);
        numbers(scene, top + 1, TOTAL, total, total);
        scene.label("replica-seconds", OWNERS, top + 1, CAUSE, Ink::Quiet);
        top + ROW
    }

    /// All causes side by side.
    fn bar(&self, scene: &mut Scene, top: i32, most: f64) {
        let label = CAUSE.elided(&self.label, LABELS - MARGIN);
        scene.label_before(label, LABELS, top + 1, CAUSE, Ink::Strong);
        let mut before = 0.0;
        for part in self.causes() {
            let from = x_of(before, most, SIDE_BY_SIDE);
            before += part.replica_seconds;
            let to = x_of(before, most, SIDE_BY_SIDE);
            // A hair of paper between two: neighbours may look alike.
            paint(scene, (from, top, (to - 1).max(from), top + BAR), &part.cause);
            let (_, hatch) = look(&part.cause);
            if hatch.is_none() && to - from > INSIDE.width(&part.cause) + 12 {
                scene.label(part.cause.as_str(), from + 6, top + 2, INSIDE, inside(&part.cause));
            }
        }
        let end = x_of(before, most, SIDE_BY_SIDE);
        scene.label(amount(self.total()), end + 10, top + 1, CAUSE, Ink::Strong);
    }
}

/// What can be read on the colour of a cause.
fn inside(cause: &str) -> Ink {
    if look(cause).0 == Ink::Desired { Ink::Paper } else { Ink::OnColor }
}

/// Rows added up by cause; an owner stays if it is the same everywhere.
fn sum<'a>(label: &str, rows: impl IntoIterator<Item = &'a Row>) -> Row {
    let mut parts: Vec<Part> = Vec::new();
    for part in rows.into_iter().flat_map(|row| &row.parts) {
        match parts.iter_mut().find(|sum| sum.cause == part.cause) {
            Some(sum) => {
                sum.replica_seconds += part.replica_seconds;
                if sum.owner != part.owner {
                    sum.owner = "different owners".to_string();
                }
            }
            None => parts.push(part.clone()),
        }
    }
    let place = |part: &Part| CAUSE_LOOKS.iter().position(|(name, ..)| *name == part.cause);
    parts.sort_by_key(|part| place(part).unwrap_or(CAUSE_LOOKS.len()));
    Row { label: label.to_string(), parts }
}

fn paint(scene: &mut Scene, (left, top, right, bottom): (i32, i32, i32, i32), cause: &str) {
    let (ink, hatch) = look(cause);
    scene.fill((left, top, right, bottom), ink);
    if let Some(hatch) = hatch {
        scene.hatch(&[Slice { from: left, to: right, top, bottom }], hatch);
    }
}

/// An amount and its share of the total.
fn numbers(scene: &mut Scene, top: i32, face: Face, value: f64, total: f64) {
    scene.label_before(amount(value), NUMBERS, top, face, Ink::Strong);
    let share = if total > 0.0 { value / total * 100.0 } else { 0.0 };
    let text = if value > 0.0 && share < 0.5 { "< 1 %".to_string() } else { format!("{share:.0} %") };
    scene.label_before(text, SHARES, top, face, Ink::Quiet);
}

/// Replica-seconds for people: parts of them as long as they count.
fn amount(value: f64) -> String {
    if value < 1.0 {
        format!("{value:.2}")
    } else if value < 1_000.0 {
        format!("{value:.1}")
    } else {
        ticks::count(value.round() as i64)
    }
}

fn x_of(value: f64, most: f64, (left, right): (i32, i32)) -> i32 {
    if most <= 0.0 {
        return left;
    }
    left + ((value / most).clamp(0.0, 1.0) * f64::from(right - left)).round() as i32
}

/// The axis below bars that lie in these blocks, each from its top to its bottom; returns where what belongs to it ends.
fn axis(scene: &mut Scene, blocks: &[(i32, i32)], (left, right): (i32, i32), most: f64) -> i32 {
    let bottom = blocks.last().map_or(0, |block| block.1);
    let count = (most.ceil() as i64).max(1);
    let step = ticks::of_count(count, right - left, AXIS.width(&ticks::count(count)) + 40);
    let mut lines = Vec::new();
    for value in step {
        let x = x_of(value as f64, most.max(1.0), (left, right));
        lines.extend(blocks.iter().map(|&(top, bottom)| Shape::Fill((x, top, x + 1, bottom), Ink::Grid)));
        let (text, side) = (ticks::count(value), Side::Middle);
        scene.labels.push(Label { text, x, top: bottom + 8, side, face: AXIS, ink: Ink::Quiet });
    }
    // Behind everything.
    scene.shapes.splice(0..0, lines);
    scene.fill((left, bottom, right, bottom + 1), Ink::Axis);
    scene.label_before("lost replica-seconds", right, bottom + 8 + LINE, SMALL, Ink::Strong);
    bottom + 8 + LINE + LINE + 6
}
