//! Paths in configurations: exact ones, and everything below a folder.

use crate::error::TransportBuildError;

/// A path that is compared byte by byte, without decoding and without resolving dots.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ExactPath(Box<str>);

impl ExactPath {
    /// Checks a path: from its first slash, visible ASCII only, without query or fragment.
    pub(crate) fn parse(written: &str) -> Result<Self, TransportBuildError> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>{}|^`".contains(&byte);
        if !written.starts_with('/') || !written.bytes().all(plain) {
            return Err(TransportBuildError::Path {
                written: written.into(),
            });
        }
        Ok(Self(written.into()))
    }

    /// Returns whether a path of a request is this one.
    pub(crate) fn is(&self, path: &str) -> bool {
        *self.0 == *path
    }
}

/// A path, or, if it ends in `/*`, everything below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PathPattern {
    /// For a pattern: the part before the star, with the slash.
    start: ExactPath,
    /// Whether everything below is meant.
    below: bool,
}

impl PathPattern {
    /// Parses a path or a pattern. A star anywhere else is an ordinary character.
    pub(crate) fn parse(written: &str) -> Result<Self, TransportBuildError> {
        let (start, below) = match written.strip_suffix('*') {
            Some(start) if start.ends_with('/') => (start, true),
            _ => (written, false),
        };
        let start = ExactPath::parse(start)?;
        Ok(Self { start, below })
    }

    /// Returns whether a path of a request matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        if self.below {
            path.starts_with(&*self.start.0)
        } else {
            self.start.is(path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_path_or_what_is_below() {
        for (pattern, path, expected) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/ab", false),
            ("/*", "/anything", true),
        ] {
            let pattern_read = PathPattern::parse(pattern).unwrap();
            assert_eq!(pattern_read.matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for written in ["", "a", "*", "/a b", "/a?b", "/a#b", "/\u{e9}", "/\r\n"] {
            assert!(PathPattern::parse(written).is_err(), "{written:?}");
        }
    }
}
