//! The refusals of the layer. Each names the field and the reason; none holds any of the text.
//!
//! Every function makes a `Rejection` with a status, a stable code and a message for the client.
//!
//! Status 400 says that the request cannot be parsed or lacks a field, 413 and 414 that it is too large,
//! 415 that the type of the body is not accepted, and 422 that a text is refused. The codes are stable;
//! the table of all refusals is in the documentation of
//! [`SanitizeLayer`](crate::SanitizeLayer).
//!
//! | code | status | meaning |
//! |---|---|---|
//! | `query_malformed`, `form_malformed`, `json_malformed`, `multipart_malformed` | 400 | the syntax is wrong |
//! | `body_unreadable` | 400 | the body ended early |
//! | `body_ambiguous` | 400 | the JSON can be read as a form |
//! | `field_duplicated`, `field_missing`, `field_near_name` | 400 | a field is there twice, not at all, or nearly |
//! | `query_too_long` | 414 | the clean query does not fit |
//! | `content_type_unsupported`, `content_type_mismatch` | 415 | the body has the wrong type |
//! | `body_undecodable` | 400 | the compressed body is corrupt, or goes on behind its end |
//! | `content_encoding_unsupported` | 415 | the body is compressed in a way that is not accepted |
//! | `header_malformed`, `path_malformed` | 400 | a text of the head is not UTF-8 |
//! | `field_not_clean` | 422 | a text of the head is not clean |
//! | `field_not_text`, `file_not_accepted` | 422 | a value is no text |

use std::fmt;

use http::{HeaderValue, StatusCode, header};
use palisade_core::{BodyKind, Rejection};

use crate::request::content_coding::ContentCoding;
#[cfg(feature = "compression")]
use crate::request::decompression::Flaw;
use crate::text::Refused;

/// The name of the layer in refusals and audit facts.
pub(crate) const NAME: &str = "sanitize";

/// The part of a request in which a field is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InputPart {
    /// A body of the type `application/x-www-form-urlencoded`.
    Form,
    /// A body of the type `application/json` or with the suffix `+json` (RFC 6839).
    Json,
    /// A body of the type `multipart/form-data` (RFC 7578).
    Multipart,
    /// The query of the URI (RFC 3986, section 3.4).
    Query,
}

/// Refuses a part of the request that does not have the declared syntax.
///
/// `why` is the end of a sentence: "The JSON in the body of the request *is not valid*."
pub(crate) fn malformed(part: InputPart, why: impl fmt::Display) -> Box<Rejection> {
    let (code, whole) = match part {
        InputPart::Form => ("form_malformed", "The form in the body of the request"),
        InputPart::Json => ("json_malformed", "The JSON in the body of the request"),
        InputPart::Multipart => ("multipart_malformed", "The multipart body of the request"),
        InputPart::Query => ("query_malformed", "The query of the request"),
    };
    let refusal = Rejection::new(StatusCode::BAD_REQUEST, code, "The request is malformed.");
    Box::new(refusal.with_detail(format!("{whole} {why}.")))
}

/// Refuses a body that ended early.
///
/// The client closed the connection, or broke the framing of its request.
pub(crate) fn unreadable() -> Box<Rejection> {
    let words = "The body of the request could not be read to its end.";
    Box::new(Rejection::new(
        StatusCode::BAD_REQUEST,
        "body_unreadable",
        words,
    ))
}

/// Refuses a field that is given more than once, because parsers differ in which one they use.
pub(crate) fn duplicated(field: &str) -> Box<Rejection> {
    named(
        StatusCode::BAD_REQUEST,
        "field_duplicated",
        field,
        "is there more than once",
    )
}

/// Refuses a request without a required field.
pub(crate) fn missing(field: &str) -> Box<Rejection> {
    named(
        StatusCode::BAD_REQUEST,
        "field_missing",
        field,
        "is missing",
    )
}

/// Refuses a field whose value is not a string.
pub(crate) fn not_text(field: &str) -> Box<Rejection> {
    named(
        StatusCode::UNPROCESSABLE_ENTITY,
        "field_not_text",
        field,
        "must be a string",
    )
}

/// Refuses a text that the sanitizer refuses.
///
/// For limits of length, the response has `limit` and `unit` as members. The name of a rule is only in
/// the audit record: it could tell how to avoid the rule.
pub(crate) fn refused(field: &str, why: &Refused) -> Box<Rejection> {
    let refusal = named(
        StatusCode::UNPROCESSABLE_ENTITY,
        why.code(),
        field,
        &why.to_string(),
    );
    Box::new(match why {
        Refused::TooLong { unit, limit } => refusal
            .with_member("limit", *limit)
            .with_member("unit", unit.to_string()),
        Refused::TooShort { limit } => refusal.with_member("limit", *limit),
        Refused::Rule(name) => refusal.with_reason(format!("rule `{name}`")),
        _ => *refusal,
    })
}

/// Refuses a text of the head that cannot be read.
pub(crate) fn head_malformed(code: &'static str, field: &str) -> Box<Rejection> {
    named(StatusCode::BAD_REQUEST, code, field, "is not valid UTF-8")
}

/// Refuses a text of the head that is not clean and is not rewritten.
pub(crate) fn not_clean(field: &str) -> Box<Rejection> {
    named(
        StatusCode::UNPROCESSABLE_ENTITY,
        "field_not_clean",
        field,
        "has characters that are not accepted there",
    )
}

/// Refuses a body over its limit.
pub(crate) fn too_large() -> Box<Rejection> {
    Box::new(Rejection::payload_too_large())
}

/// Refuses a body of a type that the route does not accept.
///
/// `Accept` names the types that are accepted (RFC 9110, section 15.5.16).
pub(crate) fn unsupported_type(accepted: BodyKind) -> Box<Rejection> {
    let (words, accepted) = match accepted {
        BodyKind::Form => (
            "The body must be application/x-www-form-urlencoded, in UTF-8.",
            "application/x-www-form-urlencoded",
        ),
        BodyKind::JsonOrForm => (
            "The body must be application/json or application/x-www-form-urlencoded, in UTF-8.",
            "application/json, application/x-www-form-urlencoded",
        ),
        BodyKind::Multipart => (
            "The body must be multipart/form-data, in UTF-8.",
            "multipart/form-data",
        ),
        _ => (
            "The body must be application/json, in UTF-8.",
            "application/json",
        ),
    };
    let refusal = Rejection::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_type_unsupported",
        words,
    );
    Box::new(refusal.with_header(header::ACCEPT, HeaderValue::from_static(accepted)))
}

/// Refuses a body that is of another type than `Content-Type` declares. A handler that ignores the
/// type would read another text.
pub(crate) fn type_mismatch(actual: &str) -> Box<Rejection> {
    let refusal = Rejection::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_type_mismatch",
        "The body is not of the type that Content-Type names.",
    );
    Box::new(refusal.with_detail(format!(
        "The body looks like {actual}, but Content-Type says something else."
    )))
}

/// Refuses JSON in which a form parser would find a field, on routes that accept both.
pub(crate) fn ambiguous() -> Box<Rejection> {
    let words = "The JSON in the body of the request can be read as a form.";
    Box::new(Rejection::new(
        StatusCode::BAD_REQUEST,
        "body_ambiguous",
        words,
    ))
}

/// Refuses a name that lenient parsers treat as the name of a field.
pub(crate) fn near_name(field: &str) -> Box<Rejection> {
    named(
        StatusCode::BAD_REQUEST,
        "field_near_name",
        field,
        "is there under a name that is nearly its own",
    )
}

/// Refuses a file in a multipart body.
pub(crate) fn file_not_accepted() -> Box<Rejection> {
    let words = "This route accepts no files.";
    Box::new(Rejection::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "file_not_accepted",
        words,
    ))
}

/// Refuses a compressed body.
///
/// `Accept-Encoding` says what is accepted (RFC 9110, sections 12.5.3 and 15.5.16; RFC 7694).
pub(crate) fn unsupported_encoding(accepted: &[ContentCoding]) -> Box<Rejection> {
    let names: Vec<&str> = accepted.iter().map(|coding| coding.name()).collect();
    let (words, names) = match accepted {
        [] => ("The body must not be compressed.", "identity".to_owned()),
        _ => (
            "The compression of the body is not accepted.",
            names.join(", "),
        ),
    };
    let refusal = Rejection::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_encoding_unsupported",
        words,
    );
    let names = HeaderValue::try_from(names);
    let names = names.unwrap_or_else(|_| HeaderValue::from_static("identity"));
    Box::new(refusal.with_header(header::ACCEPT_ENCODING, names))
}

/// Refuses a compressed body that cannot be decompressed, or would be too large.
#[cfg(feature = "compression")]
pub(super) fn undecodable(flaw: Flaw) -> Box<Rejection> {
    let words = match flaw {
        Flaw::TooLarge => return too_large(),
        Flaw::Corrupt => "The compressed body of the request is cut off or corrupt.",
        Flaw::Trailing => "The compressed body of the request has bytes behind its end.",
    };
    Box::new(Rejection::new(
        StatusCode::BAD_REQUEST,
        "body_undecodable",
        words,
    ))
}

/// Refuses a query that does not fit into a URI after it was rewritten.
pub(crate) fn query_too_long() -> Box<Rejection> {
    let words = "The query of the request is too long.";
    Box::new(Rejection::new(
        StatusCode::URI_TOO_LONG,
        "query_too_long",
        words,
    ))
}

/// Makes a refusal about one field, with the name of the field as a member.
///
/// The name is from the configuration, not from the request.
fn named(status: StatusCode, code: &'static str, field: &str, why: &str) -> Box<Rejection> {
    let refusal = Rejection::new(status, code, "A field of the request is not acceptable.");
    let detail = format!("The field `{field}` {why}.");
    Box::new(refusal.with_detail(detail).with_member("field", field))
}
