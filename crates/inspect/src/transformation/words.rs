//! Blanks, case, null bytes, comments and the quoting of command lines.
//!
//! All of them work on bytes and change ASCII only, apart from the byte `0xa0`. The functions
//! take one pass each; those that search for the end of a comment read each byte at most a few
//! times.

use super::changed;

/// Blanks as ModSecurity counts them, with the non-breaking space of Latin 1.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0xa0)
}

/// Keeps the bytes for which `keep` holds.
fn retain(value: &[u8], keep: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(value.len());
    kept.extend(value.iter().copied().filter(|byte| keep(*byte)));
    changed(value, kept)
}

/// Lower case.
///
/// Bytes beyond ASCII stay.
pub(super) fn lowercase(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, value.to_ascii_lowercase())
}

/// Upper case.
///
/// Bytes beyond ASCII stay.
pub(super) fn uppercase(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, value.to_ascii_uppercase())
}

/// Removes null bytes.
///
/// C programs end a text at a null byte, so it can hide what follows.
pub(super) fn remove_nulls(value: &[u8]) -> Option<Vec<u8>> {
    retain(value, |byte| byte != 0)
}

/// Replaces null bytes by blanks.
pub(super) fn replace_nulls(value: &[u8]) -> Option<Vec<u8>> {
    let replaced = value
        .iter()
        .map(|byte| if *byte == 0 { b' ' } else { *byte });
    changed(value, replaced.collect())
}

/// Removes blanks.
pub(super) fn remove_whitespace(value: &[u8]) -> Option<Vec<u8>> {
    retain(value, |byte| !is_blank(byte))
}

/// Makes one blank of several.
///
/// A single tab becomes a space as well.
pub(super) fn compress_whitespace(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut after_blank = false;
    for &byte in value {
        let blank = is_blank(byte);
        if !blank {
            out.push(byte);
        } else if !after_blank {
            out.push(b' ');
        }
        after_blank = blank;
    }
    changed(value, out)
}

/// Removes blanks at both ends.
pub(super) fn trim(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, start(end(value)).to_vec())
}

/// Removes blanks at the start.
pub(super) fn trim_start(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, start(value).to_vec())
}

/// Removes blanks at the end.
pub(super) fn trim_end(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, end(value).to_vec())
}

/// Without the blanks at the start.
fn start(value: &[u8]) -> &[u8] {
    let from = value
        .iter()
        .position(|byte| !is_blank(*byte))
        .unwrap_or(value.len());
    value.get(from..).unwrap_or_default()
}

/// Without the blanks at the end.
fn end(value: &[u8]) -> &[u8] {
    let to = value
        .iter()
        .rposition(|byte| !is_blank(*byte))
        .map_or(0, |last| last + 1);
    value.get(..to).unwrap_or_default()
}

/// Removes quotes, carets and backslashes, makes blanks of commas and semicolons, and writes lower
/// case: what a shell makes of `c^at /e"t"c`.
///
/// A blank before `/` or `(` is removed too.
pub(super) fn command_line(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        let after_blank = out.last() == Some(&b' ');
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' if after_blank => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => out.push(b' '),
            b'/' | b'(' => {
                if after_blank {
                    out.pop();
                }
                out.push(byte);
            }
            _ => out.push(byte.to_ascii_lowercase()),
        }
    }
    changed(value, out)
}

/// Where `mark` stands in `text`.
fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

/// Replaces each comment of C by a blank. One that does not end reaches to the end.
///
/// A `*/` without a start stays.
pub(super) fn replace_comments(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = find(rest, b"/*") {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.push(b' ');
        let comment = rest.get(at + 2..).unwrap_or_default();
        let end = find(comment, b"*/").map_or(comment.len(), |end| end + 2);
        rest = comment.get(end..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    changed(value, out)
}

/// Removes comments: of C and HTML with their marks, of SQL (`--`, `#`) to the end.
///
/// Databases differ in whether `--` needs a blank after it; here it does not.
pub(super) fn remove_comments(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        let close: &[u8] = match rest {
            [b'/', b'*', ..] => b"*/",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'-', b'-', ..] | [b'#', ..] => break,
            _ => {
                out.push(first);
                rest = after;
                continue;
            }
        };
        let end = find(rest, close).map_or(rest.len(), |end| end + close.len());
        rest = rest.get(end..).unwrap_or_default();
    }
    changed(value, out)
}

/// Removes the marks of comments and keeps what is between them.
///
/// The marks are those of C, HTML and SQL.
pub(super) fn remove_comment_marks(value: &[u8]) -> Option<Vec<u8>> {
    const MARKS: [&[u8]; 6] = [b"<!--", b"-->", b"/*", b"*/", b"--", b"#"];
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(mark)) {
            rest = rest.get(mark.len()..).unwrap_or_default();
            continue;
        }
        out.push(first);
        rest = after;
    }
    changed(value, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(function: fn(&[u8]) -> Option<Vec<u8>>, value: &str, expected: &str) {
        let found = function(value.as_bytes()).unwrap_or_else(|| value.as_bytes().to_vec());
        assert_eq!(String::from_utf8_lossy(&found), expected, "{value}");
    }

    #[test]
    fn the_quoting_of_shells_is_removed() {
        check(
            command_line,
            r#"C^aT  "/e't'c/\passwd;,ls (x"#,
            "cat/etc/passwd ls(x",
        );
    }

    #[test]
    fn comments_are_replaced_or_removed() {
        check(replace_comments, "a/**/b/*c", "a b ");
        check(remove_comments, "a/*x*/b<!--y-->c--d", "abc");
        check(remove_comment_marks, "a/*x*/b--c#d<!--", "axbcd");
        check(replace_comments, "a/b", "a/b");
    }

    #[test]
    fn blanks_are_compressed_trimmed_and_removed() {
        check(compress_whitespace, "a \t\n b c", "a b c");
        check(trim, "  a b\t", "a b");
        check(trim_start, "  a ", "a ");
        check(trim_end, "  a ", "  a");
        check(remove_whitespace, " a b ", "ab");
        check(trim, "   ", "");
    }
}
