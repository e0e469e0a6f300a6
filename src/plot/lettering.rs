//! The letters of a picture: one font, shipped with the code, for measuring and for drawing.
//!
//! plotters' own `register_font` sets every glyph at a whole pixel and without its side bearing,
//! which spaces words badly. This fills the same trait (`BackendTextStyle`) with glyphs at
//! fractions of a pixel. SVG names the font and lets the viewer draw; both put the baseline
//! 0.76 em below the top of a label, so that the two pictures agree.

use std::convert::Infallible;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, FontFamily, FontStyle};

/// Family as SVG names it: ours first, then what a viewer without it should take.
const FAMILY: &str = "IBM Plex Sans, Helvetica Neue, Helvetica, Arial, sans-serif";

/// Where the baseline lies, in em below the top of the label; what plotters' SVG writes as `dy`.
const BASELINE: f32 = 0.76;

/// plotters' SVG divides the size of a font by this to get CSS pixels.
const SVG_SIZE: f64 = 1.24;

static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| font(include_bytes!("../../assets/fonts/IBMPlexSans-Regular.ttf")));
static BOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| font(include_bytes!("../../assets/fonts/IBMPlexSans-Bold.ttf")));

fn font(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the font that we ship is a font")
}

/// A size and a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Face {
    /// Size of an em [px]; also the height of a line of text from ascender to descender.
    pub px: i32,
    pub bold: bool,
}

impl Face {
    pub const fn regular(px: i32) -> Face {
        Face { px, bold: false }
    }

    pub const fn bold(px: i32) -> Face {
        Face { px, bold: true }
    }

    /// Width of a line of text [px], rounded up.
    pub fn width(self, text: &str) -> i32 {
        let mut end = 0.0;
        self.glyphs(text, |_, _, after| end = after);
        end.ceil() as i32
    }

    /// Cuts a text that is wider than `width` and ends it with an ellipsis.
    pub fn fitted(self, text: &str, width: i32) -> String {
        if self.width(text) <= width {
            return text.to_string();
        }
        let mut kept: Vec<char> = text.chars().collect();
        loop {
            kept.pop();
            let shown = format!("{}…", kept.iter().collect::<String>().trim_end());
            if kept.is_empty() || self.width(&shown) <= width {
                return shown;
            }
        }
    }

    /// Cuts the middle out of a text that is wider than `width`: names that begin alike end in what tells them apart.
    pub fn elided(self, text: &str, width: i32) -> String {
        if self.width(text) <= width {
            return text.to_string();
        }
        let letters: Vec<char> = text.chars().collect();
        let shown = |kept: usize| {
            let (head, tail) = (kept / 2, kept - kept / 2);
            let part = |letters: &[char]| letters.iter().collect::<String>();
            format!("{}…{}", part(&letters[..head]), part(&letters[letters.len() - tail..]))
        };
        (0..letters.len()).rev().map(shown).find(|shown| self.width(shown) <= width).unwrap_or_default()
    }

    /// Breaks a text into lines of at most `width`; what `rows` lines cannot hold is cut.
    pub fn wrapped(self, text: &str, width: i32, rows: usize) -> Vec<String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.reverse();
        let mut lines = Vec::new();
        while let Some(first) = words.pop() {
            let mut line = first.to_string();
            let is_last = lines.len() + 1 >= rows;
            while let Some(word) = words.last() {
                if !is_last && self.width(&line) + self.width(" ") + self.width(word) > width {
                    break;
                }
                line = format!("{line} {word}");
                words.pop();
            }
            lines.push(self.fitted(&line, width));
        }
        lines
    }

    /// Calls `each(character, start, end)` [px] along the line.
    fn glyphs(self, text: &str, mut each: impl FnMut(char, f32, f32)) {
        let font = self.font().as_scaled(self.scale());
        let mut x = 0.0;
        let mut before = None;
        for character in text.chars() {
            let glyph = font.glyph_id(character);
            x += before.map_or(0.0, |before| font.kern(before, glyph));
            let end = x + font.h_advance(glyph);
            each(character, x, end);
            x = end;
            before = Some(glyph);
        }
    }

    fn font(self) -> &'static FontRef<'static> {
        if self.bold { &BOLD } else { &REGULAR }
    }

    /// ab_glyph measures a font from its highest ascender to its lowest descender, CSS by its em.
    fn scale(self) -> PxScale {
        let font = self.font();
        PxScale::from(self.px as f32 * font.height_unscaled() / font.units_per_em().expect("TrueType has an em"))
    }
}

/// How one label is set: plotters asks this for everything that it must know about a text.
pub(super) struct Setting {
    pub face: Face,
    pub side: HPos,
    pub ink: BackendColor,
}

impl BackendTextStyle for Setting {
    type FontError = Infallible;

    fn color(&self) -> BackendColor {
        self.ink
    }

    fn size(&self) -> f64 {
        f64::from(self.face.px) * SVG_SIZE
    }

    fn style(&self) -> FontStyle {
        if self.face.bold { FontStyle::Bold } else { FontStyle::Normal }
    }

    fn anchor(&self) -> Pos {
        Pos::new(self.side, VPos::Top)
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(FAMILY)
    }

    fn layout_box(&self, text: &str) -> Result<((i32, i32), (i32, i32)), Infallible> {
        Ok(((0, 0), (self.face.width(text), self.face.px)))
    }

    fn draw<E, DrawFunc: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        text: &str,
        (left, top): BackendCoord,
        mut draw: DrawFunc,
    ) -> Result<Result<(), E>, Infallible> {
        let font = self.face.font();
        let baseline = top as f32 + BASELINE * self.face.px as f32;
        let mut failed = None;
        self.face.glyphs(text, |character, start, _| {
            let at = point(left as f32 + start, baseline);
            let glyph = font.glyph_id(character).with_scale_and_position(self.face.scale(), at);
            let Some(outline) = font.outline_glyph(glyph) else { return };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, coverage| {
                let ink = BackendColor { alpha: self.ink.alpha * f64::from(coverage), ..self.ink };
                if let Err(error) = draw(corner.x as i32 + x as i32, corner.y as i32 + y as i32, ink) {
                    failed = Some(error);
                }
            });
        });
        Ok(failed.map_or(Ok(()), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_wrapped_and_at_last_cut() {
        let face = Face::regular(16);
        let text = "the quick brown fox jumps over the lazy dog and does not come back before the evening";
        for (width, rows) in [(10_000, 1), (400, 3), (200, 3), (90, 2), (30, 1)] {
            let lines = face.wrapped(text, width, rows);
            assert!(lines.len() <= rows, "{lines:?}");
            for line in &lines {
                assert!(face.width(line) <= width, "{line} at {width}");
            }
            let is_whole = lines.join(" ") == text;
            assert_eq!(is_whole, !lines.last().unwrap().ends_with('…'), "{lines:?}");
        }
        assert!(face.wrapped("  \n ", 100, 2).is_empty());
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        let face = Face::regular(16);
        assert_eq!(face.elided("web-7d9f4c", 400), "web-7d9f4c");
        for width in [20, 40, 80, 160] {
            let shown = face.elided("a-very-long-name-of-a-pod-7d9f4c-x2k4q", width);
            assert!(face.width(&shown) <= width && shown.contains('…'), "{shown} at {width}");
        }
        assert!(face.elided("a-very-long-name-of-a-pod-7d9f4c-x2k4q", 160).ends_with("x2k4q"));
        assert_eq!(face.elided("name", 1), "");
    }

    #[test]
    fn a_wider_text_measures_wider_and_bold_wider_still() {
        let face = Face::regular(16);
        assert_eq!(face.width(""), 0);
        assert!(face.width("ready") < face.width("ready pods"));
        assert!(face.width("ready pods") < Face::bold(16).width("ready pods"));
        assert_eq!(face.width("111"), face.width("888"), "digits of the font are all of one width");
    }
}
