//! Finds the bearer token in `Authorization` (RFC 6750, 2.1).

use http::HeaderValue;

const SCHEME: &[u8] = b"bearer";

/// Returns what follows `Bearer `, in any case of its letters. Bytes, since nothing has been judged yet.
pub(super) fn token(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, rest) = value.as_bytes().split_at_checked(SCHEME.len())?;
    let token = rest.strip_prefix(b" ")?.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty()).then_some(token)
}

/// Tells whether a bearer token is meant to be a JSON Web Token. Generous on purpose: a token with too many or too few
/// dots is claimed too, and refused, so that it is never taken for the absence of a credential.
pub(super) fn is_ours(token: &[u8]) -> bool {
    token.contains(&b'.') && !token.starts_with(b"psk_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<&str>) {
        let value = HeaderValue::from_str(header).unwrap();
        assert_eq!(token(&value), expected.map(str::as_bytes), "{header:?}");
    }

    #[test]
    fn the_scheme_is_read_without_case_and_the_token_with() {
        check("Bearer aB.c.d", Some("aB.c.d"));
        check("bEARER   a", Some("a"));
        check("Bearer", None);
        check("Bearer ", None);
        check("Bearera", None);
        check("Basic a", None);
        check("", None);
    }

    #[test]
    fn keys_belong_to_others() {
        assert!(is_ours(b"a.b.c"));
        assert!(is_ours(b"a.b"));
        assert!(!is_ours(b"psk_live_a_b_c"));
        assert!(!is_ours(b"psk_live.a.b"));
        assert!(!is_ours(b"opaque"));
    }
}
