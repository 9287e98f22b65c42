//! Parts of a `multipart/form-data` body (RFC 7578), read without doubt.
//!
//! Parsers differ in what they accept. What one of them could read in another way is refused:
//!
//! - text before the first boundary or behind the last, a boundary after LF alone, a boundary inside a part
//! - header lines other than `Content-Disposition`, `Content-Type` and `Content-Length`, or one of them twice
//! - names without quotes, and names or file names with a backslash, a percent sign before `22`, or another `name=`

use bytes::Bytes;
use memchr::memmem;

/// The most parts of a form.
const MOST_PARTS: usize = 100;
/// The longest boundary (RFC 2046).
const LONGEST_BOUNDARY: usize = 70;

/// One part of a form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Part<'b> {
    /// The name of the field.
    pub(super) name: &'b str,
    /// Whether it is a file.
    pub(super) is_file: bool,
    /// What it holds.
    pub(super) content: &'b [u8],
}

/// Why a form is refused: the end of a sentence about it.
pub(super) type Refused = &'static str;

/// Returns the boundary of `multipart/form-data; boundary=…`.
///
/// # Errors
///
/// There is another parameter, or the boundary has characters that no common client writes.
pub(super) fn read_boundary(parameters: &str) -> Result<&str, Refused> {
    let problem = "its boundary is none that all servers read";
    let (name, value) = parameters.trim().split_once('=').ok_or(problem)?;
    let quoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let boundary = quoted.unwrap_or(value);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_'".contains(&byte);
    let is_good = name.eq_ignore_ascii_case("boundary")
        && (1..=LONGEST_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(fits);
    is_good.then_some(boundary).ok_or(problem)
}

/// Returns all parts.
///
/// # Errors
///
/// Servers could read the body in different ways.
pub(super) fn read_parts<'b>(body: &'b Bytes, boundary: &str) -> Result<Vec<Part<'b>>, Refused> {
    let delimiter = format!("--{boundary}");
    let begins: Vec<usize> = memmem::find_iter(body, &delimiter)
        .take(MOST_PARTS + 2)
        .collect();
    if begins.first() != Some(&0) || begins.len() > MOST_PARTS + 1 {
        return Err("it does not begin with its boundary, or has too many parts");
    }
    let mut parts = Vec::new();
    for pair in begins.windows(2) {
        let [begin, end] = *pair else { continue };
        let between = body.get(begin + delimiter.len()..end).unwrap_or_default();
        let part = between
            .strip_prefix(b"\r\n")
            .and_then(|part| part.strip_suffix(b"\r\n"))
            .ok_or("a boundary is not a line of its own")?;
        parts.push(read_part(part)?);
    }
    let last = begins.last().map_or(0, |begin| begin + delimiter.len());
    match body.get(last..).unwrap_or_default() {
        b"--" | b"--\r\n" => Ok(parts),
        _ => Err("it does not end with its boundary"),
    }
}

/// Reads one part: its header, an empty line, its content.
///
/// # Errors
///
/// Servers could read the header in different ways.
fn read_part(part: &[u8]) -> Result<Part<'_>, Refused> {
    let end = memmem::find(part, b"\r\n\r\n").ok_or("a part has no header")?;
    let header = part.get(..end).unwrap_or_default();
    let header = std::str::from_utf8(header).map_err(|_| "the header of a part is not UTF-8")?;
    let (mut disposition, mut seen) = (None, Vec::new());
    for line in header.split("\r\n") {
        let (name, value) = line
            .split_once(':')
            .ok_or("the header of a part is broken")?;
        let name = name.to_ascii_lowercase();
        let is_known = matches!(
            name.as_str(),
            "content-disposition" | "content-length" | "content-type"
        );
        if !is_known || seen.contains(&name) || value.contains(char::is_control) {
            return Err("a part has a header line that is not expected, or twice");
        }
        if name == "content-disposition" {
            disposition = Some(read_disposition(value)?);
        }
        seen.push(name);
    }
    let (name, is_file) = disposition.ok_or("a part has no name")?;
    let content = part.get(end + 4..).unwrap_or_default();
    Ok(Part {
        name,
        is_file,
        content,
    })
}

/// Reads `form-data; name="a"; filename="b"`. Returns the name, and whether it is a file.
///
/// # Errors
///
/// It has another form.
fn read_disposition(value: &str) -> Result<(&str, bool), Refused> {
    let problem = "the name of a part is none that all servers read";
    let mut rest = value.trim().strip_prefix("form-data").ok_or(problem)?;
    let (mut name, mut is_file) = (None, false);
    while !rest.is_empty() {
        let parameter = rest.strip_prefix(';').ok_or(problem)?.trim_start();
        let (key, quoted) = parameter.split_once('=').ok_or(problem)?;
        let after = match (key, quoted.strip_prefix('"')) {
            ("name", Some(text)) if name.is_none() => {
                let (found, after) = text.split_once('"').ok_or(problem)?;
                name = Some(found).filter(|found| is_plain(found));
                name.ok_or(problem)?;
                after
            }
            ("filename", Some(text)) => {
                let (found, after) = text.split_once('"').ok_or(problem)?;
                is_file = true;
                is_plain(found).then_some(after).ok_or(problem)?
            }
            // The name of a file in another character set (RFC 8187), without quotes.
            ("filename*", None) => {
                let (found, after) = quoted.split_at(quoted.find(';').unwrap_or(quoted.len()));
                is_file = true;
                is_plain(found).then_some(after).ok_or(problem)?
            }
            _ => return Err(problem),
        };
        rest = after;
    }
    Ok((name.ok_or(problem)?, is_file))
}

/// Returns whether all parsers read a quoted text in one way.
fn is_plain(text: &str) -> bool {
    !text.contains('\\') && !text.contains("%22") && !text.contains("name=")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn names(body: &str) -> Result<Vec<(String, bool, usize)>, Refused> {
        let body = Bytes::from(body.replace('\n', "\r\n").replace("<LF>", "\n"));
        let parts = read_parts(&body, "xy")?;
        let shown = |part: &Part<'_>| (part.name.to_owned(), part.is_file, part.content.len());
        Ok(parts.iter().map(shown).collect())
    }

    const FORM: &str = "--xy\nContent-Disposition: form-data; name=\"model\"\n\nm\n\
        --xy\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b.wav\"\nContent-Type: audio/wav\n\n\
        RIFF\n\nx\n--xy--\n";

    #[test]
    fn the_parts_of_a_common_client_are_read() {
        let expected = [("model".to_owned(), false, 1), ("file".to_owned(), true, 9)];
        assert_eq!(names(FORM).unwrap(), expected);
        let encoded = FORM.replace(
            "filename=\"a;b.wav\"",
            "filename=\"a.wav\"; filename*=utf-8''%E4%BD%A0.wav",
        );
        assert_eq!(names(&encoded).unwrap(), expected);
        assert_eq!(names(FORM.trim_end()).unwrap(), expected);
        assert_eq!(read_boundary("boundary=xy"), Ok("xy"));
        assert_eq!(read_boundary(" Boundary=\"x-y\""), Ok("x-y"));
    }

    #[test]
    fn what_servers_read_in_different_ways_is_refused() {
        for (from, to) in [
            (
                "--xy\nContent-Disposition: form-data; name=\"model\"",
                "text\n--xy\nContent-Disposition: form-data; name=\"model\"",
            ),
            ("--xy--\n", "--xy--\ntext"),
            ("--xy--\n", ""),
            ("m\n--xy", "m<LF>--xy"),
            ("m\n--xy", "m --xy m\n--xy"),
            ("m\n--xy", "m\n--xyz"),
            ("name=\"model\"", "name=model"),
            ("name=\"model\"", "name=\"a\"; name=\"model\""),
            ("name=\"model\"", "name=\"mo\\\"del\""),
            ("name=\"model\"", "name*=utf-8''model"),
            ("a;b.wav", "a; name=model"),
            (
                "name=\"model\"\n",
                "name=\"model\"\nContent-Transfer-Encoding: base64\n",
            ),
            (
                "name=\"model\"\n",
                "name=\"model\"\nContent-Disposition: form-data; name=\"b\"\n",
            ),
            ("name=\"model\"\n", "name=\"model\"\n folded\n"),
            ("name=\"model\"\n\nm", "name=\"model\"\nm"),
            ("form-data", "attachment"),
        ] {
            let body = FORM.replacen(from, to, 1);
            assert_ne!(body, FORM, "{from}");
            assert!(names(&body).is_err(), "{body}");
        }
        for parameters in [
            "",
            "boundary=",
            "boundary=a b",
            "boundary=a; boundary=b",
            "charset=a",
            "boundary=\"a",
        ] {
            assert!(read_boundary(parameters).is_err(), "{parameters}");
        }
    }

    proptest! {
        #[test]
        fn any_body_ends(body in "(--xy|--|\r\n|\n|Content-Disposition: form-data; name=\"a\"|;|a|:| ){0,30}") {
            let body = Bytes::from(body);
            let _ = read_parts(&body, "xy");
        }
    }
}
