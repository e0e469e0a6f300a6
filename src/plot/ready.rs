//! Ready against desired: one panel per workload, above a common time axis.
//!
//! Two truths are drawn: how many pods the API calls ready, and how many really serve. Where they part, the gap is hatched
//! in a colour of its own, and so is what both lack of what is wanted.

use super::lettering::Face;
use super::page::{AXIS, LINE, Page, Pen, SMALL, Swatch};
use super::scene::{MARGIN, Scene};
use super::theme::Ink;
use super::trace::{self, Trace};
use super::{PlotError, Story, check_order, ticks};
use crate::kernel::time::Time;

/// Pods wanted, ready and serving over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadyChart {
    /// What happened.
    pub story: Story,
    /// One per workload, from top to bottom.
    pub panels: Vec<Panel>,
}

/// One workload. Steps are the number from that moment on, ascending in time; of equal moments the last one stands, before
/// the first there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panel {
    /// The workload.
    pub name: String,
    /// Beside it, where there are several panels: a line each.
    pub notes: Vec<String>,
    /// Pods wanted.
    pub desired: Vec<(Time, i64)>,
    /// Pods that the API calls ready.
    pub ready: Vec<(Time, i64)>,
    /// Pods that really serve.
    pub serving: Vec<(Time, i64)>,
}

/// What takes so many columns is not covered by the thickest line at its ends [px].
const HIDDEN: u32 = 8;

const DESIRED: Pen = Pen { ink: Ink::Desired, thickness: 2, dash: (9, 6) };
const READY: Pen = Pen { ink: Ink::Blue, thickness: 6, dash: (0, 0) };
/// It runs along the middle of the other where both are one.
const SERVING: Pen = Pen { ink: Ink::Strong, thickness: 2, dash: (0, 0) };

/// Width of the names at the left of several panels [px].
const NAMES: i32 = 250;
const NAME: Face = Face::bold(16);
/// Height of a picture with one panel, least height of its panel, and heights of one panel of several by their number [px].
const HEIGHT: i32 = 900;
const SINGLE_MIN: i32 = 320;
const PANEL: [i32; 5] = [0, 0, 250, 180, 140];
const PANEL_MIN: i32 = 74;
/// Between two panels [px].
const GAP: i32 = 26;
/// Fewer than one in so many missing at most: then an axis from zero would show a line.
const FEW: i64 = 20;
/// What is missing is at least this high [px].
const VISIBLE: i32 = 3;

/// The least and the highest value of an axis.
#[derive(Clone, Copy)]
struct Scale {
    least: i64,
    most: i64,
}

/// Where a panel is [px], and what its height means.
#[derive(Clone, Copy)]
struct Frame {
    top: i32,
    bottom: i32,
    scale: Scale,
}

/// The three lines in pixels of height.
struct Lines {
    desired: Vec<(Time, i64)>,
    ready: Vec<(Time, i64)>,
    serving: Vec<(Time, i64)>,
    /// The lower and the higher of ready and serving.
    low: Vec<(Time, i64)>,
    high: Vec<(Time, i64)>,
}

impl ReadyChart {
    /// The picture.
    ///
    /// # Errors
    /// If a series goes back in time or below zero.
    pub fn scene(&self) -> Result<Scene, PlotError> {
        self.panels.iter().try_for_each(Panel::check)?;
        let scales: Vec<Scale> = self.panels.iter().map(|panel| panel.scale(self.story.until)).collect();
        let highest = scales.iter().map(|scale| scale.most).max().unwrap_or(1);
        // Digits of the font are all of one width, so no tick is wider than the highest value.
        let axis = AXIS.width(&ticks::count(highest)).max(AXIS.width("pods")) + 12;
        let is_single = self.panels.len() < 2;
        let gutter = if is_single { axis } else { NAMES + axis };
        let mut story = self.story.clone();
        if scales.iter().any(|scale| scale.least > 0) {
            let note = if is_single { "The axis does" } else { "Where few of many pods were missing the axis does" };
            story.notes.insert(0, format!("{note} not begin at zero."));
        }
        let mut page = Page::begin(&story, self.legend(), gutter, LINE + 14, true);
        let (top, below) = (page.top, page.below());
        page.scene.label_before("pods", page.left - 12, top - 10 - LINE, AXIS, Ink::Strong);
        let count = self.panels.len() as i32;
        let height = match self.panels.len() {
            0 | 1 => (HEIGHT - top - below).max(SINGLE_MIN),
            few if few < PANEL.len() => PANEL[few],
            _ => (640 / count).max(PANEL_MIN),
        };
        let bottom = top + count.max(1) * height + (count - 1).max(0) * GAP;
        page.shade(bottom);
        let mut frames = Vec::new();
        for (index, (panel, scale)) in self.panels.iter().zip(scales).enumerate() {
            let frame_top = top + index as i32 * (height + GAP);
            let frame = Frame { top: frame_top, bottom: frame_top + height, scale };
            frames.push((panel, frame));
            page.scene.plots.push((page.left, frame.top, page.right, frame.bottom));
            frame.axis(&mut page);
            panel.areas(&mut page, frame);
            if !is_single {
                panel.words(&mut page.scene, frame);
            }
        }
        page.poles(bottom);
        for (panel, frame) in frames {
            panel.curves(&mut page, frame);
        }
        Ok(page.finish(bottom))
    }

    fn legend(&self) -> Vec<(Swatch, String)> {
        let name = match self.panels.as_slice() {
            [panel] => format!("{} desired", panel.name),
            _ => "desired".to_string(),
        };
        // What is hidden by the lines around it needs no name.
        let has = |differ: fn(i64, i64) -> bool| {
            self.panels.iter().any(|panel| {
                let moments: Vec<_> = panel.moments().collect();
                let stretches = moments.chunk_by(|one, next| differ(one.2, one.3) == differ(next.2, next.3));
                let mut end = 0;
                stretches.into_iter().any(|stretch| {
                    end += stretch.len();
                    let until = moments.get(end).map_or(self.story.until, |next| next.0);
                    let (from, _, ready, serving) = stretch[0];
                    differ(ready, serving) && Page::shows(&self.story, from, until, HIDDEN)
                })
            })
        };
        let mut legend = vec![
            (Swatch::Curve(DESIRED), name),
            (Swatch::Filled(READY, Ink::BlueArea), "ready, says the API".to_string()),
            (Swatch::Curve(SERVING), "really serving".to_string()),
            (Swatch::Area(Ink::VermillionArea, Ink::VermillionHatch), "missing".to_string()),
        ];
        if has(|ready, serving| ready > serving) {
            let name = "ready only by what the API says".to_string();
            legend.push((Swatch::Lined(Ink::OrangeArea, Ink::OrangeHatch), name));
        }
        if has(|ready, serving| ready < serving) {
            let name = "serving, and the API does not say so".to_string();
            legend.push((Swatch::Area(Ink::GreenArea, Ink::GreenHatch), name));
        }
        legend
    }
}

impl Panel {
    fn check(&self) -> Result<(), PlotError> {
        for (what, steps) in [("desired", &self.desired), ("ready", &self.ready), ("serving", &self.serving)] {
            let series = format!("{} {what}", self.name);
            check_order(&series, steps.iter().map(|step| step.0))?;
            if let Some(&(at, value)) = steps.iter().find(|(_, value)| *value < 0) {
                return Err(PlotError::Negative { series, at, value });
            }
        }
        Ok(())
    }

    /// The values between which the panel shows anything: from zero, unless few of many pods were ever missing.
    fn scale(&self, until: Time) -> Scale {
        let all = [&self.desired, &self.ready, &self.serving];
        let values = || all.into_iter().flatten().filter(|(at, _)| *at <= until).map(|(_, value)| *value);
        let most = values().max().unwrap_or(0).max(1);
        let lack = most - values().min().unwrap_or(0);
        if lack == 0 || lack > most / FEW {
            return Scale { least: 0, most };
        }
        let mut round = 1;
        while round * 10 <= lack {
            round *= 10;
        }
        Scale { least: (most - 4 * lack) / round * round, most }
    }

    /// Moments at which anything changes, with how many are then desired, ready and serving; from the first at which all
    /// three are known.
    fn moments(&self) -> impl Iterator<Item = (Time, i64, i64, i64)> {
        let series = [&self.desired, &self.ready, &self.serving];
        let mut times: Vec<Time> = series.into_iter().flatten().map(|step| step.0).collect();
        times.sort_unstable();
        times.dedup();
        let mut next = [0; 3];
        times.into_iter().filter_map(move |at| {
            let values = [0, 1, 2].map(|n| {
                next[n] += series[n][next[n]..].iter().take_while(|step| step.0 <= at).count();
                next[n].checked_sub(1).map(|last| series[n][last].1)
            });
            Some((at, values[0]?, values[1]?, values[2]?))
        })
    }

    /// The lines; a pod that is missing among thousands is still to be seen.
    fn lines(&self, frame: Frame) -> Lines {
        let mut lines =
            Lines { desired: Vec::new(), ready: Vec::new(), serving: Vec::new(), low: Vec::new(), high: Vec::new() };
        let y = |value: i64| i64::from(frame.y(value));
        let bottom = i64::from(frame.bottom);
        for (at, desired, ready, serving) in self.moments() {
            let wanted = y(desired);
            let below = |value: i64, than: i64, line: i64| {
                if value < than { y(value).max(line + i64::from(VISIBLE)).min(bottom) } else { y(value) }
            };
            let (more, fewer) = (ready.max(serving), ready.min(serving));
            let high = below(more, desired, wanted);
            let low = below(fewer, more, high);
            lines.desired.push((at, wanted));
            lines.ready.push((at, if ready == more { high } else { low }));
            lines.serving.push((at, if serving == more { high } else { low }));
            lines.low.push((at, low));
            lines.high.push((at, high));
        }
        lines
    }

    fn areas(&self, page: &mut Page, frame: Frame) {
        let lines = self.lines(frame);
        let [desired, ready, serving, low, high] =
            [&lines.desired, &lines.ready, &lines.serving, &lines.low, &lines.high].map(|steps| trace(page, steps));
        page.scene.area(low.area(frame.bottom), Ink::BlueArea);
        for (lower, higher, area, hatch) in [
            (&high, &desired, Ink::VermillionArea, Ink::VermillionHatch),
            (&serving, &ready, Ink::OrangeArea, Ink::OrangeHatch),
            (&ready, &serving, Ink::GreenArea, Ink::GreenHatch),
        ] {
            for slices in lower.shortfall(higher) {
                page.scene.area(slices.clone(), area);
                if area == Ink::OrangeArea {
                    page.scene.lines(&slices, hatch);
                } else {
                    page.scene.hatch(&slices, hatch);
                }
            }
        }
    }

    fn curves(&self, page: &mut Page, frame: Frame) {
        let lines = self.lines(frame);
        // Where all is well the API's line covers what is desired, and the truth lies on top of both.
        for (pen, steps) in [(DESIRED, &lines.desired), (READY, &lines.ready), (SERVING, &lines.serving)] {
            let trace = trace(page, steps);
            pen.draw(&mut page.scene, &trace);
        }
    }

    /// Name and notes at the left of the panel.
    fn words(&self, scene: &mut Scene, frame: Frame) {
        // A long name can do without its kind.
        let short = self.name.split_once('/').map_or(self.name.as_str(), |(_, name)| name);
        let name = if NAME.width(&self.name) <= NAMES - 16 { &self.name } else { short };
        scene.label(NAME.elided(name, NAMES - 16), MARGIN, frame.top + 2, NAME, Ink::Strong);
        let rows = ((frame.bottom - frame.top - LINE - 2) / (LINE - 2)).max(0) as usize;
        for (row, note) in self.notes.iter().take(rows).enumerate() {
            let top = frame.top + LINE + 2 + row as i32 * (LINE - 2);
            scene.label(SMALL.fitted(note, NAMES - 16), MARGIN, top, SMALL, Ink::Quiet);
        }
    }
}

impl Frame {
    /// A value's pixel. The highest value stays 8 % below the top: headroom for the eye.
    fn y(self, value: i64) -> i32 {
        let Scale { least, most } = self.scale;
        let (height, range) = (i128::from(self.bottom - self.top), i128::from(most - least) * 108);
        let above = i128::from((value - least).max(0));
        self.bottom - ((above * 100 * height * 2 + range) / (range * 2)) as i32
    }

    /// Lines across with their values, and the line at the bottom.
    fn axis(self, page: &mut Page) {
        let Scale { least, most } = self.scale;
        for value in ticks::of_count(most - least, self.bottom - self.top, 46) {
            page.count(least + value, self.y(least + value));
        }
        page.scene.fill((page.left, self.bottom, page.right, self.bottom + 1), Ink::Axis);
    }
}

/// The line of steps whose values are pixels of height.
fn trace(page: &Page, steps: &[(Time, i64)]) -> Trace {
    trace::of(steps, page.until, page.right, |at| page.x(at), |y| y as i32)
}
