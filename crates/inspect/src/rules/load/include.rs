//! `Include`: rules of another file, or of all files that a pattern names.

use std::path::{Path, PathBuf};

use super::Loader;

/// How many files one set of rules may have.
///
/// Files may include each other without an end.
const MOST_FILES: usize = 1000;

impl Loader {
    /// Reads other files.
    ///
    /// The name is relative to the folder of the including file. Its last part may have `*` (any
    /// characters) and `?` (one character); the files are then read in the order of their names.
    ///
    /// # Errors
    ///
    /// No file has the name, one cannot be read, or more than 1,000 are included.
    pub(super) fn include(&mut self, name: &str, folder: &Path) -> Result<(), String> {
        for path in named_files(name, folder)? {
            if self.report.files >= MOST_FILES {
                return Err(format!("more than {MOST_FILES} files are included"));
            }
            self.file(&path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Reads other files, if there are any. One that is there must be readable.
    ///
    /// # Errors
    ///
    /// As [`include`](Self::include), for files that are there.
    pub(super) fn include_optional(&mut self, name: &str, folder: &Path) -> Result<(), String> {
        let missing = match name.contains(['*', '?']) {
            true => named_files(name, folder).is_err(),
            false => !folder.join(name).exists(),
        };
        match missing {
            true => Ok(()),
            false => self.include(name, folder),
        }
    }
}

/// The files that an `Include` names, sorted.
///
/// # Errors
///
/// No file has such a name, or a folder has a star in its name.
fn named_files(name: &str, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let path = folder.join(name);
    if !name.contains(['*', '?']) {
        return Ok(vec![path]);
    }
    let pattern = path.file_name().and_then(|last| last.to_str());
    let (Some(pattern), Some(parent)) = (pattern, path.parent()) else {
        return Err(format!("{name} names no file"));
    };
    if parent.to_string_lossy().contains(['*', '?']) {
        return Err(format!(
            "{name}: only the name of the file may have `*` or `?`, not a folder"
        ));
    }
    let mut found = matching_files(parent, pattern.as_bytes())
        .map_err(|error| format!("{} cannot be read: {error}", parent.display()))?;
    found.sort();
    match found.is_empty() {
        true => Err(format!("no file matches {name}")),
        false => Ok(found),
    }
}

/// The files of a folder whose names match.
///
/// Folders are left out, and so are hidden files unless the pattern starts with a dot.
fn matching_files(folder: &Path, pattern: &[u8]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.as_encoded_bytes());
        let is_named = name.is_some_and(|name| {
            (pattern.starts_with(b".") || !name.starts_with(b".")) && matches(pattern, name)
        });
        if is_named && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a name matches a pattern of `*` and `?`.
///
/// It goes back only to the last `*`, so the time is at most the product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while let Some(byte) = name.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(expected) if *expected == b'?' || expected == byte => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, from)) = star else {
                    return false;
                };
                star = Some((place, from + 1));
                at = place + 1;
                read = from + 1;
            }
        }
    }
    pattern
        .get(at..)
        .is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_match_patterns() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.example", false),
            ("R*-9??-*.conf", "REQUEST-901-INIT.conf", true),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xbxxa", false),
            ("?", "", false),
            ("*", "", true),
        ] {
            let found = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn all_files_that_a_pattern_names_are_read_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, id) in [("b.conf", 2), ("a.conf", 1), ("c.txt", 3), (".d.conf", 4)] {
            let rule = format!("SecAction \"id:{id},phase:1,pass\"");
            fs::write(folder.path().join(name), rule).expect("a file");
        }
        let mut loader = Loader::default();
        let text = "Include *.conf\nInclude none-*.conf\nInclude */a.conf\n\
            IncludeOptional none-*.conf\nIncludeOptional none.conf";
        loader.text(text, Path::new("test.conf"), folder.path());
        let (plan, report) = loader.finish().expect("few rules");
        let ids: Vec<u64> = plan.phases.iter().flatten().map(|r| r.head.id).collect();
        assert_eq!((ids, report.files), (vec![1, 2], 2));
        let reasons: Vec<_> = report
            .not_loaded
            .iter()
            .map(|n| n.reason.as_str())
            .collect();
        let folder = "*/a.conf: only the name of the file may have `*` or `?`, not a folder";
        assert_eq!(reasons, ["no file matches none-*.conf", folder]);
    }
}
