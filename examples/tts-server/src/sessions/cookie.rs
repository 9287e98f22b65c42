//! The cookie that carries a session, read and written with the crate `cookie`.
//!
//! Its name makes browsers insist on `Secure`, on this very host and on the root path (RFC 6265bis,
//! 4.1.3.2), so that no other host of the domain can plant one.

use std::{str, time::Duration};

use cookie::{
    Cookie, SameSite,
    prefix::{Host, Prefix},
    time,
};
use http::{HeaderMap, HeaderValue, header::COOKIE};

pub(crate) const NAME: &str = "__Host-palisade";

/// What the request holds of the session cookie.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum SessionCookie<'a> {
    Absent,
    /// More than one. No browser sends two of one `__Host-` name.
    Repeated,
    /// The value of the only one.
    Single(&'a [u8]),
}

/// Finds the session cookie. HTTP/2 may split the cookies over several lines (RFC 9113, 8.2.3).
pub(crate) fn find(headers: &HeaderMap) -> SessionCookie<'_> {
    let lines = headers.get_all(COOKIE).into_iter();
    let mut found = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(session_token);
    match (found.next(), found.next()) {
        (None, _) => SessionCookie::Absent,
        (Some(value), None) => SessionCookie::Single(value),
        (Some(_), Some(_)) => SessionCookie::Repeated,
    }
}

/// Returns the value if the pair is the session cookie.
///
/// Pairs that are not ASCII are skipped. A browser checks the rules of `__Host-` for names that begin
/// so; with white space of Unicode before it a name is another one, and trimming would make it ours.
fn session_token(pair: &[u8]) -> Option<&[u8]> {
    let pair = str::from_utf8(pair).ok().filter(|pair| pair.is_ascii())?;
    let cookie = Cookie::parse(pair).ok()?;
    let value = cookie.value_raw().filter(|_| cookie.name() == NAME)?;
    Some(value.as_bytes())
}

/// Returns the `Set-Cookie` that gives the browser a session. `None` if the token has characters that
/// no header may have.
pub(crate) fn set(token: &str, lifetime: Duration) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(set_cookie(token, lifetime)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the `Set-Cookie` that removes the session from the browser.
pub(crate) fn clear() -> HeaderValue {
    let value = set_cookie("", Duration::ZERO);
    HeaderValue::try_from(value).expect("a name and attributes of ASCII are a header value")
}

fn set_cookie(token: &str, lifetime: Duration) -> String {
    let lifetime = time::Duration::seconds(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
    let cookie = Cookie::build((NAME, token))
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(lifetime);
    // Adds what the prefix demands: `Secure` and `Path=/`, without `Domain`.
    Host::conform(cookie.build()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &SessionCookie<'_>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        assert_eq!(find(&headers), *expected);
    }

    #[test]
    fn the_cookie_is_found_among_others_and_over_several_lines() {
        let found = SessionCookie::Single(b"tok");
        check(&["a=1; __Host-palisade=tok; b=2"], &found);
        check(&["a=1", "__Host-palisade=tok"], &found);
        check(&["ä=1; =; ;__Host-palisade=tok"], &found);
    }

    #[test]
    fn names_that_only_look_alike_are_not_ours() {
        check(
            &["x__Host-palisade=tok; __Host-palisade2=a; __host-palisade=b; palisade=c"],
            &SessionCookie::Absent,
        );
        check(&["__Host-palisade"], &SessionCookie::Absent);
    }

    #[test]
    fn a_name_behind_white_space_of_unicode_is_not_ours() {
        for space in ["\u{a0}", "\u{85}", "\u{2003}", "\u{3000}"] {
            let planted = format!("{space}__Host-palisade=planted");
            check(&[&planted], &SessionCookie::Absent);
            check(
                &[&format!("{planted}; __Host-palisade=tok")],
                &SessionCookie::Single(b"tok"),
            );
        }
    }

    #[test]
    fn two_of_the_name_are_no_browsers_doing() {
        let repeated = SessionCookie::Repeated;
        check(&["__Host-palisade=a; __Host-palisade=a"], &repeated);
        check(&["__Host-palisade=a", "__Host-palisade=b"], &repeated);
    }

    #[test]
    fn it_is_set_and_removed_with_every_attribute_that_its_name_demands() {
        let attributes = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=";
        let set = set("tok", Duration::from_secs(3600)).unwrap();
        assert_eq!(set, format!("{NAME}=tok{attributes}3600"));
        assert!(set.is_sensitive());
        assert_eq!(clear(), format!("{NAME}={attributes}0"));
    }
}
