//! The kind of body that the headers of a request declare.
//!
//! Anything doubtful is `Kind::Other`, which the caller refuses where fields are looked for.

use http::{HeaderMap, header};
use palisade_core::BodyKind;

/// The kind of a body by its `Content-Type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Form,
    Json,
    Other,
}

impl Kind {
    /// Tells whether a route that accepts `accepted` accepts this kind.
    pub(crate) fn is_accepted_as(self, accepted: BodyKind) -> bool {
        match self {
            Self::Form => matches!(accepted, BodyKind::Form | BodyKind::JsonOrForm),
            Self::Json => matches!(accepted, BodyKind::Json | BodyKind::JsonOrForm),
            Self::Other => false,
        }
    }

    /// Reads `Content-Type`. Two header lines, or a character set other than UTF-8, mean `Other`.
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
            other if other.starts_with("application/") && other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Tells whether the parameters of the header declare no character set other than UTF-8.
fn is_utf8(parameters: &str) -> bool {
    parameters.split(';').all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| value.eq_ignore_ascii_case(known))
    })
}

/// Tells whether `Content-Encoding` declares a compressed body.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::CONTENT_ENCODING).iter();
    lines.into_iter().any(|line| {
        !line
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"identity")
    })
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
        check(&["multipart/form-data; boundary=x"], Kind::Other);
        check(&["text/json"], Kind::Other);
        check(&[], Kind::Other);
    }
}
