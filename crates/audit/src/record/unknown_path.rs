//! How the path of a request without a known route is recorded: as its length and a code under a
//! key.
//!
//! Such a path can be anything a client sends, or can hold a one-time code, a telephone number or a
//! name. A code shows only that two paths are equal. With `dangerously_record_unknown_paths` the
//! path is recorded shortened, which shows what a scanner asked for.
//!
//! The code is HMAC-SHA-256 over the length and the first 512 bytes, under the correlation key, or under a random
//! key of the process if there is none. In the second case codes compare within one run only.

use smallvec::SmallVec;

/// The most segments of a shortened path.
const MAX_SEGMENTS: usize = 8;
/// Longer segments are shortened.
const MAX_SEGMENT_CHARS: usize = 24;
/// Characters that are kept of a longer segment.
const SHORTENED_CHARS: usize = 8;
/// Bytes of a path that are kept until the record is written.
const MAX_COPIED_BYTES: usize = 512;
/// Bytes that are kept without an allocation: enough for the paths of most interfaces. The copy is made before the
/// route is known, so nearly every request makes one that no record needs.
const INLINE_BYTES: usize = 48;

/// The beginning of a path, and how long all of it is.
#[derive(Clone, Debug)]
pub(crate) struct UnknownPath {
    /// The first 512 bytes of the path, or fewer, so that no character is cut.
    beginning: SmallVec<[u8; INLINE_BYTES]>,
    /// The length of the whole path in bytes.
    pub(super) length: usize,
}

impl UnknownPath {
    /// Copies the beginning of a path and notes its length.
    pub(super) fn copy_of(path: &str) -> Self {
        Self {
            beginning: SmallVec::from_slice(beginning(path).as_bytes()),
            length: path.len(),
        }
    }

    /// Returns the first 512 bytes of the path.
    pub(super) fn beginning(&self) -> &str {
        str::from_utf8(&self.beginning).unwrap_or_default()
    }

    /// Keeps at most eight segments, and of one that is longer than 24 characters the first eight.
    ///
    /// What scanners look for stays readable (`/wp-login.php`), and a token in a path does not.
    pub(super) fn shortened(&self) -> String {
        let path = self.beginning();
        let space = path.len().min(MAX_SEGMENTS * (MAX_SEGMENT_CHARS + 1)) + '…'.len_utf8();
        let mut short = String::with_capacity(space);
        let mut segments = path.split('/');
        for (index, segment) in segments.by_ref().take(MAX_SEGMENTS + 1).enumerate() {
            if index > 0 {
                short.push('/');
            }
            push_shortened(&mut short, segment);
        }
        if segments.next().is_some() {
            short.push_str("/…");
        }
        short
    }
}

/// Returns the first 512 bytes of a path, or fewer, so that no character is cut.
pub(super) fn beginning(path: &str) -> &str {
    let end = path.floor_char_boundary(MAX_COPIED_BYTES);
    path.get(..end).unwrap_or_default()
}

/// Appends a segment, shortened with `…` if it is long.
fn push_shortened(short: &mut String, segment: &str) {
    if segment.chars().nth(MAX_SEGMENT_CHARS).is_none() {
        return short.push_str(segment);
    }
    short.extend(segment.chars().take(SHORTENED_CHARS));
    short.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(UnknownPath::copy_of(path).shortened(), expected);
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
        let long = UnknownPath::copy_of(&format!("/{}", "x".repeat(60_000)));
        assert!(long.shortened().len() < 16);
        assert!(long.beginning.len() <= MAX_COPIED_BYTES && long.length == 60_001);
    }
}
