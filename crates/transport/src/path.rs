//! Paths in configurations.

use crate::ConfigError;

/// A path that is compared letter by letter, with no decoding and no folding of dots.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ExactPath(Box<str>);

impl ExactPath {
    pub(crate) fn parse(written: &str) -> Result<Self, ConfigError> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>{}|^`".contains(&byte);
        if !written.starts_with('/') || !written.bytes().all(plain) {
            return Err(ConfigError::Path {
                written: written.into(),
            });
        }
        Ok(Self(written.into()))
    }

    pub(crate) fn is(&self, path: &str) -> bool {
        *self.0 == *path
    }
}

/// A path, or, where it is written with `/*` at its end, everything below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PathPattern {
    /// For a pattern, what stands before the star, slash included.
    start: ExactPath,
    below: bool,
}

impl PathPattern {
    pub(crate) fn parse(written: &str) -> Result<Self, ConfigError> {
        let (start, below) = match written.strip_suffix('*') {
            Some(start) if start.ends_with('/') => (start, true),
            _ => (written, false),
        };
        let start = ExactPath::parse(start)?;
        Ok(Self { start, below })
    }

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
