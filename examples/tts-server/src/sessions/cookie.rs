//! The cookie that carries a session. Its name makes browsers insist on `Secure`, on this very host
//! and on the root path (RFC 6265bis, 4.1.3.2), so that no neighbour can plant one.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::COOKIE};

pub(crate) const NAME: &str = "__Host-palisade";

/// What the cookies of a request show.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Shown<'a> {
    Nothing,
    Once(&'a [u8]),
    /// No browser sends two of one `__Host-` name.
    Twice,
}

/// Finds our cookie. HTTP/2 may split the cookies over several lines (RFC 9113, 8.2.3).
pub(crate) fn find(headers: &HeaderMap) -> Shown<'_> {
    let lines = headers.get_all(COOKIE).into_iter();
    let mut found = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(value_of_ours);
    match (found.next(), found.next()) {
        (None, _) => Shown::Nothing,
        (Some(value), None) => Shown::Once(value),
        (Some(_), Some(_)) => Shown::Twice,
    }
}

fn value_of_ours(pair: &[u8]) -> Option<&[u8]> {
    pair.trim_ascii()
        .strip_prefix(NAME.as_bytes())?
        .strip_prefix(b"=")
}

/// Sets the cookie.
pub(crate) fn set(token: &str, lifetime: Duration) -> Option<HeaderValue> {
    let seconds = lifetime.as_secs();
    let text =
        format!("{NAME}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Takes the cookie away.
pub(crate) const CLEAR: HeaderValue = HeaderValue::from_static(
    "__Host-palisade=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &Shown<'_>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        assert_eq!(find(&headers), *expected);
    }

    #[test]
    fn the_cookie_is_found_among_others_and_over_several_lines() {
        check(&["a=1; __Host-palisade=tok; b=2"], &Shown::Once(b"tok"));
        check(&["a=1", "__Host-palisade=tok"], &Shown::Once(b"tok"));
    }

    #[test]
    fn names_that_only_look_alike_are_not_ours() {
        check(
            &["x__Host-palisade=tok; __Host-palisade2=a; __host-palisade=b; palisade=c"],
            &Shown::Nothing,
        );
        check(&["__Host-palisade"], &Shown::Nothing);
    }

    #[test]
    fn two_of_the_name_are_no_browsers_doing() {
        check(&["__Host-palisade=a; __Host-palisade=a"], &Shown::Twice);
        check(&["__Host-palisade=a", "__Host-palisade=b"], &Shown::Twice);
    }
}
