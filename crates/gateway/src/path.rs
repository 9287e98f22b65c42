//! Refuses paths that gateway and upstream could read differently.
//!
//! A rule for `/public/{*path}` must not open `/public/../admin` or `/public/%2e%2e/admin`. The path
//! is not repaired: a client that sends such a path is broken or hostile.
//!
//! The check is the first step of forwarding, after the stack has decided. A path that fails it gets
//! 400 `ambiguous_path`; in shadow mode it is recorded and forwarded.
//!
//! Why not normalize the path, as RFC 3986 section 6.2.2 describes? The rules of the stack were decided
//! by the path that the client sent. A path that is changed afterwards could match another rule.
//!
//! The query is not checked. It selects no rule and no upstream, and `..` has no meaning in it.

use palisade_internal::hex;

/// Checks a path. The error says what is wrong, for the audit record.
///
/// | path | result | because a server behind may read it as |
/// |---|---|---|
/// | `/public/%2e%2e/admin` | refused | `/admin` |
/// | `/public/..;x/admin` | refused | `/admin`, where parameters are cut off first |
/// | `/admin;x=1` | refused | `/admin`, which may have another rule |
/// | `/public%2fadmin` | refused | `/public/admin` |
/// | `/%61dmin` | refused | `/admin`, which may have another rule |
/// | `//admin` | refused | `/admin`, or a host named `admin` |
/// | `/public/%c0%ae%c0%ae/admin` | refused | `/admin`, where UTF-8 is decoded without a check |
/// | `/a%252e` | passes | `/a%2e` for all that decode once |
///
/// Refused are: `.` and `..` as segments, also encoded; empty segments; parameters (`;`, also as `%3B`);
/// backslashes; encoded slashes, backslashes and control characters; encoded letters, digits, `-`, `.`,
/// `_` and `~`; `%` without two hexadecimal digits; UTF-8 in more bytes than a character needs, which RFC 3629 section 3
/// forbids. The rules of the stack compare the path as it was
/// sent, so `/%61dmin` would find the rule of `/{*path}` and not that of `/admin`. RFC 3986 section 2.3
/// says that no one should encode these characters. RFC 3986 section 3.3 leaves parameters (`;a=1`) to the
/// application: servlet containers cut them off before they choose a handler and resolve dots, others keep them. A double encoding (`%252e`) is kept: it names another resource for everyone who decodes
/// once, as RFC 3986 section 2.4 demands.
///
/// The check is one pass over the path and allocates one buffer for each segment. It is called once for
/// each request, and once for each prefix of the configuration.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.contains("//") {
        return Err("an empty segment");
    }
    for segment in path.split('/') {
        check_segment(segment)?;
    }
    Ok(())
}

/// Decodes one segment, finds what has a second meaning in it, and compares it with `.` and `..`.
///
/// An error names the kind of problem. It never repeats the path, which a client chose.
fn check_segment(segment: &str) -> Result<(), &'static str> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                encoded_byte(*high, *low)?
            }
            (b'%', _) => return Err("an incomplete percent-encoding"),
            (byte, after) => {
                rest = after;
                *byte
            }
        };
        if byte == b'\\' || byte.is_ascii_control() {
            return Err("a backslash or control character");
        }
        if byte == b';' {
            return Err("a parameter");
        }
        decoded.push(byte);
    }
    if decoded.windows(2).any(is_overlong) {
        return Err("a character in more bytes than it needs");
    }
    match decoded.as_slice() {
        b"." | b".." => Err("a dot segment"),
        _ => Ok(()),
    }
}

/// Returns whether two bytes begin a character in more bytes than it needs. A decoder that does not check this reads
/// `C0 AF` as a slash, and `C0 AE` as a dot.
const fn is_overlong(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xC0 | 0xC1, 0x80..=0xBF] | [0xE0, 0x80..=0x9F] | [0xF0, 0x80..=0x8F]
    )
}

/// Decodes two digits. An encoded slash is refused: some servers decode it before they split the
/// path, some after, and some not at all. So is what never needs an encoding.
///
/// Both cases of the hexadecimal digits are accepted (RFC 3986 section 2.1).
fn encoded_byte(high: u8, low: u8) -> Result<u8, &'static str> {
    let mut byte = [0];
    if !hex::decode_any_case([high, low], &mut byte) {
        return Err("an incomplete percent-encoding");
    }
    match byte {
        [b'/'] => Err("an encoded slash"),
        [b'-' | b'.' | b'_' | b'~'] => Err("an encoded character that needs no encoding"),
        [byte] if byte.is_ascii_alphanumeric() => Err("an encoded letter or digit"),
        [byte] => Ok(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for path in [
            "/a/../b",
            "/..",
            "/a/.",
            "/./a",
            "/%2e%2e/a",
            "/.%2E/a",
            "/%61dmin",
            "/api/%50ull",
            "/a%2Db",
            "/a%5fb",
            "/voice%2ejson",
            "/%7euser",
            "/v%31/x",
            "/a/..;x=1/b",
            "/a/%2e%2e%3bx",
            "/a;b=1/c",
            "/admin;",
            "/admin;x=1",
            "/;/admin",
            "/admin%3Bx",
            "/admin%3b",
            "//a",
            "/a//b",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/a%00",
            "/a%0d%0a",
            "/a%7f",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a/%c0%ae%c0%ae/b",
            "/a%C0%AFb",
            "/a%c1%9cb",
            "/%c0%80",
            "/a/%e0%80%ae%e0%80%ae/b",
            "/a%e0%81%9cb",
            "/a/%f0%80%80%ae./b",
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }

    proptest::proptest! {
        /// No path panics, and one that passes has no segment that a server could read as `..`.
        #[test]
        fn what_passes_has_one_reading(path in "/([a.;/%\\\\]|%2[eEfF]|%3[bB]|%5c|%){0,12}") {
            if check_path(&path).is_ok() {
                let once = path.replace("%2e", ".").replace("%2E", ".");
                let mut segments = once.split('/');
                proptest::prop_assert!(segments.all(|segment| !matches!(segment, "." | "..")), "{path}");
                proptest::prop_assert!(!once.contains(';') && !once.to_ascii_lowercase().contains("%3b"), "{path}");
                proptest::prop_assert!(!once.contains("//") && !once.contains('\\'), "{path}");
            }
        }
    }

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "/",
            "/a/b.c",
            "/v1/audio/speech",
            "/a/...",
            "/a/.hidden",
            "/%E4%BD%A0%20x",
            "/%e0%a4%b9%c3%a9%f0%9f%98%80",
            "/%e9t%e9",
            "/a/",
            "/a%252e%252e",
            "/a%3Ab%40c",
            "/a:b@c",
            "*",
        ] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
    }
}
