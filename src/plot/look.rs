//! How states look: a colour of their own, and a shape of their own, so that they are told apart without colour too.

use super::scene::{Rect, Scene};
use super::theme::Ink;
use super::trace::Slice;

/// How a piece of a bar or a strip looks. The names say what each is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// All is well: pale blue.
    Ready,
    /// The API says that all is well, and it is not: orange with a dark line along the middle.
    Hearsay,
    /// It is not well, as everybody knows: vermillion.
    NotReady,
    /// It is given up: purple with two dark lines.
    Evicting,
    /// It is on its way out: a thin grey bar.
    Leaving,
    /// It is on its way in: light blue, the lower half.
    Starting,
    /// All is well, and the API does not say so: green, paler below.
    Unseen,
    /// It takes nothing new: yellow between two dark lines.
    Cordoned,
    /// It is not there: a grey line.
    Absent,
    /// It has ended: a grey line at the bottom.
    Over,
    /// It is there and nobody knows: an empty frame.
    Forgotten,
}

impl Look {
    /// All of them, in the order of legends and of layers from below.
    pub const ALL: [Look; 11] = [
        Look::Ready,
        Look::Unseen,
        Look::Cordoned,
        Look::Starting,
        Look::Hearsay,
        Look::NotReady,
        Look::Evicting,
        Look::Leaving,
        Look::Forgotten,
        Look::Over,
        Look::Absent,
    ];

    /// Paints one piece of a bar.
    pub(super) fn bar(self, scene: &mut Scene, (left, top, right, bottom): Rect) {
        let height = bottom - top;
        let line = (height / 8).max(1);
        let level = |scene: &mut Scene, at: i32, thickness: i32, ink| {
            scene.fill((left, at, right, (at + thickness).min(bottom)), ink);
        };
        let middle = top + (height - line) / 2;
        match self {
            Look::Ready => level(scene, top, height, Ink::BlueArea),
            Look::Hearsay => {
                level(scene, top, height, Ink::Orange);
                level(scene, middle, line, Ink::Stripe);
            }
            Look::NotReady => level(scene, top, height, Ink::Vermillion),
            Look::Evicting => {
                level(scene, top, height, Ink::Purple);
                level(scene, top + height / 4, line, Ink::Stripe);
                level(scene, bottom - height / 4 - line, line, Ink::Stripe);
            }
            Look::Leaving => level(scene, top + height / 3, (height / 3).max(2), Ink::Quiet),
            Look::Starting => level(scene, top + height / 2, height - height / 2, Ink::Sky),
            Look::Unseen => {
                level(scene, top, height / 2, Ink::Green);
                level(scene, top + height / 2, height - height / 2, Ink::GreenArea);
            }
            Look::Cordoned => {
                level(scene, top, height, Ink::Yellow);
                level(scene, top, line, Ink::Stripe);
                level(scene, bottom - line, line, Ink::Stripe);
            }
            Look::Absent => level(scene, middle, line, Ink::Axis),
            Look::Over => level(scene, bottom - line, line, Ink::Axis),
            Look::Forgotten => {
                level(scene, top, line, Ink::Strong);
                level(scene, bottom - line, line, Ink::Strong);
                scene.fill((left, top, left + line, bottom), Ink::Strong);
                scene.fill((right - line, top, right, bottom), Ink::Strong);
            }
        }
    }

    /// Paints one layer of a stack.
    pub(super) fn layer(self, scene: &mut Scene, slices: Vec<Slice>) {
        let (ink, hatch) = match self {
            Look::Ready => (Ink::BlueArea, None),
            Look::Hearsay => (Ink::Orange, Some(Ink::Stripe)),
            Look::NotReady => (Ink::Vermillion, None),
            Look::Evicting => (Ink::Purple, Some(Ink::Stripe)),
            Look::Leaving => (Ink::Quiet, None),
            Look::Starting => (Ink::Sky, None),
            Look::Unseen => (Ink::Green, None),
            Look::Cordoned => (Ink::Yellow, Some(Ink::Stripe)),
            Look::Absent | Look::Over => (Ink::GrayArea, None),
            Look::Forgotten => (Ink::Quiet, Some(Ink::Strong)),
        };
        scene.area(slices.clone(), ink);
        if let Some(hatch) = hatch {
            scene.hatch(&slices, hatch);
        }
    }
}

/// How many of each look there are from a pixel on, up to the next: a stack of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pile {
    pub from: i32,
    pub to: i32,
    /// By the order of [`Look::ALL`].
    pub counts: [u32; Look::ALL.len()],
}

/// Piles pieces of many bars up: each is from, to [px] and a look. Within one column of pixels the last count stands.
pub(super) fn piles(pieces: impl Iterator<Item = (i32, i32, Look)>) -> Vec<Pile> {
    let place = |look| Look::ALL.iter().position(|other| *other == look).expect("it is one of all");
    let mut changes: Vec<(i32, usize, i32)> = Vec::new();
    for (from, to, look) in pieces.filter(|(from, to, _)| from < to) {
        changes.extend([(from, place(look), 1), (to, place(look), -1)]);
    }
    changes.sort_unstable();
    let mut piles: Vec<Pile> = Vec::new();
    let mut counts = [0; Look::ALL.len()];
    let mut rest = changes.as_slice();
    while let Some(&(from, ..)) = rest.first() {
        let here = rest.partition_point(|change| change.0 == from);
        for &(_, place, by) in &rest[..here] {
            counts[place] = u32::checked_add_signed(counts[place], by).expect("what ends has begun");
        }
        rest = &rest[here..];
        let Some(&(to, ..)) = rest.first() else { break };
        match piles.last_mut() {
            Some(last) if last.to == from && last.counts == counts => last.to = to,
            _ => piles.push(Pile { from, to, counts }),
        }
    }
    piles
}

/// Paints piles as a stack: `most` of them reach from the bottom to the top of the place between.
pub(super) fn stack(scene: &mut Scene, piles: &[Pile], (top, bottom): (i32, i32), most: u32) {
    let height = |count: u32| {
        let (count, most, height) =
            (u64::from(count), u64::from(most.max(1)), u64::from((bottom - top).unsigned_abs()));
        ((count * height * 2 + most) / (most * 2)) as i32
    };
    for (index, look) in Look::ALL.into_iter().enumerate() {
        let mut run: Vec<Slice> = Vec::new();
        for pile in piles {
            let below: u32 = pile.counts[..index].iter().sum();
            let low = bottom - height(below);
            let mut high = bottom - height(below + pile.counts[index]);
            if pile.counts[index] > 0 {
                // One of many is still to be seen.
                high = high.min(low - 1).max(top);
            }
            let slice = Slice { from: pile.from, to: pile.to, top: high, bottom: low.max(high) };
            let goes_on = run.last().is_some_and(|last| last.to == slice.from);
            if (slice.top >= slice.bottom || !goes_on) && !run.is_empty() {
                look.layer(scene, std::mem::take(&mut run));
            }
            if slice.top < slice.bottom {
                run.push(slice);
            }
        }
        if !run.is_empty() {
            look.layer(scene, run);
        }
    }
}
