//! Where the labels of marks go: flags on poles, in rows above the plot.
//!
//! Each mark has a pole at its moment, as high as its row; its flag flies to the right of the pole,
//! or to the left where the right is too narrow. Of marks close together the earlier one gets the
//! higher row, so that no pole crosses a flag. A mark that finds no row is left to the caller, who
//! lists it below the picture.

/// A mark to be placed, in the order of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Where its pole stands [px].
    pub pole: i32,
    /// Width of its text [px].
    pub width: i32,
}

/// Where one flag flies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag {
    /// Left and right end [px], with the space that nothing else may enter.
    pub span: (i32, i32),
    /// Where the text begins [px].
    pub text: i32,
    pub pole: i32,
    /// Row, 0 is the lowest.
    pub row: usize,
}

/// Space between pole and text [px].
const INSET: i32 = 7;
/// Space after a text before the next thing of its row [px].
const GAP: i32 = 12;

impl Wanted {
    fn flag(self, row: usize, is_left: bool) -> Flag {
        let (pole, length) = (self.pole, INSET + self.width + GAP);
        let (span, text) = if is_left {
            ((pole - length, pole), pole - INSET - self.width)
        } else {
            ((pole, pole + length), pole + INSET)
        };
        Flag { span, text, pole, row }
    }

    fn fits(self, is_left: bool, (left, right): (i32, i32)) -> bool {
        // The gap may hang over the edge, the text may not.
        if is_left { self.pole - INSET - self.width >= left } else { self.pole + INSET + self.width <= right }
    }
}

impl Flag {
    fn is_crossed_by(self, pole: i32) -> bool {
        self.span.0 < pole && pole < self.span.1
    }

    /// Whether the two can stand beside each other.
    pub fn is_clear_of(self, other: Flag) -> bool {
        match self.row.cmp(&other.row) {
            std::cmp::Ordering::Less => !self.is_crossed_by(other.pole),
            std::cmp::Ordering::Greater => !other.is_crossed_by(self.pole),
            std::cmp::Ordering::Equal => self.span.1 <= other.span.0 || other.span.1 <= self.span.0,
        }
    }
}

/// Places the flags of marks between the two edges in at most `rows` rows; `None` where none is left.
/// O(marks² · rows).
pub(super) fn place(wanted: &[Wanted], edges: (i32, i32), rows: usize) -> Vec<Option<Flag>> {
    let is_left = sides(wanted, edges);
    let mut placed: Vec<Option<Flag>> = vec![None; wanted.len()];
    // The one nearest to its edge first and lowest: then the poles of the others pass beside it.
    let rightward = (0..wanted.len()).rev().filter(|&n| !is_left[n]);
    let leftward = (0..wanted.len()).filter(|&n| is_left[n]);
    for n in rightward.chain(leftward) {
        if !wanted[n].fits(is_left[n], edges) {
            continue;
        }
        placed[n] = (0..rows)
            .map(|row| wanted[n].flag(row, is_left[n]))
            .find(|flag| placed.iter().flatten().all(|other| flag.is_clear_of(*other)));
    }
    placed
}

/// Which flags fly to the left: those that the right edge would cut, and those that would then
/// face one of them pole against flag.
fn sides(wanted: &[Wanted], edges: (i32, i32)) -> Vec<bool> {
    let mut is_left: Vec<bool> = wanted.iter().map(|mark| !mark.fits(false, edges)).collect();
    loop {
        let faces = |n: usize| {
            let flag = wanted[n].flag(0, false);
            let others = wanted.iter().zip(&is_left).filter(|(_, is_left)| **is_left);
            let mut others = others.map(|(other, _)| other.flag(0, true));
            others.any(|other| flag.is_crossed_by(other.pole) && other.is_crossed_by(flag.pole))
        };
        let turned = (0..wanted.len()).find(|&n| !is_left[n] && wanted[n].fits(true, edges) && faces(n));
        match turned {
            Some(n) => is_left[n] = true,
            None => return is_left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};

    const EDGES: (i32, i32) = (100, 1560);

    #[test]
    fn the_earlier_of_two_close_marks_flies_higher() {
        let marks = [Wanted { pole: 300, width: 200 }, Wanted { pole: 308, width: 150 }];
        let flags: Vec<Flag> = place(&marks, EDGES, 8).into_iter().flatten().collect();
        assert_eq!((flags[0].row, flags[1].row), (1, 0));
    }

    #[test]
    fn marks_far_apart_share_the_lowest_row() {
        let marks = [200, 600, 1000].map(|pole| Wanted { pole, width: 150 });
        assert!(place(&marks, EDGES, 8).iter().all(|flag| flag.unwrap().row == 0));
    }

    #[test]
    fn a_mark_at_the_right_edge_flies_to_the_left() {
        let flag = place(&[Wanted { pole: 1550, width: 150 }], EDGES, 8)[0].unwrap();
        assert_eq!(flag.text + 150 + INSET, 1550);
    }

    #[test]
    fn no_flag_is_crossed_whatever_the_marks() {
        let draws = Draws::new(7);
        for case in 0..300 {
            let mut counter = 0;
            let mut draw = |below: u64| {
                counter += 1;
                draws.below(Purpose::Test, "flags", case * 1_000 + counter, below) as i32
            };
            let mut marks: Vec<Wanted> = (0..draw(24))
                .map(|_| Wanted { pole: 100 + draw(if case % 2 == 0 { 1461 } else { 60 }), width: 20 + draw(400) })
                .collect();
            marks.sort_by_key(|mark| mark.pole);
            let flags: Vec<Flag> = place(&marks, EDGES, 9).into_iter().flatten().collect();
            for (n, flag) in flags.iter().enumerate() {
                assert!(flag.text >= EDGES.0, "{flag:?}");
                for other in &flags[..n] {
                    assert!(flag.is_clear_of(*other), "case {case}: {flag:?} and {other:?}");
                }
            }
            assert!(flags.len() >= marks.len().min(5), "case {case}: {} of {}", flags.len(), marks.len());
        }
    }
}
