//! What a picture consists of: areas and strokes from back to front, and the letters on top of them.
//!
//! Pure geometry in names of inks, so that tests can ask whether labels collide, and so that one scene gives the light and
//! the dark picture, as SVG and as pixels.

use super::lettering::Face;
use super::theme::Ink;
use super::trace::Slice;

/// Left, top, right and bottom [px]; right and bottom are exclusive.
pub(super) type Rect = (i32, i32, i32, i32);

/// Width of every picture [px].
pub(super) const WIDTH: i32 = 1600;
/// Free space at the left and right of everything [px].
pub(super) const MARGIN: i32 = 44;
/// Every so many pixels hatching has a line.
const HATCH: i32 = 7;

/// Something that is painted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A rectangle.
    Fill(Rect, Ink),
    /// Adjacent slices.
    Area(Vec<Slice>, Ink),
    /// A path of level and upright pieces, with its thickness [px].
    Stroke(Vec<(i32, i32)>, i32, Ink),
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

#[cfg(test)]
impl Label {
    /// Where its letters are.
    pub fn bounds(&self) -> Rect {
        let width = self.face.width(&self.text);
        let left = match self.side {
            Side::Left => self.x,
            Side::Middle => self.x - width / 2,
            Side::Right => self.x - width,
        };
        (left, self.top, left + width, self.top + self.face.px)
    }
}

/// A picture before it is painted.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Width and height [px].
    pub(super) size: (i32, i32),
    /// From back to front; the paper comes before them, the labels after.
    pub(super) shapes: Vec<Shape>,
    pub(super) labels: Vec<Label>,
    /// Upright lines that no label may touch.
    pub(super) poles: Vec<Rect>,
    /// Where curves are and no label may be.
    pub(super) plots: Vec<Rect>,
}

impl Scene {
    pub(super) fn fill(&mut self, rect: Rect, ink: Ink) {
        if rect.0 < rect.2 && rect.1 < rect.3 {
            self.shapes.push(Shape::Fill(rect, ink));
        }
    }

    pub(super) fn area(&mut self, slices: Vec<Slice>, ink: Ink) {
        if !slices.is_empty() {
            self.shapes.push(Shape::Area(slices, ink));
        }
    }

    pub(super) fn stroke(&mut self, path: Vec<(i32, i32)>, thickness: i32, ink: Ink) {
        if path.len() > 1 {
            self.shapes.push(Shape::Stroke(path, thickness, ink));
        }
    }

    /// Upright lines over an area, at the same places everywhere in the picture.
    pub(super) fn hatch(&mut self, slices: &[Slice], ink: Ink) {
        for slice in slices {
            let first = slice.from + (HATCH - slice.from % HATCH) % HATCH;
            for x in (first..slice.to).step_by(HATCH as usize) {
                self.fill((x, slice.top, x + 1, slice.bottom), ink);
            }
        }
    }

    /// Level lines over an area, at the same places everywhere in the picture.
    pub(super) fn lines(&mut self, slices: &[Slice], ink: Ink) {
        for slice in slices {
            let first = slice.top + (HATCH - slice.top.rem_euclid(HATCH)) % HATCH;
            for y in (first..slice.bottom).step_by(HATCH as usize) {
                self.fill((slice.from, y, slice.to, y + 1), ink);
            }
        }
    }

    /// A line of text that begins at `x`.
    pub(super) fn label(&mut self, text: impl Into<String>, x: i32, top: i32, face: Face, ink: Ink) {
        self.labels.push(Label { text: text.into(), x, top, side: Side::Left, face, ink });
    }

    /// A line of text that ends at `x`.
    pub(super) fn label_before(&mut self, text: impl Into<String>, x: i32, top: i32, face: Face, ink: Ink) {
        self.labels.push(Label { text: text.into(), x, top, side: Side::Right, face, ink });
    }
}
