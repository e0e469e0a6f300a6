//! Puts a layout on a canvas: the same strokes for SVG and for pixels.
//!
//! Colours are of the Okabe-Ito kind, and nothing is told by colour alone: what is missing is
//! hatched, what is desired is dashed, a fault is bold with a thick pole.

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters_backend::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendStyle, DrawingBackend, DrawingErrorKind};

use super::layout::{Frame, Ink, Label, Layout, SIZE, SWATCH, Side, Swatch};
use super::lettering::Setting;
use super::trace::{self, Slice, Trace};
use super::{MarkKind, PlotError, Role};

const fn ink(red: u8, green: u8, blue: u8, alpha: f64) -> BackendColor {
    BackendColor { rgb: (red, green, blue), alpha }
}

const PAPER: BackendColor = ink(255, 255, 255, 1.0);
const STRONG: BackendColor = ink(0x1d, 0x27, 0x33, 1.0);
const QUIET: BackendColor = ink(0x5d, 0x69, 0x76, 1.0);
const AXIS: BackendColor = ink(0x7d, 0x88, 0x93, 1.0);
const GRID: BackendColor = ink(0xe4, 0xe8, 0xec, 1.0);
const READY: BackendColor = ink(0x00, 0x62, 0x9b, 1.0);
const READY_AREA: BackendColor = ink(0x00, 0x72, 0xb2, 0.20);
const DESIRED: BackendColor = ink(0x3c, 0x46, 0x50, 1.0);
const MISSING_AREA: BackendColor = ink(0xe6, 0x9f, 0x00, 0.26);
const MISSING_HATCH: BackendColor = ink(0xb8, 0x6e, 0x00, 0.60);
const FAULT: BackendColor = ink(0xb0, 0x3a, 0x1c, 1.0);
const FAULT_BAND: BackendColor = ink(0xb0, 0x3a, 0x1c, 0.08);
const POLE: BackendColor = ink(0x9a, 0xa4, 0xae, 1.0);
/// Curves of any other role, by number; beyond the last they begin again.
const OTHERS: [BackendColor; 5] = [
    ink(0x9c, 0x4f, 0x80, 1.0),
    ink(0x00, 0x85, 0x64, 1.0),
    ink(0xc0, 0x55, 0x00, 1.0),
    ink(0x2b, 0x8c, 0xc4, 1.0),
    ink(0x6b, 0x5b, 0x1e, 1.0),
];
/// Their dashes, on and off [px], one more than the colours, so that pairs repeat late.
const OTHER_DASHES: [(i32, i32); 6] = [(0, 0), (12, 4), (4, 4), (16, 8), (2, 6), (8, 2)];

/// Length of the line of a milestone that got no flag [px].
const STUB: i32 = 10;
/// Every so many pixels the hatching of what is missing has a line.
const HATCH: i32 = 7;

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
    fn fill(&mut self, (left, top, right, bottom): (i32, i32, i32, i32), ink: BackendColor) -> Drawn<Self::Backend> {
        self.backend().draw_rect((left, top), (right, bottom), &Pen(ink, 1), true)
    }

    /// Fills adjacent slices.
    fn area(&mut self, slices: &[Slice], ink: BackendColor) -> Drawn<Self::Backend>;

    /// Draws along a path of level and upright pieces.
    fn stroke(&mut self, path: &[(i32, i32)], thickness: i32, ink: BackendColor) -> Drawn<Self::Backend>;

    fn letters(&mut self, label: &Label) -> Drawn<Self::Backend> {
        let ink = match label.ink {
            Ink::Strong => STRONG,
            Ink::Quiet => QUIET,
            Ink::Fault => FAULT,
        };
        // Left ends are computed by measure in both pictures; only right-aligned text is anchored
        // there, so that it still ends at the axis in a viewer with another font.
        let side = match label.side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        self.backend().draw_text(&label.text, &Setting { face: label.face, side, ink }, (label.x, label.top))
    }
}

struct Vector<'a>(SVGBackend<'a>);

impl<'a> Canvas for Vector<'a> {
    type Backend = SVGBackend<'a>;

    fn backend(&mut self) -> &mut SVGBackend<'a> {
        &mut self.0
    }

    fn area(&mut self, slices: &[Slice], ink: BackendColor) -> Drawn<SVGBackend<'a>> {
        let above = slices.iter().flat_map(|slice| [(slice.from, slice.top), (slice.to, slice.top)]);
        let below = slices.iter().rev().flat_map(|slice| [(slice.to, slice.bottom), (slice.from, slice.bottom)]);
        let mut outline = Vec::new();
        above.chain(below).for_each(|corner| trace::add_corner(&mut outline, corner));
        self.0.fill_polygon(outline, &Pen(ink, 1))
    }

    fn stroke(&mut self, path: &[(i32, i32)], thickness: i32, ink: BackendColor) -> Drawn<SVGBackend<'a>> {
        self.0.draw_path(path.iter().copied(), &Pen(ink, thickness))
    }
}

struct Pixels<'a>(BitMapBackend<'a>);

impl<'a> Canvas for Pixels<'a> {
    type Backend = BitMapBackend<'a>;

    fn backend(&mut self) -> &mut BitMapBackend<'a> {
        &mut self.0
    }

    fn area(&mut self, slices: &[Slice], ink: BackendColor) -> Drawn<BitMapBackend<'a>> {
        slices.iter().try_for_each(|slice| self.fill((slice.from, slice.top, slice.to, slice.bottom), ink))
    }

    fn stroke(&mut self, path: &[(i32, i32)], thickness: i32, ink: BackendColor) -> Drawn<BitMapBackend<'a>> {
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
            self.fill(corners, ink)?;
        }
        Ok(())
    }
}

/// The layout as SVG.
pub(super) fn svg(layout: &Layout) -> Result<String, PlotError> {
    let mut text = String::new();
    let mut canvas = Vector(SVGBackend::with_string(&mut text, size()));
    draw(layout, &mut canvas).map_err(|error| PlotError::Draw(error.to_string()))?;
    drop(canvas);
    Ok(with_widths(&text, &layout.labels))
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

/// The layout as pixels, three bytes each, row by row.
pub(super) fn pixels(layout: &Layout) -> Result<Vec<u8>, PlotError> {
    let (width, height) = size();
    let mut buffer = vec![0; (width * height * 3) as usize];
    let mut canvas = Pixels(BitMapBackend::with_buffer(&mut buffer, (width, height)));
    draw(layout, &mut canvas).map_err(|error| PlotError::Draw(error.to_string()))?;
    drop(canvas);
    Ok(buffer)
}

/// Width and height [px].
pub(super) fn size() -> (u32, u32) {
    (SIZE.0.unsigned_abs(), SIZE.1.unsigned_abs())
}

/// From back to front.
fn draw<C: Canvas>(layout: &Layout, canvas: &mut C) -> Drawn<C::Backend> {
    let Frame { left, top, right, bottom } = layout.frame;
    canvas.fill((0, 0, SIZE.0, SIZE.1), PAPER)?;
    for &y in &layout.grid {
        canvas.fill((left, y, right, y + 1), GRID)?;
    }
    for &(from, to) in &layout.bands {
        canvas.fill((from, top, to.max(from + 1), bottom), FAULT_BAND)?;
    }
    for (_, ready) in layout.curves.iter().filter(|(role, _)| *role == Role::Ready) {
        canvas.area(&ready.area(bottom), READY_AREA)?;
    }
    for area in missing(&layout.curves) {
        canvas.area(&area, MISSING_AREA)?;
        hatch(canvas, &area)?;
    }
    for pole in &layout.poles {
        match pole.kind {
            MarkKind::Fault => canvas.fill((pole.x - 1, pole.top, pole.x + 1, bottom), FAULT)?,
            MarkKind::Milestone => {
                // Many marks without flags would be a wall: they get a stub.
                let bottom = if pole.has_flag { bottom } else { pole.top + STUB };
                canvas.fill((pole.x, pole.top, pole.x + 1, bottom), POLE)?;
            }
        }
    }
    // Ready last: where all is well it covers what is desired.
    let rank = |role: Role| match role {
        Role::Other(_) => 0,
        Role::Desired => 1,
        Role::Ready => 2,
    };
    let mut curves: Vec<&(Role, Trace)> = layout.curves.iter().collect();
    curves.sort_by_key(|(role, _)| rank(*role));
    for (role, trace) in curves {
        curve(canvas, *role, trace)?;
    }
    canvas.fill((left, bottom, right, bottom + 1), AXIS)?;
    for &x in &layout.ticks {
        canvas.fill((x, bottom, x + 1, bottom + 6), AXIS)?;
    }
    for &(x, y, swatch) in &layout.swatches {
        sample(canvas, (x, y), swatch)?;
    }
    for label in &layout.labels {
        canvas.letters(label)?;
    }
    canvas.backend().present()
}

/// Where ready pods fall short of desired ones: the first curve of one role against the first of
/// the other, the second against the second.
fn missing(curves: &[(Role, Trace)]) -> Vec<Vec<Slice>> {
    let of = |wanted| curves.iter().filter(move |(role, _)| *role == wanted).map(|(_, trace)| trace);
    of(Role::Ready).zip(of(Role::Desired)).flat_map(|(ready, desired)| ready.shortfall(desired)).collect()
}

fn hatch<C: Canvas>(canvas: &mut C, area: &[Slice]) -> Drawn<C::Backend> {
    for slice in area {
        let first = slice.from + (HATCH - slice.from % HATCH) % HATCH;
        for x in (first..slice.to).step_by(HATCH as usize) {
            canvas.fill((x, slice.top, x + 1, slice.bottom), MISSING_HATCH)?;
        }
    }
    Ok(())
}

fn curve<C: Canvas>(canvas: &mut C, role: Role, trace: &Trace) -> Drawn<C::Backend> {
    let (thickness, ink, (on, off)) = match role {
        Role::Ready => (4, READY, (0, 0)),
        Role::Desired => (2, DESIRED, (9, 6)),
        Role::Other(n) => (2, OTHERS[usize::from(n) % OTHERS.len()], OTHER_DASHES[usize::from(n) % OTHER_DASHES.len()]),
    };
    if on == 0 {
        return if trace.path.len() < 2 { Ok(()) } else { canvas.stroke(&trace.path, thickness, ink) };
    }
    trace.dashes(on, off).iter().try_for_each(|dash| canvas.stroke(dash, thickness, ink))
}

/// A sample in the legend, drawn as the thing itself.
fn sample<C: Canvas>(canvas: &mut C, (x, y): (i32, i32), swatch: Swatch) -> Drawn<C::Backend> {
    let (right, bottom) = (x + SWATCH.0, y + SWATCH.1);
    let whole = Slice { from: x, to: right, top: y, bottom };
    let level = |y| Trace { runs: Vec::new(), path: vec![(x, y), (right, y)] };
    match swatch {
        Swatch::Curve(Role::Ready) => {
            canvas.area(&[whole], READY_AREA)?;
            curve(canvas, Role::Ready, &level(y + 1))
        }
        Swatch::Curve(role) => curve(canvas, role, &level(y + SWATCH.1 / 2)),
        Swatch::Missing => {
            canvas.area(&[whole], MISSING_AREA)?;
            hatch(canvas, &[whole])
        }
        Swatch::Fault => {
            canvas.area(&[whole], FAULT_BAND)?;
            canvas.fill((x, y, x + 2, bottom), FAULT)
        }
    }
}
