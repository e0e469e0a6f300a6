//! Random TOML files for the tests: valid, untidy, with comments wherever there may be one.

use crate::kernel::rng::{Draws, Purpose};

/// Cases of a search; `EVENKEEL_CASES` asks for more.
#[allow(clippy::disallowed_methods)] // a test may read its environment
pub fn cases() -> u64 {
    std::env::var("EVENKEEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500)
}

pub struct Dice {
    draws: Draws,
    thrown: u64,
}

impl Dice {
    pub fn new(case: u64) -> Dice {
        Dice { draws: Draws::new(case), thrown: 0 }
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        self.draws.below(Purpose::Test, "edit", self.thrown, bound)
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Writes a random file that is TOML, untidily.
pub struct Writer {
    dice: Dice,
    names: u32,
    /// How many comments there are; they are numbered.
    pub comments: u32,
    /// The file.
    pub text: String,
}

impl Writer {
    pub fn file(case: u64) -> Writer {
        let mut writer = Writer { dice: Dice::new(case), names: 0, comments: 0, text: String::new() };
        writer.whole();
        writer
    }

    fn whole(&mut self) {
        for _ in 0..self.dice.below(4) {
            self.pair_line();
        }
        for _ in 0..self.dice.below(5) {
            self.between();
            self.names += 1;
            let name = self.names;
            match self.dice.below(4) {
                0 => self.header(&format!("[t{name}]")),
                1 => self.header(&format!("[ t{name} . 'in side'.x ]")),
                2 => self.header(&format!("[[ l{name} ]]")),
                _ => {
                    self.header(&format!("[[l{name}]]"));
                    self.pair_line();
                    self.between();
                    self.header(&format!("[l{name}.sub]"));
                    self.pair_line();
                    self.header(&format!("[[l{name}]]"));
                }
            }
            for _ in 0..self.dice.below(5) {
                self.pair_line();
            }
        }
        self.between();
        if self.dice.below(4) == 0 {
            self.text += &format!("#<{}> the end", self.comments);
            self.comments += 1;
        }
    }

    fn header(&mut self, text: &str) {
        self.blanks();
        self.text += text;
        self.line_end();
    }

    fn pair_line(&mut self) {
        self.between();
        self.blanks();
        self.pair();
        self.line_end();
    }

    fn pair(&mut self) {
        self.names += 1;
        let name = self.names;
        let key = match self.dice.below(6) {
            0 => format!("\"quoted {name}\""),
            1 => format!("'lite\"ral{name}'"),
            2 => format!("d{name}.e-f.'g'"),
            3 => format!("d{name} . \"h.i\""),
            4 => format!("a-rather-long-name-of-a-key-{name}"),
            _ => format!("k{name}"),
        };
        self.text += &key;
        self.blanks();
        self.text.push('=');
        self.blanks();
        self.value(0);
    }

    fn value(&mut self, depth: u32) {
        let plain = [
            "0xDEAD_beef",
            "0o17",
            "0b1_0",
            "-17",
            "+1_000",
            "6.5e-3",
            "-inf",
            "true",
            "false",
            "1979-05-27",
            "07:32:00",
            "1979-05-27 07:32:00",
            "1979-05-27T00:32:00.999-07:00",
            "\"plain\"",
            "'literal'",
            "'with \"double\"'",
            "'back\\slash'",
            "\"esc \\\" \\u00e9 \\\\\"",
            "\"# no comment\"",
            "'# nor [this] {or} that'",
            "\"\"",
            "''",
            "\"\"\"one\n  two \"\" # three \\\n   \"\"\"",
            "'''\nraw '' \\ end'''",
            "'''a''''",
            "\"\"\"\\\"\"\"\"\"\"",
            "\"größe\"",
            "\"a fairly long text that takes its place on the line\"",
        ];
        match self.dice.below(if depth < 3 { 6 } else { 3 }) {
            0..3 => {
                self.text += self.dice.pick(&plain);
            }
            3 => self.group('[', ']', depth),
            4 => self.group('{', '}', depth),
            _ => self.group('[', ']', depth + 1),
        }
    }

    /// Brackets with anything in them; TOML 1.1 lets inline tables take several lines too.
    fn group(&mut self, open: char, close: char, depth: u32) {
        let is_long = self.dice.below(3) == 0;
        self.text.push(open);
        self.gap(is_long);
        let count = self.dice.below(5);
        for index in 0..count {
            match open {
                '[' => self.value(depth + 1),
                _ => {
                    self.names += 1;
                    let name = self.names;
                    let dotted = if self.dice.below(3) == 0 { ". b " } else { "" };
                    self.text += &format!("i{name}{dotted}=");
                    self.blanks();
                    self.value(depth + 1);
                }
            }
            self.gap(is_long);
            if index + 1 < count || is_long && self.dice.below(2) == 0 {
                self.text.push(',');
                self.gap(is_long);
            }
        }
        self.text.push(close);
    }

    fn gap(&mut self, is_long: bool) {
        self.blanks();
        if is_long && self.dice.below(2) == 0 {
            self.line_end();
            self.blanks();
        }
    }

    fn between(&mut self) {
        for _ in 0..self.dice.below(3) {
            self.line_end();
        }
    }

    /// The end of a line, perhaps with a comment.
    fn line_end(&mut self) {
        self.blanks();
        if self.dice.below(3) == 0 {
            self.text += &format!("#<{}> ünd \"so' [{{", self.comments);
            self.comments += 1;
            self.blanks();
        }
        self.text += if self.dice.below(4) == 0 { "\r\n" } else { "\n" };
    }

    fn blanks(&mut self) {
        self.text += self.dice.pick(&["", "", " ", "  ", "\t"]);
    }
}
