//! The cookie that carries a session, read and written with the crate `cookie`.
//!
//! Its name begins with `__Host-`. Browsers then demand `Secure`, this very host and the root path
//! (RFC 6265bis, 4.1.3.2), so no other host of the domain can plant one.

use std::{str, time::Duration};

use cookie::{
    Cookie, SameSite,
    prefix::{Host, Prefix},
    time,
};
use http::{HeaderMap, HeaderValue, header::COOKIE};

/// What every name begins with.
pub(crate) const PREFIX: &str = "__Host-";

/// The name of the cookie, and from where browsers send it.
#[derive(Clone, Debug)]
pub(crate) struct SessionCookie {
    name: Box<str>,
    /// Whether browsers send it with links of other sites.
    from_links: bool,
}

/// What a request has of the session cookie.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum FoundCookie<'a> {
    Absent,
    /// More than one. No browser sends two of one `__Host-` name.
    Repeated,
    /// The value of the only one.
    Single(&'a [u8]),
}

impl SessionCookie {
    /// `None` if the name does not begin with `__Host-`, or is no token (RFC 9110, 5.6.2).
    pub(crate) fn new(name: &str, from_links: bool) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(plain);
        fits.then(|| Self {
            name: name.into(),
            from_links,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_sent_from_links(&self) -> bool {
        self.from_links
    }

    /// Finds the cookie. HTTP/2 may split the cookies over several lines (RFC 9113, 8.2.3).
    pub(crate) fn find<'a>(&self, headers: &'a HeaderMap) -> FoundCookie<'a> {
        let lines = headers.get_all(COOKIE).into_iter();
        let mut found = lines
            .flat_map(|line| cookie_pairs(line.as_bytes()))
            .filter_map(|pair| self.value(pair));
        match (found.next(), found.next()) {
            (None, _) => FoundCookie::Absent,
            (Some(value), None) => FoundCookie::Single(value),
            (Some(_), Some(_)) => FoundCookie::Repeated,
        }
    }

    /// Removes the cookie and leaves all others as they are.
    pub(crate) fn remove(&self, headers: &mut HeaderMap) {
        let before: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
        headers.remove(COOKIE);
        for line in before {
            if let Some(rest) = self.without_session(line) {
                headers.append(COOKIE, rest);
            }
        }
    }

    /// Returns a line without the cookie. `None` if nothing is left.
    fn without_session(&self, line: HeaderValue) -> Option<HeaderValue> {
        if cookie_pairs(line.as_bytes()).all(|pair| self.value(pair).is_none()) {
            return Some(line);
        }
        let others: Vec<&[u8]> = cookie_pairs(line.as_bytes())
            .filter(|pair| self.value(pair).is_none())
            .map(<[u8]>::trim_ascii)
            .filter(|pair| !pair.is_empty())
            .collect();
        let mut rest = HeaderValue::from_bytes(&others.join(b"; ".as_slice())).ok()?;
        rest.set_sensitive(line.is_sensitive());
        (!rest.is_empty()).then_some(rest)
    }

    /// Returns the value if the pair is this cookie.
    ///
    /// Pairs that are not ASCII are skipped. A browser checks the rules of `__Host-` for names that
    /// begin so; with white space of Unicode before it a name is another one, and trimming would make
    /// it ours.
    fn value<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.is_ascii())?;
        let cookie = Cookie::parse(pair).ok()?;
        let value = cookie
            .value_raw()
            .filter(|_| cookie.name() == self.name())?;
        Some(value.as_bytes())
    }

    /// Returns the `Set-Cookie` that gives the browser a session. `None` if the token has characters
    /// that no header may have.
    pub(crate) fn set(&self, token: &str, lifetime: Duration) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(self.set_cookie_line(token, lifetime)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Returns the `Set-Cookie` that removes the session from the browser.
    pub(crate) fn clear(&self) -> HeaderValue {
        HeaderValue::try_from(self.set_cookie_line("", Duration::ZERO))
            .expect("the name was checked, and the attributes are ASCII")
    }

    fn set_cookie_line(&self, token: &str, lifetime: Duration) -> String {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let same_site = match self.from_links {
            true => SameSite::Lax,
            false => SameSite::Strict,
        };
        let cookie = Cookie::build((self.name(), token))
            .http_only(true)
            .same_site(same_site)
            .max_age(time::Duration::seconds(seconds));
        // Adds what the prefix demands: `Secure` and `Path=/`, without `Domain`.
        Host::conform(cookie.build()).to_string()
    }
}

/// The pairs of one line.
fn cookie_pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cookie() -> SessionCookie {
        SessionCookie::new("__Host-session", false).unwrap()
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &FoundCookie<'_>) {
        assert_eq!(cookie().find(&headers(lines)), *expected, "{lines:?}");
    }

    #[test]
    fn the_cookie_is_found_among_others_and_over_several_lines() {
        let found = FoundCookie::Single(b"tok");
        check(&["a=1; __Host-session=tok; b=2"], &found);
        check(&["a=1", "__Host-session=tok"], &found);
        check(&["ä=1; =; ;__Host-session=tok"], &found);
    }

    #[test]
    fn names_that_only_look_alike_are_other_cookies() {
        check(
            &["x__Host-session=tok; __Host-session2=a; __host-session=b; session=c"],
            &FoundCookie::Absent,
        );
        check(&["__Host-session"], &FoundCookie::Absent);
    }

    #[test]
    fn a_name_behind_white_space_of_unicode_is_another_cookie() {
        for space in ["\u{a0}", "\u{85}", "\u{2003}", "\u{3000}"] {
            let planted = format!("{space}__Host-session=planted");
            check(&[&planted], &FoundCookie::Absent);
            check(
                &[&format!("{planted}; __Host-session=tok")],
                &FoundCookie::Single(b"tok"),
            );
        }
    }

    #[test]
    fn two_of_the_name_are_told_apart_from_one() {
        let repeated = FoundCookie::Repeated;
        check(&["__Host-session=a; __Host-session=a"], &repeated);
        check(&["__Host-session=a", "__Host-session=b"], &repeated);
    }

    #[test]
    fn it_is_set_and_removed_with_every_attribute_that_its_name_demands() {
        let attributes = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=";
        let set = cookie().set("tok", Duration::from_secs(3600)).unwrap();
        assert_eq!(set, format!("__Host-session=tok{attributes}3600"));
        assert!(set.is_sensitive());
        assert_eq!(cookie().clear(), format!("__Host-session={attributes}0"));
        let lax = SessionCookie::new("__Host-session", true).unwrap();
        assert!(lax.clear().to_str().unwrap().contains("SameSite=Lax"));
    }

    #[test]
    fn other_names_than_those_of_the_prefix_are_refused() {
        for name in [
            "session",
            "__Secure-session",
            "__host-a",
            "__Host-",
            "__Host-a b",
            "__Host-a;",
        ] {
            assert!(SessionCookie::new(name, false).is_none(), "{name}");
        }
    }

    #[test]
    fn removing_it_leaves_the_other_cookies() {
        let mut all = headers(&["a=1; __Host-session=t; ü=2", "__Host-session=u", "b=3"]);
        cookie().remove(&mut all);
        let lines: Vec<&[u8]> = all
            .get_all(COOKIE)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        assert_eq!(lines, ["a=1; ü=2".as_bytes(), b"b=3"]);
    }

    proptest! {
        #[test]
        fn no_line_has_the_cookie_after_it_was_removed(
            lines in prop::collection::vec("[a-z=; \"\\x80-\\xff]{0,12}(__Host-session=[a-z;]{0,4})?[ ;=a]{0,3}", 0..4),
        ) {
            let mut all = HeaderMap::new();
            for line in &lines {
                all.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            cookie().remove(&mut all);
            prop_assert_eq!(cookie().find(&all), FoundCookie::Absent);
        }
    }
}
