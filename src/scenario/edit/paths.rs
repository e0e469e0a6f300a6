//! Paths of files that a scenario names, and chains of files that include each other. Names only: no file is touched.

/// Most files that one scenario may be put together from. Ours: a file that includes two others, each of which includes
/// two others, and so on, would otherwise be too large to hold after a few dozen steps without ever being a loop.
pub const PARTS_MAX: usize = 256;

/// The directory of a file, with the slash at its end; empty for a bare name.
pub fn directory(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |slash| &path[..=slash])
}

/// The file's own name, without its directory.
pub fn name(path: &str) -> &str {
    &path[directory(path).len()..]
}

/// Whether a path does not depend on where it is named.
pub fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes();
    path.starts_with(['/', '\\']) || (drive.len() > 1 && drive[0].is_ascii_alphabetic() && drive[1] == b':')
}

/// `relative` as seen from where `directory` is seen from. Steps like `./` and `x/../` are taken out, so that a file has
/// one name only; what leads further up stays.
pub fn join(directory: &str, relative: &str) -> String {
    if is_absolute(relative) {
        return relative.to_string();
    }
    let slash = if directory.is_empty() || directory.ends_with(['/', '\\']) { "" } else { "/" };
    let whole = format!("{directory}{slash}{relative}");
    let mut steps: Vec<&str> = Vec::new();
    // Pieces keep their separators, whichever they are.
    for step in whole.split_inclusive(['/', '\\']) {
        let name = step.trim_end_matches(['/', '\\']);
        let before = steps.last().map(|last| last.trim_end_matches(['/', '\\']));
        match (name, before) {
            (".", _) => {}
            ("", Some(_)) => {}
            ("..", Some(before)) if !matches!(before, "" | "..") && !before.ends_with(':') => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    steps.concat()
}

/// The files that are being read, each included by the one before: what tells a loop.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    files: Vec<String>,
    entered: usize,
}

impl Chain {
    /// Goes into a file.
    ///
    /// # Errors
    /// The sentence that says which files lead round, or that there are too many.
    pub fn enter(&mut self, path: &str) -> Result<(), String> {
        if let Some(first) = self.files.iter().position(|file| file == path) {
            let round = &self.files[first..];
            if round.len() == 1 {
                return Err(format!("`{path}` includes itself"));
            }
            let links = round.iter().skip(1).map(String::as_str).chain([path]);
            let links: Vec<String> = links.map(|file| format!("includes `{file}`")).collect();
            return Err(format!("`{path}` includes itself: `{path}` {}", links.join(", which ")));
        }
        self.entered += 1;
        if self.entered > PARTS_MAX {
            return Err(format!("more than {PARTS_MAX} files are included, each counted as often as it is named"));
        }
        self.files.push(path.to_string());
        Ok(())
    }

    /// Leaves the file that was entered last.
    pub fn leave(&mut self) {
        self.files.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_steps_that_lead_nowhere_left_out() {
        for (directory, relative, joined) in [
            ("", "a.toml", "a.toml"),
            ("x/", "a.toml", "x/a.toml"),
            ("x", "a.toml", "x/a.toml"),
            ("x/", "./y/../a.toml", "x/a.toml"),
            ("x/", "../a.toml", "a.toml"),
            ("x/", "../../a.toml", "../a.toml"),
            ("../x/", "../../a.toml", "../../a.toml"),
            ("/x/", "../../a.toml", "/../a.toml"),
            ("x/", "/a.toml", "/a.toml"),
            ("x/", "c:\\a.toml", "c:\\a.toml"),
            ("c:\\x\\", "..\\..\\a.toml", "c:\\..\\a.toml"),
            ("x\\", "y\\a.toml", "x\\y\\a.toml"),
            ("x/", "y//a.toml", "x/y/a.toml"),
            ("x/", "", "x/"),
        ] {
            assert_eq!(join(directory, relative), joined, "{directory} + {relative}");
        }
        assert_eq!((directory("a/b.toml"), directory("a\\b.toml"), directory("b.toml")), ("a/", "a\\", ""));
    }

    #[test]
    fn a_chain_tells_a_loop_but_not_a_file_that_is_included_twice() {
        let mut chain = Chain::default();
        assert_eq!(chain.enter("main"), Ok(()));
        for _ in 0..2 {
            assert_eq!(chain.enter("a"), Ok(()));
            chain.leave();
        }
        assert_eq!((chain.enter("b"), chain.enter("c")), (Ok(()), Ok(())));
        let round = "`b` includes itself: `b` includes `c`, which includes `b`";
        assert_eq!(chain.enter("b"), Err(round.to_string()));
        assert_eq!(chain.enter("c"), Err("`c` includes itself".to_string()));
        let told = (0..PARTS_MAX).find_map(|count| chain.enter(&count.to_string()).err());
        assert!(told.is_some_and(|told| told.contains("more than 256 files")));
    }
}
