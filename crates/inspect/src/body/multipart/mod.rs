//! Multipart bodies: parameters, files and the header lines of the parts.
//!
//! Programs disagree about broken bodies, and attackers use that. Every departure from what browsers
//! send is therefore marked (`MULTIPART_STRICT_ERROR`), and what stands in a part is looked at
//! whether or not its header names it.
//!
//! The format is RFC 7578 on top of RFC 2046, section 5.1. The reading is line by line: a line
//! that starts with the delimiter and has nothing else but blanks or `--` ends a part. Contents
//! are not decoded, so a `Content-Transfer-Encoding` has no effect here; rules can see that
//! header.

mod boundary;
mod disposition;

use std::borrow::Cow;

use self::boundary::{Parts, boundary};
use self::disposition::Disposition;
use super::{BodyFields, File, MOST_VALUES, Text};

/// Reads a body.
///
/// Each problem sets an error or the strict flag, and the reading goes on where it can. Without a
/// boundary nothing can be split; rules still have `REQUEST_BODY`.
pub(super) fn read<'r>(content_type: &'r [u8], body: &'r [u8], fields: &mut BodyFields<'r>) {
    let Some(boundary) = boundary(content_type, fields) else {
        fields.error = Some("the boundary is missing");
        fields.multipart_strict_error = true;
        return;
    };
    let mut delimiter = b"--".to_vec();
    delimiter.extend_from_slice(boundary);
    let mut parts = Parts {
        body,
        delimiter: &delimiter,
    };
    // What stands before the first boundary has no meaning; only an attacker writes it.
    let (preamble, mut ended) = parts.next(fields);
    if ended.is_none() {
        fields.error = Some("no boundary is found");
    }
    fields.multipart_strict_error |= !preamble.trim_ascii().is_empty();
    while ended == Some(false) {
        let (part, end) = parts.next(fields);
        read_part(part, fields);
        if end.is_none() {
            fields.error = Some("the last boundary is missing");
        }
        if fields.part_names.len() >= MOST_VALUES {
            fields.error = Some("there are too many parts");
            let rest = (Cow::Borrowed(&b""[..]), Cow::Borrowed(parts.body));
            fields.parameters.push(rest);
            return;
        }
        ended = end;
    }
    fields.multipart_strict_error |= fields.error.is_some() || !parts.body.trim_ascii().is_empty();
}

/// Reads one part.
///
/// With a name of a file it is a file, else a parameter. One without a name is a parameter with
/// an empty name.
fn read_part<'r>(part: &'r [u8], fields: &mut BodyFields<'r>) {
    let (lines, content) = header_lines(part, fields);
    let disposition = lines
        .iter()
        .find_map(|line| value_of(line, b"content-disposition"));
    let disposition = disposition.map(Disposition::read).unwrap_or_default();
    let name: Text<'r> = Cow::Owned(disposition.name.clone().unwrap_or_default());
    fields.multipart_strict_error |= disposition.odd || disposition.name.is_none();
    if disposition.name.is_none() {
        fields.error = Some("a part has no name");
    }
    fields
        .part_headers
        .extend(lines.into_iter().map(|line| (name.clone(), line)));
    fields.part_names.push(name.clone());
    if disposition.files.is_empty() {
        fields.parameters.push((name, Cow::Borrowed(content)));
        return;
    }
    for file in disposition.files {
        fields.files.push(File {
            field: name.clone(),
            name: Cow::Owned(file),
            content,
        });
    }
}

/// Splits a part into its header lines and its content. A line that starts with a blank continues
/// the one before it.
///
/// Lines must end with CR LF and have a colon; all else sets the strict flag. Without an empty
/// line the content is empty.
fn header_lines<'r>(part: &'r [u8], fields: &mut BodyFields<'_>) -> (Vec<Text<'r>>, &'r [u8]) {
    let mut lines: Vec<Text<'r>> = Vec::new();
    let mut rest = part;
    loop {
        let end = memchr::memchr(b'\n', rest);
        let raw = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        rest = end.and_then(|end| rest.get(end + 1..)).unwrap_or_default();
        let line = raw.strip_suffix(b"\r").unwrap_or(raw);
        fields.multipart_strict_error |= end.is_none() || line.len() == raw.len();
        if line.is_empty() {
            return (lines, rest);
        }
        match lines.last_mut() {
            Some(last)
                if line
                    .first()
                    .is_some_and(|first| matches!(first, b' ' | b'\t')) =>
            {
                fields.multipart_strict_error = true;
                last.to_mut().extend_from_slice(line);
            }
            _ => {
                fields.multipart_strict_error |= !line.contains(&b':');
                lines.push(Cow::Borrowed(line));
            }
        }
        if end.is_none() {
            return (lines, rest);
        }
    }
}

/// The value of a header line if it has this name.
///
/// The name has no case. Blanks around it are ignored.
fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let at = memchr::memchr(b':', line)?;
    let found = line.get(..at)?.trim_ascii();
    found
        .eq_ignore_ascii_case(name)
        .then(|| line.get(at + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &[u8] = b"multipart/form-data; boundary=xy";

    fn read_all<'r>(content_type: &'r [u8], body: &'r [u8]) -> BodyFields<'r> {
        let mut fields = BodyFields::default();
        read(content_type, body, &mut fields);
        fields
    }

    #[test]
    fn parameters_and_files_are_told_apart() {
        let body = b"--xy\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\ntwo\r\n--xy\r\n\
            Content-Disposition: form-data; name=\"f\"; filename=\"x;\\\".php\"\r\nContent-Type: text/plain\r\n\r\n\
            <?php\r\n--xy--\r\n";
        let fields = read_all(TYPE, body);
        assert_eq!(fields.parameters.len(), 1);
        let (name, value) = &fields.parameters[0];
        assert_eq!((&**name, &**value), (&b"a"[..], &b"one\r\ntwo"[..]));
        let file = &fields.files[0];
        assert_eq!(
            (&*file.field, &*file.name, file.content),
            (&b"f"[..], &b"x;\".php"[..], &b"<?php"[..])
        );
        assert_eq!(fields.part_headers.len(), 3);
        assert!(fields.error.is_none() && !fields.multipart_strict_error);
    }

    #[test]
    fn what_browsers_do_not_send_is_marked() {
        let part = "Content-Disposition: form-data; name=\"a\"\r\n\r\nv";
        for body in [
            format!("junk\r\n--xy\r\n{part}\r\n--xy--\r\n"),
            format!("--xy\r\n{part}\r\n--xy--\r\njunk"),
            format!("--xy\n{part}\r\n--xy--\r\n"),
            format!("--xy\r\n{part}\r\n"),
            "--xy\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--xy--\r\n".to_owned(),
            "--xy\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\nv\r\n--xy--"
                .to_owned(),
            "--xy\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\nv\r\n--xy--".to_owned(),
            "--xy\r\n\r\nv\r\n--xy--".to_owned(),
            "--xz\r\n".to_owned(),
        ] {
            assert!(
                read_all(TYPE, body.as_bytes()).multipart_strict_error,
                "{body}"
            );
        }
        assert!(read_all(b"multipart/form-data", b"x").error.is_some());
    }

    #[test]
    fn content_without_a_name_is_looked_at() {
        let fields = read_all(TYPE, b"--xy\r\n\r\nunion select\r\n--xy--\r\n");
        assert_eq!(&*fields.parameters[0].1, b"union select");
    }

    #[test]
    fn a_line_like_a_boundary_is_marked() {
        let body =
            b"--xy\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--other\r\n--xy--\r\n";
        assert!(read_all(TYPE, body).multipart_unmatched_boundary);
    }

    proptest! {
        #[test]
        fn any_body_ends(body in "(--xy|--|\r\n|\n|Content-Disposition: form-data; name=|\"|;|a|:| ){0,30}") {
            read_all(TYPE, body.as_bytes());
        }
    }
}
