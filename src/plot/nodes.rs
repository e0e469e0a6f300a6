//! States of nodes: a strip for each, grouped by zone.
//!
//! Strips of a group that are the same to the pixel are drawn once, with how many they stand for. If even so there are too
//! many, each group becomes one strip in which the shares of the states are piled up.

use super::lettering::Face;
use super::look::{self, Look};
use super::page::{Page, Swatch};
use super::pods::{pieces, shows};
use super::scene::{MARGIN, Scene};
use super::theme::Ink;
use super::{PlotError, Story, check_order};
use crate::kernel::time::Time;

/// States of nodes over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodesChart {
    /// What happened.
    pub story: Story,
    /// What each look means, in the order of the legend; those that do not occur are left out.
    pub legend: Vec<(Look, String)>,
    /// Zones, from top to bottom.
    pub groups: Vec<Group>,
}

/// The nodes of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The zone; empty if there is none.
    pub name: String,
    /// Its nodes, from top to bottom.
    pub strips: Vec<Strip>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// Its name.
    pub name: String,
    /// Its looks, each from its moment on, ascending in time.
    pub pieces: Vec<(Time, Look)>,
}

const NAME: Face = Face::regular(15);
const ZONE: Face = Face::bold(16);
/// Width of the names at the left [px].
const GUTTER: i32 = 230;
/// Height of one strip with the space below it [px].
const ROW_MAX: i32 = 30;
const ROW_MIN: i32 = 19;
const ROWS_HEIGHT: i32 = 720;
/// Strips at most; with more, equal ones become one, and with more still shares are drawn.
const ROWS_MAX: usize = 40;
/// Height of the shares of one group [px].
const SHARES_MAX: i32 = 220;
const SHARES_MIN: i32 = 40;
/// Groups at most of which shares are drawn; the others become one.
const GROUPS_MAX: usize = 16;
/// Between two groups, and the line with the zone's name [px].
const GAP: i32 = 10;
const ZONE_LINE: i32 = 26;

/// A strip in pixels, and the nodes that it stands for.
struct Line {
    pieces: Vec<(i32, i32, Look)>,
    names: Vec<String>,
}

impl NodesChart {
    /// The picture.
    ///
    /// # Errors
    /// If a strip goes back in time.
    pub fn scene(&self) -> Result<Scene, PlotError> {
        let strips = || self.groups.iter().flat_map(|group| &group.strips);
        strips().try_for_each(|strip| check_order(&strip.name, strip.pieces.iter().map(|piece| piece.0)))?;
        // What is too short to be seen needs no name.
        let occurs = |look: Look| strips().any(|strip| shows(&self.story, &strip.pieces, None, look));
        let legend = self.legend.iter().filter(|(look, _)| occurs(*look));
        let legend = legend.map(|(look, name)| (Swatch::Look(*look), name.clone())).collect();
        let mut page = Page::begin(&self.story, legend, GUTTER, 4, false);
        let is_merged = strips().count() > ROWS_MAX;
        let groups: Vec<(&str, Vec<Line>)> =
            self.groups.iter().map(|group| (group.name.as_str(), group.lines(&page, is_merged))).collect();
        let rows = groups.iter().map(|(_, lines)| lines.len()).sum::<usize>();
        let bottom = if rows > ROWS_MAX || groups.len() > ROWS_MAX / 2 {
            shares(&mut page, together(groups))
        } else {
            self::rows(&mut page, &groups, rows as i32)
        };
        page.poles(bottom);
        Ok(page.finish(bottom))
    }
}

impl Group {
    fn lines(&self, page: &Page, is_merged: bool) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for strip in &self.strips {
            let pieces = pieces(&strip.pieces, page.left, page.right, |at| page.x(at));
            let name = strip.name.clone();
            match lines.iter_mut().find(|line| is_merged && line.pieces == pieces) {
                Some(line) => line.names.push(name),
                None => lines.push(Line { pieces, names: vec![name] }),
            }
        }
        lines
    }
}

/// Groups beyond those that have room become one.
fn together(mut groups: Vec<(&str, Vec<Line>)>) -> Vec<(String, Vec<Line>)> {
    let rest = if groups.len() > GROUPS_MAX { groups.split_off(GROUPS_MAX - 1) } else { Vec::new() };
    let mut shown: Vec<(String, Vec<Line>)> =
        groups.into_iter().map(|(name, lines)| (name.to_string(), lines)).collect();
    if !rest.is_empty() {
        let name = format!("{} others", rest.len());
        shown.push((name, rest.into_iter().flat_map(|(_, lines)| lines).collect()));
    }
    shown
}

/// A row for each line; returns where they end.
fn rows(page: &mut Page, groups: &[(&str, Vec<Line>)], rows: i32) -> i32 {
    let row = (ROWS_HEIGHT / rows.max(1)).clamp(ROW_MIN, ROW_MAX);
    let height = row - if row > 22 { 6 } else { 3 };
    let mut top = page.top + 4;
    for (name, lines) in groups {
        if !name.is_empty() {
            page.scene.label(ZONE.elided(name, GUTTER - 12), MARGIN, top + 3, ZONE, Ink::Strong);
            top += ZONE_LINE;
        }
        for line in lines {
            let label = match line.names.as_slice() {
                [name] => NAME.elided(name, GUTTER - 12),
                [first, .., last] => {
                    let count = format!("{} nodes like this: ", line.names.len());
                    let whole = format!("{count}{first} … {last}");
                    if NAME.width(&whole) <= GUTTER - 12 { whole } else { count.trim_end_matches(": ").to_string() }
                }
                [] => String::new(),
            };
            page.scene.label_before(label, page.left - 10, top + (height - NAME.px) / 2, NAME, Ink::Strong);
            page.scene.plots.push((page.left, top, page.right, top + height));
            for &(from, to, look) in &line.pieces {
                look.bar(&mut page.scene, (from, top, to, top + height));
            }
            top += row;
        }
        top += GAP;
    }
    top
}

/// A stack for each group; returns where they end.
fn shares(page: &mut Page, groups: Vec<(String, Vec<Line>)>) -> i32 {
    let height = (ROWS_HEIGHT / groups.len().max(1) as i32 - GAP).clamp(SHARES_MIN, SHARES_MAX);
    let mut top = page.top + 4;
    for (name, lines) in groups {
        let count: usize = lines.iter().map(|line| line.names.len()).sum();
        let (name, what) = if name.is_empty() { ("all".to_string(), "nodes") } else { (name, "nodes, by state") };
        page.scene.label(ZONE.elided(&name, GUTTER - 12), MARGIN, top + 2, ZONE, Ink::Strong);
        page.scene.label(format!("{count} {what}"), MARGIN, top + 22, NAME, Ink::Quiet);
        page.scene.fill((page.left, top, page.right, top + height), Ink::Grid);
        page.scene.plots.push((page.left, top, page.right, top + height));
        let pieces = lines.iter().flat_map(|line| line.names.iter().flat_map(|_| line.pieces.iter().copied()));
        let piles = look::piles(pieces);
        look::stack(&mut page.scene, &piles, (top, top + height), count as u32);
        top += height + GAP;
    }
    top
}
