//! Where a request shows its key, and how that is taken out of what the handler sees.

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri, header::AUTHORIZATION, request, uri::PathAndQuery,
};

use super::query;
use crate::KeyFormat;

/// The places where a layer looks.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) header: HeaderName,
    pub(super) format: KeyFormat,
    pub(super) parameter: Option<Box<str>>,
}

/// How many keys a request shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    Many,
    None,
    One,
}

impl Sources {
    /// Counts the keys that a request shows, right or wrong. Takes nothing out.
    pub(super) fn count(&self, head: &request::Parts) -> Shown {
        let lines = head.headers.get_all(AUTHORIZATION).iter().count();
        let bearers = head.headers.get_all(AUTHORIZATION).iter();
        let bearers = bearers.filter(|value| self.is_ours(value)).count();
        // Another layer might read the other line: two of them are never unambiguous.
        if bearers > 0 && lines > 1 {
            return Shown::Many;
        }
        let headers = head.headers.get_all(&self.header).iter().count();
        match headers + bearers + self.parameters(&head.uri) {
            0 => Shown::None,
            1 => Shown::One,
            _ => Shown::Many,
        }
    }

    /// Takes the key out of a request that shows one.
    pub(super) fn take(&self, head: &mut request::Parts) -> Option<Credential> {
        if let Some(value) = head.headers.remove(&self.header) {
            return Some(Credential::Header(value));
        }
        if let Some(value) = self.take_bearer(&mut head.headers) {
            return Some(Credential::Bearer(value));
        }
        self.take_parameter(&mut head.uri)
            .map(Credential::Parameter)
    }

    fn take_bearer(&self, headers: &mut HeaderMap) -> Option<HeaderValue> {
        let ours = headers
            .get(AUTHORIZATION)
            .is_some_and(|value| self.is_ours(value));
        if ours {
            headers.remove(AUTHORIZATION)
        } else {
            None
        }
    }

    /// Claims by shape: other bearer tokens are someone else's to judge.
    fn is_ours(&self, value: &HeaderValue) -> bool {
        bearer(value.as_bytes()).is_some_and(|token| self.format.claims(token))
    }

    fn parameters(&self, uri: &Uri) -> usize {
        match (&self.parameter, uri.query()) {
            (Some(name), Some(query)) => query::count(query, name),
            _ => 0,
        }
    }

    fn take_parameter(&self, uri: &mut Uri) -> Option<Vec<u8>> {
        let name = self.parameter.as_deref()?;
        let (value, rest) = query::take(uri.query()?, name)?;
        *uri = with_query(std::mem::take(uri), &rest);
        Some(value)
    }
}

/// A key as it was shown, not yet read.
pub(super) enum Credential {
    Bearer(HeaderValue),
    Header(HeaderValue),
    Parameter(Vec<u8>),
}

impl Credential {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bearer(value) => bearer(value.as_bytes()).unwrap_or_default(),
            Self::Header(value) => value.as_bytes(),
            Self::Parameter(value) => value,
        }
    }
}

/// Replaces the query. What is left of a valid address is one; were it not, all of it would go rather than a key stay.
fn with_query(uri: Uri, query: &str) -> Uri {
    let target: Result<PathAndQuery, _> = match query {
        "" => uri.path().parse(),
        _ => format!("{}?{query}", uri.path()).parse(),
    };
    let mut parts = uri.into_parts();
    parts.path_and_query = target.ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// Returns what follows `Bearer` and its spaces (RFC 6750, 2.1; the scheme in any case, RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked("bearer".len())?;
    let token = rest.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(b"bearer") && token.len() < rest.len()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, token: Option<&str>) {
        assert_eq!(
            bearer(value.as_bytes()),
            token.map(str::as_bytes),
            "{value}"
        );
    }

    #[test]
    fn bearer_tokens_are_found_in_any_case() {
        check("Bearer abc", Some("abc"));
        check("bEARER   abc", Some("abc"));
        check("Bearerabc", None);
        check("Bearer", None);
        check("Basic abc", None);
        check("", None);
    }
}
