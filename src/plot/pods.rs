//! Pods on nodes: a band for each node, and in it a bar for each pod from when it was bound until it was gone.
//!
//! Bars that do not touch share a lane. Where a band would need more lanes than there is room for, its bars are piled up
//! instead: how many pods of which state it has.

use super::lettering::Face;
use super::look::{self, Look};
use super::page::{LINE, Page, SMALL, Swatch};
use super::scene::{Rect, Scene};
use super::theme::Ink;
use super::{PlotError, Story, check_order};
use crate::kernel::time::Time;

/// Pods on nodes over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodsChart {
    /// What happened.
    pub story: Story,
    /// What each look means, in the order of the legend; those that do not occur are left out.
    pub legend: Vec<(Look, String)>,
    /// One per node, from top to bottom.
    pub bands: Vec<Band>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// Beside it, if there is room.
    pub note: String,
    /// While it was down: shaded.
    pub down: Vec<(Time, Time)>,
    /// Its pods, in any order.
    pub bars: Vec<Bar>,
}

/// One pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Its looks, each from its moment on, ascending in time.
    pub pieces: Vec<(Time, Look)>,
    /// When it was gone; none if it was there at the end.
    pub until: Option<Time>,
}

const NAME: Face = Face::regular(15);
const POD: Face = Face::regular(12);
/// Width of the names at the left [px].
const GUTTER: i32 = 210;
/// Height of one lane, and of all together, from which follows how high one is [px].
const LANE_MAX: i32 = 22;
const LANE_MIN: i32 = 6;
const LANES_HEIGHT: i32 = 660;
/// Lanes of a band at most; with more its bars are piled up.
const LANES_MAX: usize = 14;
/// Height of a band in which they are [px].
const PILE: i32 = 44;
/// Between two bands [px].
const GAP: i32 = 8;
/// Least height of a band: its name needs it [px].
const BAND_MIN: i32 = 20;

impl PodsChart {
    /// The picture.
    ///
    /// # Errors
    /// If a bar goes back in time.
    pub fn scene(&self) -> Result<Scene, PlotError> {
        let bars = || self.bands.iter().flat_map(|band| &band.bars);
        bars().try_for_each(|bar| check_order(&bar.name, bar.pieces.iter().map(|piece| piece.0).chain(bar.until)))?;
        // What is too short to be seen needs no name.
        let occurs = |look: Look| bars().any(|bar| shows(&self.story, &bar.pieces, bar.until, look));
        let legend = self.legend.iter().filter(|(look, _)| occurs(*look));
        let mut legend: Vec<_> = legend.map(|(look, name)| (Swatch::Look(*look), name.clone())).collect();
        if self.bands.iter().any(|band| !band.down.is_empty()) {
            legend
                .push((Swatch::Area(Ink::GrayArea, Ink::Pole), "while the node is not reachable or down".to_string()));
        }
        let mut page = Page::begin(&self.story, legend, GUTTER, 4, false);
        let lanes: Vec<(usize, Vec<usize>)> = self.bands.iter().map(|band| band.lanes(&page)).collect();
        let needed: usize = lanes.iter().map(|(count, _)| if *count > LANES_MAX { 2 } else { *count }).sum();
        let lane = (LANES_HEIGHT / needed.max(1) as i32).clamp(LANE_MIN, LANE_MAX);
        let height = |count: usize| {
            if count > LANES_MAX { PILE } else { (count as i32 * lane + 2).max(BAND_MIN) }
        };
        let mut bottom = page.top + 4;
        let mut frames = Vec::new();
        for (count, _) in &lanes {
            frames.push((bottom, bottom + height(*count)));
            bottom += height(*count) + GAP;
        }
        page.scene.plots.extend(frames.iter().map(|frame| (page.left, frame.0, page.right, frame.1)));
        let most = lanes.iter().map(|(count, _)| *count).max().unwrap_or(0) as u32;
        for ((band, frame), (count, lanes)) in self.bands.iter().zip(&frames).zip(&lanes) {
            band.ground(&mut page, *frame);
            if *count > LANES_MAX {
                let pieces = band.bars.iter().flat_map(|bar| bar.pieces(&page)).collect::<Vec<_>>();
                look::stack(&mut page.scene, &look::piles(pieces.into_iter()), *frame, most);
            } else {
                for (bar, &place) in band.bars.iter().zip(lanes) {
                    let top = frame.0 + 1 + place as i32 * lane;
                    bar.paint(&mut page, top, lane - if lane > 8 { 2 } else { 1 });
                }
            }
        }
        page.poles(bottom);
        Ok(page.finish(bottom))
    }
}

impl Band {
    /// How many lanes its bars need, and which each takes: the lowest that is free when it begins.
    fn lanes(&self, page: &Page) -> (usize, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.bars.len()).collect();
        let span = |n: usize| self.bars[n].span(page);
        order.sort_by_key(|&n| (span(n).map_or(i32::MAX, |span| span.0), &self.bars[n].name));
        let mut ends: Vec<i32> = Vec::new();
        let mut lanes = vec![0; self.bars.len()];
        for n in order {
            let Some((from, to)) = span(n) else { continue };
            lanes[n] = ends.iter().position(|end| *end <= from).unwrap_or(ends.len());
            match ends.get_mut(lanes[n]) {
                Some(end) => *end = to,
                None => ends.push(to),
            }
        }
        (ends.len(), lanes)
    }

    /// Name, note, background.
    fn ground(&self, page: &mut Page, (top, bottom): (i32, i32)) {
        let (left, right) = (page.left, page.right);
        page.scene.fill((left, top, right, bottom), Ink::Grid);
        for &(from, to) in &self.down {
            let (from, to) = (page.x(from), page.x(to));
            page.scene.fill((from, top, to.max(from + 1), bottom), Ink::GrayArea);
            page.scene.fill((from, top, to.max(from + 1), top + 2), Ink::Pole);
            page.scene.fill((from, bottom - 2, to.max(from + 1), bottom), Ink::Pole);
        }
        let name = NAME.elided(&self.name, GUTTER - 12);
        page.scene.label_before(name, left - 10, top + 2, NAME, Ink::Strong);
        if bottom - top >= 2 * LINE && !self.note.is_empty() {
            let note = SMALL.fitted(&self.note, GUTTER - 12);
            page.scene.label_before(note, left - 10, top + 2 + LINE - 2, SMALL, Ink::Quiet);
        }
    }
}

impl Bar {
    fn span(&self, page: &Page) -> Option<(i32, i32)> {
        let from = page.x(self.pieces.first().filter(|piece| piece.0 <= page.until)?.0);
        let to = self.until.map_or(page.right, |until| page.x(until));
        // One that was there for a moment only is still to be seen.
        Some((from.min(page.right - 2), to.max(from + 2).min(page.right)))
    }

    /// From, to [px] and look of each piece.
    fn pieces(&self, page: &Page) -> Vec<(i32, i32, Look)> {
        let Some((from, to)) = self.span(page) else { return Vec::new() };
        pieces(&self.pieces, from, to, |at| page.x(at))
    }

    fn paint(&self, page: &mut Page, top: i32, height: i32) {
        let Some((from, to)) = self.span(page) else { return };
        for (from, to, look) in self.pieces(page) {
            look.bar(&mut page.scene, (from, top, to, top + height));
        }
        page.scene.fill((from, top, from + 1, top + height), Ink::Strong);
        if height > POD.px {
            self.letter(page, (from, top, to, top + height));
        }
    }

    /// Its name, on the widest of its pieces that can be written on, if there is one.
    fn letter(&self, page: &mut Page, (_, top, _, bottom): Rect) {
        let is_plain = |look| matches!(look, Look::Ready | Look::NotReady);
        let plain = self.pieces(page).into_iter().filter(|piece| is_plain(piece.2));
        let Some((from, to, look)) = plain.max_by_key(|(from, to, _)| (to - from, -from)) else { return };
        // Where poles stand no letter may be.
        let (from, to) = page.widest_gap(from, to);
        let room = to - from - 12;
        if room < 48 {
            return;
        }
        let text = POD.elided(&self.name, room);
        let ink = if look == Look::Ready { Ink::Strong } else { Ink::OnColor };
        page.scene.label(text, from + 6, top + (bottom - top - POD.px) / 2, POD, ink);
    }
}

/// Whether one of the pieces has this look for long enough to be seen.
pub(super) fn shows(story: &Story, pieces: &[(Time, Look)], until: Option<Time>, look: Look) -> bool {
    let ends = pieces.iter().skip(1).map(|piece| piece.0).chain([until.unwrap_or(story.until)]);
    pieces.iter().zip(ends).any(|(piece, end)| piece.1 == look && Page::shows(story, piece.0, end, 1))
}

/// Pieces as pixels between `from` and `to`; of those that begin in one column of pixels the last stands.
pub(super) fn pieces(list: &[(Time, Look)], from: i32, to: i32, x_of: impl Fn(Time) -> i32) -> Vec<(i32, i32, Look)> {
    let mut pieces: Vec<(i32, i32, Look)> = Vec::new();
    for &(at, look) in list {
        let x = x_of(at).clamp(from, to);
        if let Some(last) = pieces.last_mut() {
            last.1 = x;
        }
        if pieces.last().is_some_and(|last| last.0 >= last.1) {
            pieces.pop();
        }
        match pieces.last_mut() {
            Some(last) if last.2 == look && last.1 == x => last.1 = to,
            _ => pieces.push((x, to, look)),
        }
    }
    pieces.retain(|piece| piece.0 < piece.1);
    pieces
}
