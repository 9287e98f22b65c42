//! `Authorization: scheme token`, parsed once for all authenticators (RFC 9110, 11.6.2; RFC 6750, 2.1).

use std::str;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// A well-formed `Authorization` field: one scheme, one space, one token.
///
/// The scheme is a token of RFC 9110 (5.6.2) and is compared without regard to case. The token has the
/// alphabet of `token68` (RFC 9110, 11.2), which holds bearer tokens and JSON Web Tokens. Everything else
/// is malformed: a tab, a second space, an empty token, parameters, bytes outside ASCII.
#[derive(Clone, Copy)]
pub(crate) struct Authorization<'a> {
    /// The scheme, as the client wrote it.
    pub(crate) scheme: &'a str,
    /// The token, without the scheme and the space.
    pub(crate) token: &'a str,
}

/// Why `Authorization` cannot be parsed. Both cases are refused with 400.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AuthorizationError {
    /// It is not one scheme, one space and one token.
    Malformed,
    /// It was sent in several lines.
    Repeated,
}

impl<'a> Authorization<'a> {
    /// Parses the one field line of a request. `None` if there is none.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Option<Self>, AuthorizationError> {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => Self::parse(line)
                .map(Some)
                .ok_or(AuthorizationError::Malformed),
            (Some(_), Some(_)) => Err(AuthorizationError::Repeated),
        }
    }

    /// Parses one field line. `None` if it is malformed.
    pub(crate) fn parse(line: &'a HeaderValue) -> Option<Self> {
        let (scheme, token) = str::from_utf8(line.as_bytes()).ok()?.split_once(' ')?;
        let well_formed = !scheme.is_empty() && scheme.bytes().all(is_scheme) && is_token68(token);
        well_formed.then_some(Self { scheme, token })
    }
}

/// Returns whether a byte may be in a scheme: `tchar` (RFC 9110, 5.6.2).
fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns whether a text is a `token68` (RFC 9110, 11.2): at least one character, then optional
/// padding.
fn is_token68(token: &str) -> bool {
    let characters = token.trim_end_matches('=').as_bytes();
    // Without an early end: tokens are long, and nearly all are well-formed.
    !characters.is_empty()
        && characters
            .iter()
            .fold(true, |all, byte| all & is_token68_byte(*byte))
}

/// Tells whether a byte may stand in a token before its padding. Without branches and look-ups, so that the compiler
/// checks sixteen at once.
const fn is_token68_byte(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit_or_mark = byte.wrapping_sub(b'-') <= b'9' - b'-'; // `-`, `.`, `/` and the digits
    letter | digit_or_mark | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &[u8], expected: Option<(&str, &str)>) {
        let value = HeaderValue::from_bytes(line).unwrap();
        let parsed = Authorization::parse(&value).map(|it| (it.scheme, it.token));
        assert_eq!(parsed, expected, "{value:?}");
    }

    #[test]
    fn one_scheme_one_space_one_token() {
        check(
            b"Bearer aB.c-d_e~f+g/h==",
            Some(("Bearer", "aB.c-d_e~f+g/h==")),
        );
        check(b"bEARER a", Some(("bEARER", "a")));
        check(b"Basic YTpi", Some(("Basic", "YTpi")));
    }

    #[test]
    fn the_bytes_of_a_token_are_those_of_the_rfc() {
        for byte in 0..=u8::MAX {
            let listed = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_token68_byte(byte), listed, "{byte}");
        }
    }

    #[test]
    fn everything_else_is_malformed() {
        for line in [
            "",
            " ",
            "Bearer",
            "Bearer ",
            "Bearer  a",
            "Bearer\ta",
            "Bearer \ta",
            "Bearer a ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer =",
            "Bearer a=b",
            "Bearer a\tb",
            " Bearer a",
            "Bearer a, Basic b",
            "Digest username=\"a\"",
            "Bea(rer a",
            "Bearer:a",
        ] {
            check(line.as_bytes(), None);
        }
        check(b"Bearer a\xc3\xa9", None);
        check(b"Bearer a\xff", None);
    }
}
