//! Puts a scene on a canvas: the same strokes for SVG and for pixels.

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters_backend::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendStyle, DrawingBackend, DrawingErrorKind};

use super::PlotError;
use super::lettering::Setting;
use super::scene::{Label, Rect, Scene, Shape, Side};
use super::theme::{Ink, Theme};
use super::trace::{self, Slice};

type Drawn<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A colour with a thickness, as plotters wants to be told.
struct Pen(BackendColor, i32);

impl BackendStyle for Pen {
    fn color(&self) -> BackendColor {
        self.0
    }

    fn stroke_width(&self) -> u32 {
        self.1.unsigned_abs()
    }
}

/// What the two kinds of picture do differently: for SVG an area is one outline, so that no seam
/// shows where slices meet; for pixels it is the slices, all edges upright or level and sharp.
trait Canvas {
    type Backend: DrawingBackend;

    fn backend(&mut self) -> &mut Self::Backend;

    /// Fills from left and top to right and bottom (both exclusive).
    fn fill(&mut self, rect: Rect, color: BackendColor) -> Drawn<Self::Backend>;

    /// Fills adjacent slices.
    fn area(&mut self, slices: &[Slice], color: BackendColor) -> Drawn<Self::Backend>;

    /// Draws along a path of level and upright pieces.
    fn stroke(&mut self, path: &[(i32, i32)], thickness: i32, color: BackendColor) -> Drawn<Self::Backend>;

    fn letters(&mut self, label: &Label, theme: Theme) -> Drawn<Self::Backend> {
        // Left ends are computed by measure in both pictures; only right-aligned text is anchored
        // there, so that it still ends at the axis in a viewer with another font.
        let side = match label.side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        let setting = Setting { face: label.face, side, ink: theme.color(label.ink) };
        self.backend().draw_text(&label.text, &setting, (label.x, label.top))
    }
}

struct Vector<'a>(SVGBackend<'a>);

impl<'a> Canvas for Vector<'a> {
    type Backend = SVGBackend<'a>;

    fn backend(&mut self) -> &mut SVGBackend<'a> {
        &mut self.0
    }

    fn fill(&mut self, (left, top, right, bottom): Rect, color: BackendColor) -> Drawn<SVGBackend<'a>> {
        self.0.draw_rect((left, top), (right, bottom), &Pen(color, 1), true)
    }

    fn area(&mut self, slices: &[Slice], color: BackendColor) -> Drawn<SVGBackend<'a>> {
        let above = slices.iter().flat_map(|slice| [(slice.from, slice.top), (slice.to, slice.top)]);
        let below = slices.iter().rev().flat_map(|slice| [(slice.to, slice.bottom), (slice.from, slice.bottom)]);
        let mut outline = Vec::new();
        above.chain(below).for_each(|corner| trace::add_corner(&mut outline, corner));
        self.0.fill_polygon(outline, &Pen(color, 1))
    }

    fn stroke(&mut self, path: &[(i32, i32)], thickness: i32, color: BackendColor) -> Drawn<SVGBackend<'a>> {
        self.0.draw_path(path.iter().copied(), &Pen(color, thickness))
    }
}

struct Pixels<'a>(BitMapBackend<'a>);

impl<'a> Canvas for Pixels<'a> {
    type Backend = BitMapBackend<'a>;

    fn backend(&mut self) -> &mut BitMapBackend<'a> {
        &mut self.0
    }

    fn fill(&mut self, (left, top, right, bottom): Rect, color: BackendColor) -> Drawn<BitMapBackend<'a>> {
        self.0.draw_rect((left, top), (right, bottom), &Pen(color, 1), true)
    }

    fn area(&mut self, slices: &[Slice], color: BackendColor) -> Drawn<BitMapBackend<'a>> {
        slices.iter().try_for_each(|slice| self.fill((slice.from, slice.top, slice.to, slice.bottom), color))
    }

    fn stroke(&mut self, path: &[(i32, i32)], thickness: i32, color: BackendColor) -> Drawn<BitMapBackend<'a>> {
        let (before, after) = (thickness / 2, thickness - thickness / 2);
        for (n, pair) in path.windows(2).enumerate() {
            let ((x0, y0), (x1, y1)) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            // Pieces overlap at corners; the two ends of the path are cut square, as in SVG.
            let is_forward = pair[0] <= pair[1];
            let (is_first, is_last) = (n == 0, n + 2 == path.len());
            let (is_start_end, is_stop_end) = if is_forward { (is_first, is_last) } else { (is_last, is_first) };
            let start = if is_start_end { 0 } else { before };
            let stop = if is_stop_end { 0 } else { after };
            let corners = if y0 == y1 {
                (x0 - start, y0 - before, x1 + stop, y1 + after)
            } else {
                (x0 - before, y0 - start, x1 + after, y1 + stop)
            };
            self.fill(corners, color)?;
        }
        Ok(())
    }
}

/// The scene as SVG.
pub(super) fn svg(scene: &Scene, theme: Theme) -> Result<String, PlotError> {
    let mut text = String::new();
    let mut canvas = Vector(SVGBackend::with_string(&mut text, size(scene)));
    draw(scene, theme, &mut canvas).map_err(|error| PlotError::Draw(error.to_string()))?;
    drop(canvas);
    Ok(with_widths(&text, &scene.labels))
}

/// Writes into each text element how wide it was measured, so that a viewer without our font sets
/// its own to the same width and nothing collides. plotters has no word for it; the elements come
/// in the order of the labels.
fn with_widths(svg: &str, labels: &[Label]) -> String {
    let mut parts = svg.split("<text ");
    let mut out = parts.next().unwrap_or_default().to_string();
    for (part, label) in parts.zip(labels) {
        let width = label.face.width(&label.text);
        let part = part.replacen(">\n", ">", 1).replacen("\n</text>", "</text>", 1); // no space to measure
        out += &format!("<text textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" {part}");
    }
    out
}

/// The scene as pixels, three bytes each, row by row.
pub(super) fn pixels(scene: &Scene, theme: Theme) -> Result<Vec<u8>, PlotError> {
    let (width, height) = size(scene);
    let mut buffer = vec![0; (width * height * 3) as usize];
    let mut canvas = Pixels(BitMapBackend::with_buffer(&mut buffer, (width, height)));
    draw(scene, theme, &mut canvas).map_err(|error| PlotError::Draw(error.to_string()))?;
    drop(canvas);
    Ok(buffer)
}

/// Width and height [px].
pub(super) fn size(scene: &Scene) -> (u32, u32) {
    (scene.size.0.unsigned_abs(), scene.size.1.unsigned_abs())
}

/// From back to front.
fn draw<C: Canvas>(scene: &Scene, theme: Theme, canvas: &mut C) -> Drawn<C::Backend> {
    canvas.fill((0, 0, scene.size.0, scene.size.1), theme.color(Ink::Paper))?;
    for shape in &scene.shapes {
        match shape {
            Shape::Fill(rect, ink) => canvas.fill(*rect, theme.color(*ink))?,
            Shape::Area(slices, ink) => canvas.area(slices, theme.color(*ink))?,
            Shape::Stroke(path, thickness, ink) => canvas.stroke(path, *thickness, theme.color(*ink))?,
        }
    }
    for label in &scene.labels {
        canvas.letters(label, theme)?;
    }
    canvas.backend().present()
}
