//! The kind of body that the headers of a request declare.
//!
//! Anything doubtful is `Kind::Other`, which the caller refuses where fields are looked for.
//!
//! A charset of ASCII is accepted, since ASCII is a part of UTF-8. JSON has no parameter `charset` (RFC
//! 8259, section 11); one that says UTF-8 does no harm.
//!
//! Two header lines are refused, even if they are equal: readers differ in which one they use.

use http::{HeaderMap, header};
use palisade_core::BodyKind;

/// The kind of a body by its `Content-Type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`, and every type under `application/` with the suffix `+json`.
    Json,
    /// `multipart/form-data` with a usable boundary.
    Multipart,
    /// Everything else, and no `Content-Type` at all.
    Other,
}

impl Kind {
    /// Tells whether a route that accepts `accepted` accepts this kind.
    ///
    /// `Other` is accepted by no route.
    pub(crate) fn is_accepted_as(self, accepted: BodyKind) -> bool {
        match self {
            Self::Form => matches!(accepted, BodyKind::Form | BodyKind::JsonOrForm),
            Self::Json => matches!(accepted, BodyKind::Json | BodyKind::JsonOrForm),
            Self::Multipart => accepted == BodyKind::Multipart,
            Self::Other => false,
        }
    }

    /// Reads `Content-Type`. Two header lines, or a character set other than UTF-8, mean `Other`.
    ///
    /// Type and parameters are compared without case (RFC 9110, section 8.3.1).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Self::Other;
        };
        let Ok(line) = line.to_str() else {
            return Self::Other;
        };
        let (essence, parameters) = line.split_once(';').unwrap_or((line, ""));
        if !is_utf8(parameters) {
            return Self::Other;
        }
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "application/json" => Self::Json,
            "multipart/form-data" if read_boundary(parameters).is_some() => Self::Multipart,
            other if other.starts_with("application/") && other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Tells whether the parameters of the header declare no character set other than UTF-8.
///
/// No `charset` at all means UTF-8.
pub(super) fn is_utf8(parameters: &str) -> bool {
    parameters.split(';').all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| value.eq_ignore_ascii_case(known))
    })
}

/// Returns the boundary of a multipart body. The caller has checked with [`Kind::of`] that there is one.
pub(crate) fn boundary_of(headers: &HeaderMap) -> &str {
    let line = headers
        .get(header::CONTENT_TYPE)
        .and_then(|line| line.to_str().ok());
    let parameters = line.and_then(|line| line.split_once(';'));
    parameters
        .and_then(|(_, parameters)| read_boundary(parameters))
        .unwrap_or_default()
}

/// Reads the parameter `boundary`: given once, 1 to 70 characters that need no escape (RFC 2046, section
/// 5.1.1).
///
/// `None` also if it is named twice, or if a character would need an escape.
fn read_boundary(parameters: &str) -> Option<&str> {
    let named = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='));
    let mut found = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    let (Some((_, value)), None) = (found.next(), found.next()) else {
        return None;
    };
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let value = quoted.unwrap_or(value);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    ((1..=70).contains(&value.len()) && value.bytes().all(is_part)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&'static str], kind: Kind) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_TYPE, line.parse().unwrap());
        }
        assert_eq!(Kind::of(&headers), kind, "{lines:?}");
    }

    #[test]
    fn content_types_are_told_apart() {
        check(&["application/json"], Kind::Json);
        check(&["Application/JSON; Charset=\"UTF-8\""], Kind::Json);
        check(&["application/vnd.api+json"], Kind::Json);
        check(
            &["application/x-www-form-urlencoded ; charset=utf-8"],
            Kind::Form,
        );
        check(&["application/json; charset=utf-16"], Kind::Other);
        check(&["application/json", "text/plain"], Kind::Other);
        check(&["multipart/form-data; boundary=x"], Kind::Multipart);
        check(
            &["Multipart/Form-Data; charset=utf-8; Boundary=\"--x y\""],
            Kind::Other,
        );
        check(
            &["multipart/form-data; boundary=\"--x_y\""],
            Kind::Multipart,
        );
        check(
            &["multipart/form-data; boundary=x; boundary=y"],
            Kind::Other,
        );
        check(&["multipart/form-data; boundary="], Kind::Other);
        check(&["multipart/form-data"], Kind::Other);
        check(&["multipart/mixed; boundary=x"], Kind::Other);
        check(&["text/json"], Kind::Other);
        check(&[], Kind::Other);
    }
}
