//! Step functions as pixels: runs of one height, the path along them, and what lies between two.
//!
//! Many steps in one column of pixels become one vertical stroke from the lowest to the highest,
//! so that ten thousand steps cost no more than the picture is wide and no short dip is lost.

use crate::kernel::time::Time;

/// A piece of an area: from one x to another (exclusive), from top to bottom (exclusive) [px].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub from: i32,
    pub to: i32,
    pub top: i32,
    pub bottom: i32,
}

/// One curve [px].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Where it stands at which height: (from, to, y), adjacent and ascending.
    pub runs: Vec<(i32, i32, i32)>,
    /// The corners of the line along it, every piece level or upright.
    pub path: Vec<(i32, i32)>,
}

/// What happens within one column of pixels.
#[derive(Clone, Copy)]
struct Column {
    x: i32,
    /// Height at which the line comes in, and at which it goes on.
    first: i32,
    last: i32,
    top: i32,
    bottom: i32,
}

/// The curve of `steps` up to the moment `until`, which lies at the pixel `right`.
pub(super) fn of(
    steps: &[(Time, i64)],
    until: Time,
    right: i32,
    x_of: impl Fn(Time) -> i32,
    y_of: impl Fn(i64) -> i32,
) -> Trace {
    let mut trace = Trace::default();
    let mut column: Option<Column> = None;
    for &(at, value) in steps.iter().take_while(|(at, _)| *at <= until) {
        let (x, y) = (x_of(at), y_of(value));
        column = Some(match column {
            Some(open) if open.x == x => Column { top: open.top.min(y), bottom: open.bottom.max(y), last: y, ..open },
            Some(open) => {
                trace.end(open, x);
                Column { x, first: open.last, last: y, top: open.last.min(y), bottom: open.last.max(y) }
            }
            None => Column { x, first: y, last: y, top: y, bottom: y },
        });
    }
    if let Some(open) = column {
        trace.end(open, right);
    }
    trace
}

/// Adds a corner, and drops the one before it if that lies on a straight way. Level ways never turn back.
pub(super) fn add_corner(path: &mut Vec<(i32, i32)>, corner: (i32, i32)) {
    if path.last() == Some(&corner) {
        return;
    }
    if let [.., before, last] = path[..] {
        let is_level = before.1 == last.1 && last.1 == corner.1;
        let is_upright = before.0 == last.0 && last.0 == corner.0;
        let is_onward = (last.1 - before.1).signum() == (corner.1 - last.1).signum();
        if is_level || (is_upright && is_onward) {
            path.pop();
        }
    }
    path.push(corner);
}

impl Trace {
    fn end(&mut self, column: Column, next_x: i32) {
        let Column { x, first, last, top, bottom } = column;
        // A way up goes by the lowest point first, a way down by the highest.
        let (turn, other_turn) = if last <= first { (bottom, top) } else { (top, bottom) };
        for corner in [(x, first), (x, turn), (x, other_turn), (x, last), (next_x, last)] {
            add_corner(&mut self.path, corner);
        }
        match self.runs.last_mut() {
            Some(run) if run.2 == last => run.1 = next_x,
            _ => self.runs.push((x, next_x, last)),
        }
    }

    /// The area between the curve and `floor`.
    pub fn area(&self, floor: i32) -> Vec<Slice> {
        let slices = self.runs.iter().map(|&(from, to, top)| Slice { from, to, top, bottom: floor });
        slices.filter(|slice| slice.from < slice.to).collect()
    }

    /// Where `self` stands below `above`: areas without a break, each left to right.
    pub fn shortfall(&self, above: &Trace) -> Vec<Vec<Slice>> {
        let mut areas: Vec<Vec<Slice>> = Vec::new();
        for &(from, to, bottom) in &self.runs {
            let first = above.runs.partition_point(|run| run.1 <= from);
            for &(start, end, top) in above.runs[first..].iter().take_while(|run| run.0 < to) {
                let slice = Slice { from: from.max(start), to: to.min(end), top, bottom };
                if top >= bottom || slice.from >= slice.to {
                    continue;
                }
                match areas.last_mut() {
                    Some(area) if area.last().is_some_and(|last| last.to == slice.from) => area.push(slice),
                    _ => areas.push(vec![slice]),
                }
            }
        }
        areas
    }

    /// The line cut into dashes of `on` px with `off` px between them, around corners.
    pub fn dashes(&self, on: i32, off: i32) -> Vec<Vec<(i32, i32)>> {
        let mut dashes = Vec::new();
        let mut dash: Vec<(i32, i32)> = self.path.first().copied().into_iter().collect();
        let (mut is_on, mut left) = (true, on);
        for pair in self.path.windows(2) {
            let (mut here, to) = (pair[0], pair[1]);
            while here != to {
                let distance = (to.0 - here.0).abs() + (to.1 - here.1).abs();
                let go = distance.min(left);
                here.0 += (to.0 - here.0).signum() * go;
                here.1 += (to.1 - here.1).signum() * go;
                left -= go;
                if is_on {
                    dash.push(here);
                }
                if left == 0 {
                    if is_on {
                        dashes.push(std::mem::take(&mut dash));
                    } else {
                        dash.push(here);
                    }
                    (is_on, left) = if is_on { (false, off) } else { (true, on) };
                }
            }
        }
        if dash.len() > 1 {
            dashes.push(dash);
        }
        dashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pixel a second, one pixel a unit, 100 px high.
    fn trace(steps: &[(u64, i64)]) -> Trace {
        let steps: Vec<(Time, i64)> =
            steps.iter().map(|&(s, value)| (Time::from_micros(s * 1_000_000), value)).collect();
        let x_of = |at: Time| at.as_secs_f64() as i32;
        of(&steps, Time::from_micros(1_000_000_000), 1000, x_of, |value| 100 - value as i32)
    }

    #[test]
    fn a_step_is_drawn_as_a_step() {
        let trace = trace(&[(0, 10), (300, 4), (500, 10)]);
        assert_eq!(trace.runs, [(0, 300, 90), (300, 500, 96), (500, 1000, 90)]);
        assert_eq!(trace.path, [(0, 90), (300, 90), (300, 96), (500, 96), (500, 90), (1000, 90)]);
    }

    #[test]
    fn a_dip_shorter_than_a_pixel_still_shows() {
        let steps = [(0, 10), (300, 0), (300, 10)];
        assert_eq!(trace(&steps).path, [(0, 90), (300, 90), (300, 100), (300, 90), (1000, 90)]);
        assert_eq!(trace(&steps).runs, [(0, 1000, 90)]);
    }

    #[test]
    fn what_is_missing_is_the_area_between() {
        let (ready, desired) = (trace(&[(0, 10), (300, 4), (400, 6), (500, 10)]), trace(&[(0, 10)]));
        let shortfall = ready.shortfall(&desired);
        assert_eq!(shortfall.len(), 1, "one area without a break");
        assert_eq!(shortfall[0].len(), 2);
        assert_eq!(shortfall[0][0], Slice { from: 300, to: 400, top: 90, bottom: 96 });
        assert!(desired.shortfall(&ready).is_empty());
        assert!(trace(&[]).shortfall(&desired).is_empty());
    }

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let dashes = trace(&[(0, 10), (300, 4)]).dashes(6, 4);
        let on: i32 = dashes
            .iter()
            .flat_map(|dash| dash.windows(2).map(|pair| (pair[1].0 - pair[0].0).abs() + (pair[1].1 - pair[0].1).abs()))
            .sum();
        assert_eq!(on, 606, "six of every ten of 1006 px, and the six of the last piece");
    }

    #[test]
    fn many_steps_cost_no_more_than_the_picture_is_wide() {
        let steps: Vec<(u64, i64)> = (0..100_000).map(|n| (n / 100, (n as i64 * 7919) % 97)).collect();
        assert!(trace(&steps).path.len() <= 4 * 1001);
    }
}
