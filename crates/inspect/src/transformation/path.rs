//! Paths: `.` and `..` resolved.
//!
//! It is `remove_dot_segments` of RFC 3986, section 5.2.4, and in addition repeated slashes
//! become one. Only the text is changed; no file system is asked, so links do not matter.
//! Percent-encodings must be decoded before.

use super::changed;

/// Resolves `.`, `..` and repeated slashes.
pub(super) fn normalize(value: &[u8]) -> Option<Vec<u8>> {
    if is_one_segment(value, b"/") {
        return None;
    }
    changed(value, resolve_path(value))
}

/// The same for Windows: a backslash is a slash.
///
/// Both `\` and `/` separate folders there.
pub(super) fn normalize_windows(value: &[u8]) -> Option<Vec<u8>> {
    if is_one_segment(value, b"/\\") {
        return None;
    }
    let slashes: Vec<u8> = value
        .iter()
        .map(|byte| if *byte == b'\\' { b'/' } else { *byte })
        .collect();
    changed(value, resolve_path(&slashes))
}

/// Whether a value has no separator and so nothing to resolve. A single dot has.
fn is_one_segment(value: &[u8], separators: &[u8]) -> bool {
    value != b"." && !value.iter().any(|byte| separators.contains(byte))
}

/// Resolves a path. `..` at the root disappears; at the start of a relative path it stays.
///
/// A slash at the end stays, and a last segment of dots leaves one, because it names a folder.
fn resolve_path(value: &[u8]) -> Vec<u8> {
    let absolute = value.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut last: &[u8] = b"";
    for segment in value.split(|byte| *byte == b'/') {
        last = segment;
        match segment {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if absolute => {}
            _ => kept.push(segment),
        }
    }
    let mut out = Vec::with_capacity(value.len());
    if absolute {
        out.push(b'/');
    }
    out.extend(kept.join(&b'/'));
    let directory = matches!(last, b"" | b"." | b"..") && value.len() > 1;
    if directory && out.last().is_some_and(|last| *last != b'/') && value.contains(&b'/') {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved() {
        for (path, expected) in [
            ("/a/./b//c", "/a/b/c"),
            ("/a/../../etc/passwd", "/etc/passwd"),
            ("../a/../../b", "../../b"),
            ("a/b/..", "a/"),
            ("/a/", "/a/"),
            ("//", "/"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&resolve_path(path.as_bytes())),
                expected,
                "{path}"
            );
        }
        assert_eq!(normalize_windows(br"a\..\b").as_deref(), Some(&b"b"[..]));
        assert_eq!(normalize(br"a\..\b"), None);
    }
}
