//! How the path of an unknown route is recorded: as its length and a code under a key.
//!
//! Such a path is whatever a stranger wrote, or holds what a user meant for somebody else: a one-time
//! code, a telephone number, a name. A code tells that two are equal and nothing else. A loud option
//! shows the path shortened, which tells which scanner came by.

const SEGMENTS: usize = 8;
const WHOLE: usize = 24;
const KEPT: usize = 8;
/// Bytes of a path that are kept until the record is written.
const COPIED: usize = 512;

/// The beginning of a path, and how long all of it is.
#[derive(Clone, Debug)]
pub(crate) struct UnknownPath {
    pub(super) start: Box<str>,
    pub(super) length: usize,
}

impl UnknownPath {
    pub(super) fn of(path: &str) -> Self {
        let end = path.floor_char_boundary(COPIED);
        Self {
            start: path.get(..end).unwrap_or_default().into(),
            length: path.len(),
        }
    }

    /// Keeps at most eight segments, and of one that is longer than 24 characters the first eight.
    pub(super) fn shortened(&self) -> String {
        let path = &*self.start;
        let room = path.len().min(SEGMENTS * (WHOLE + 1)) + '…'.len_utf8();
        let mut short = String::with_capacity(room);
        let mut segments = path.split('/');
        for (index, segment) in segments.by_ref().take(SEGMENTS + 1).enumerate() {
            if index > 0 {
                short.push('/');
            }
            push(&mut short, segment);
        }
        if segments.next().is_some() {
            short.push_str("/…");
        }
        short
    }
}

fn push(short: &mut String, segment: &str) {
    if segment.chars().nth(WHOLE).is_none() {
        return short.push_str(segment);
    }
    short.extend(segment.chars().take(KEPT));
    short.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(UnknownPath::of(path).shortened(), expected);
    }

    #[test]
    fn what_scanners_ask_for_stays_readable() {
        check("/", "/");
        check("*", "*");
        check("/wp-admin/setup-config.php", "/wp-admin/setup-config.php");
    }

    #[test]
    fn a_token_in_the_path_loses_its_tail() {
        check("/reset/eyJhbGciOiJIUzI1NiJ9.c2VjcmV0", "/reset/eyJhbGci…");
    }

    #[test]
    fn a_long_path_does_not_make_a_long_record() {
        let path = "/a".repeat(10_000);
        check(&path, "/a/a/a/a/a/a/a/a/…");
        let long = UnknownPath::of(&format!("/{}", "x".repeat(60_000)));
        assert!(long.shortened().len() < 16);
        assert!(long.start.len() <= COPIED && long.length == 60_001);
    }
}
