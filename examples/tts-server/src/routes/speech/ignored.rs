//! Members of a request that mean nothing here: clients of other servers send them. They are tolerated, and named in
//! the response and in the audit trail, so that no client believes that they had an effect.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue, Response};
use palisade::core::{Fact, SecurityContext};

const HEADER: HeaderName = HeaderName::from_static("x-ignored-members");
/// As many are named; the rest is counted.
const NAMED: usize = 8;
const LONGEST: usize = 40;

/// The names of members that were ignored, fit for a header field. A client chooses them, so they are bounded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::routes) struct Ignored(Option<String>);

impl Ignored {
    /// Takes the names that are not among the known ones.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>, known: &[&str]) -> Self {
        let unknown: Vec<&str> = names.filter(|name| !known.contains(name)).collect();
        let plain = unknown.iter().filter(|name| is_plain(name)).take(NAMED);
        let named: Vec<&str> = plain.copied().collect();
        let more = unknown.len() - named.len();
        let mut text = named.join(", ");
        if more > 0 {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing into a string does not fail.
            let _ = write!(text, "{comma}and {more} more");
        }
        Self(Some(text).filter(|text| !text.is_empty()))
    }

    /// Names them in the audit trail.
    pub(super) fn note(&self, cx: &SecurityContext) {
        if let Some(names) = &self.0 {
            cx.record(Fact::Noted {
                key: "ignored_members",
                value: names.clone().into(),
            });
        }
    }

    /// Names them in the response.
    pub(super) fn tell<B>(&self, response: &mut Response<B>) {
        let names = self.0.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(names)) = names {
            response.headers_mut().insert(HEADER, names);
        }
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=LONGEST).contains(&name.len()) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Option<&str>) {
        let ignored = Ignored::of(names.iter().copied(), &["input"]);
        assert_eq!(ignored.0.as_deref(), expected);
    }

    #[test]
    fn few_plain_names_are_repeated_and_the_rest_is_counted() {
        check(&["input"], None);
        check(&["input", "user", "lang_code"], Some("user, lang_code"));
        check(&["a\r\nSet-Cookie: b"], Some("and 1 more"));
        check(&["", "x", "é"], Some("x, and 2 more"));
        check(&[&"n".repeat(41)], Some("and 1 more"));
        let many: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(&many, Some("m0, m1, m2, m3, m4, m5, m6, m7, and 92 more"));
    }
}
