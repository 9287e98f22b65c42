//! The decisions about a request: first from its head, then from its body if that was read.
//!
//! The service calls `check_head`, and the future calls `check_body` with the complete body. Each
//! returns a refusal or what comes next. Only text in selected fields is changed.
//!
//! # The order of decisions
//!
//! | Step | Refusal |
//! |---|---|
//! | no fields: the length that the head declares | 413 |
//! | header values and parameters of the path | 400, 422 |
//! | the parameters of the query | 400, 414, 422 |
//! | no body: required fields | 400 |
//! | compressed body, unless its coding is accepted | 415 |
//! | type of the body, against the kind that the rule accepts | 415 |
//! | length of the body | 413 |
//! | compressed body that is corrupt or has bytes behind its end | 400 |
//! | length of the decompressed body | 413 |
//! | encoding and syntax of the body | 400 |
//! | each selected text | 422 |
//! | required fields | 400 |
//!
//! In shadow mode a refusal is recorded and the request continues, except for 413: a body that is not
//! read cannot be checked.
//!
//! # Limits
//!
//! A body is buffered only if it may hold fields; `max_body` bounds it. Other bodies are streamed up to
//! `max_unread_body`. The number of parameters, members and parts is bounded too, as is the nesting of
//! JSON.
//!
//! The body that a handler gets has a correct `Content-Length`. Headers with a digest of the old body
//! are removed (RFC 9530, RFC 1864) unless the settings keep them, and so is `Transfer-Encoding`, since the length is known (RFC
//! 9112, section 6.2).

mod body_buffer;
mod chat_apis;
mod content_coding;
mod content_type;
#[cfg(feature = "compression")]
mod decompression;
mod field;
mod head_fields;
mod json;
mod multipart;
mod near_name;
mod parameters;
mod raw_body;
mod refusal;
mod selection;
mod settings;
mod splice;
mod stale_headers;

use std::borrow::Cow;
use std::error::Error;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri, header, request};
use http_body::Body;
use http_body_util::LengthLimitError;
use palisade_core::{BodyKind, BoxError, Rejection};

use self::content_coding::encoding_of;
use self::content_type::boundary_of;
use self::multipart::Multipart;
use self::refusal::InputPart;

pub use self::content_coding::{ContentCoding, UnknownContentCoding};
pub use self::field::{Field, Fields};
pub use self::raw_body::RawBody;
pub use self::stale_headers::{StaleHeaders, UnknownStaleHeaders};
pub(crate) use self::{
    body_buffer::BodyBuffer,
    content_type::Kind,
    field::ParsedFields,
    head_fields::HeadField,
    json::Caps,
    refusal::NAME,
    selection::Selection,
    settings::{Decision, Settings},
};

/// What happens with the body.
///
/// A plan is made before the first byte of the body is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    /// Pass it on unread, up to this many bytes.
    Pass(usize),
    /// Read it, because it holds fields.
    Read(Kind),
}

/// Cleans the texts of the head and decides from it what happens with the body.
///
/// Query and headers are changed in `head`. A parameter that is selected may be in the query and in the body;
/// each is cleaned.
///
/// # Errors
///
/// The refusal, as in the table of the module. Nothing of the body was read.
pub(crate) fn check_head<B: Body>(
    settings: &Settings,
    head: &mut request::Parts,
    body: &B,
    selection: &mut Selection,
) -> Result<Plan, Box<Rejection>> {
    let clean = head_fields::clean(settings, head, selection);
    match clean.and_then(|()| plan(settings, head, body, selection)) {
        Err(rejection) if selection.lets_pass(&rejection) => {
            Ok(Plan::Pass(settings.max_unread_body))
        }
        decided => decided,
    }
}

/// Decides as if the layer was not in shadow.
///
/// The declared length is checked first where that is enough: a client with `Expect: 100-continue` then
/// sends no body (RFC 9110, section 10.1.1).
fn plan<B: Body>(
    settings: &Settings,
    head: &mut request::Parts,
    body: &B,
    selection: &mut Selection,
) -> Result<Plan, Box<Rejection>> {
    let unread = Plan::Pass(settings.max_unread_body);
    let length = body.size_hint().lower();
    let within = |limit: usize| u64::try_from(limit).map_or(true, |limit| length <= limit);
    if selection.is_empty() {
        return if within(settings.max_unread_body) {
            Ok(unread)
        } else {
            Err(refusal::too_large())
        };
    }
    clean_query(settings, head, selection)?;
    if body.is_end_stream() {
        return selection.demand().map(|()| unread);
    }
    if !settings.can_read(encoding_of(&head.headers)) {
        let passes = settings.pass_compressed && within(settings.max_unread_body);
        return if passes {
            Ok(unread)
        } else {
            Err(refusal::unsupported_encoding(&settings.codings))
        };
    }
    let (kind, accepted) = (Kind::of(&head.headers), selection.body_kind());
    match kind.is_accepted_as(accepted) {
        true if within(settings.max_body) => Ok(Plan::Read(kind)),
        false if !settings.pass_other_content => Err(refusal::unsupported_type(accepted)),
        false if within(settings.max_unread_body) => Ok(unread),
        _ => Err(refusal::too_large()),
    }
}

/// Cleans the parameters of the query and rewrites the URI if one changed.
///
/// # Errors
///
/// - 400 `query_malformed`: the percent-encoding is invalid, or there are too many parameters
/// - 414 `query_too_long`: the new query does not fit into a URI
/// - 422: a text is refused
fn clean_query(
    settings: &Settings,
    head: &mut request::Parts,
    selection: &mut Selection,
) -> Result<(), Box<Rejection>> {
    let Some(query) = head.uri.query() else {
        return Ok(());
    };
    let clean = parameters::clean(query, InputPart::Query, settings.caps, selection)?;
    let Cow::Owned(clean) = clean else {
        return Ok(());
    };
    head.uri = with_query(&head.uri, &clean).ok_or_else(refusal::query_too_long)?;
    settings.stale_headers.remove_signatures(&mut head.headers);
    Ok(())
}

/// Returns the URI with another query, or `None` if it does not fit.
///
/// Scheme, authority and path stay as they are.
fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let both = format!("{}?{query}", uri.path());
    parts.path_and_query = Some(PathAndQuery::try_from(both).ok()?);
    Uri::from_parts(parts).ok()
}

/// Cleans a body that was read. Returns the bytes for the handler.
///
/// In shadow mode the bytes that were read are passed on unchanged.
///
/// # Errors
///
/// The refusal, as in the table of the module.
pub(crate) fn check_body(
    settings: &Settings,
    head: &mut request::Parts,
    kind: Kind,
    bytes: Bytes,
    selection: &mut Selection,
) -> Result<Bytes, Box<Rejection>> {
    if settings.keep_raw_body {
        head.extensions.insert(RawBody::new(bytes.clone()));
    }
    match clean_body(settings, head, kind, &bytes, selection) {
        Ok(clean) => Ok(clean.unwrap_or(bytes)),
        Err(rejection) if selection.lets_pass(&rejection) => Ok(bytes),
        Err(rejection) => Err(rejection),
    }
}

/// Returns the body if it had to be rewritten, and otherwise `None`.
///
/// A byte order mark alone is a reason to rewrite the body.
fn clean_body(
    settings: &Settings,
    head: &mut request::Parts,
    kind: Kind,
    bytes: &Bytes,
    selection: &mut Selection,
) -> Result<Option<Bytes>, Box<Rejection>> {
    let Some(plain) = decompressed(settings, head, bytes, selection)? else {
        return clean_plain(settings, head, kind, bytes, selection);
    };
    let clean = clean_plain(settings, head, kind, &plain, selection)?;
    if selection.is_in_shadow() {
        return Ok(None);
    }
    let clean = clean.unwrap_or(plain);
    head.headers.remove(header::CONTENT_ENCODING);
    describe_anew(settings, head, clean.len());
    Ok(Some(clean))
}

/// Decompresses a body. `None` if it is not compressed.
///
/// # Errors
///
/// - 400 `body_undecodable`: it is corrupt, or bytes are behind its end
/// - 413: it would be larger than the limits allow
#[cfg(feature = "compression")]
fn decompressed(
    settings: &Settings,
    head: &request::Parts,
    bytes: &Bytes,
    selection: &Selection,
) -> Result<Option<Bytes>, Box<Rejection>> {
    let content_coding::Encoding::Known(coding) = encoding_of(&head.headers) else {
        return Ok(None);
    };
    let limits = decompression::Limits {
        size: settings.max_body,
        ratio: settings.max_ratio,
    };
    let plain = decompression::decompress(coding, bytes, limits).map_err(refusal::undecodable)?;
    selection.note_decompressed(coding, bytes.len(), plain.len());
    Ok(Some(plain.into()))
}

/// No coding is accepted, so no compressed body comes this far.
#[cfg(not(feature = "compression"))]
fn decompressed(
    _: &Settings,
    _: &request::Parts,
    _: &Bytes,
    _: &Selection,
) -> Result<Option<Bytes>, Box<Rejection>> {
    Ok(None)
}

/// Cleans a body that is not compressed, or not any more.
fn clean_plain(
    settings: &Settings,
    head: &mut request::Parts,
    kind: Kind,
    bytes: &Bytes,
    selection: &mut Selection,
) -> Result<Option<Bytes>, Box<Rejection>> {
    if kind == Kind::Multipart {
        return clean_multipart(settings, head, bytes, selection);
    }
    let part = if kind == Kind::Json {
        InputPart::Json
    } else {
        InputPart::Form
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refusal::malformed(part, not_utf8(bytes)))?;
    // Some parsers stop at a byte order mark and others skip it, so it is always removed.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let clean = match kind {
        Kind::Json => clean_json(settings, body, selection)?,
        Kind::Form | Kind::Multipart | Kind::Other => {
            parameters::clean(body, part, settings.caps, selection)?
        }
    };
    selection.demand()?;
    if selection.is_in_shadow() {
        return Ok(None);
    }
    let clean = match clean {
        Cow::Borrowed(_) if body.len() == text.len() => return Ok(None),
        clean => clean.into_owned(),
    };
    describe_anew(settings, head, clean.len());
    Ok(Some(clean.into()))
}

/// Cleans the text parts of a multipart body.
///
/// Parts that are not selected are copied byte for byte.
fn clean_multipart(
    settings: &Settings,
    head: &mut request::Parts,
    bytes: &Bytes,
    selection: &mut Selection,
) -> Result<Option<Bytes>, Box<Rejection>> {
    let body = Multipart {
        body: bytes,
        boundary: boundary_of(&head.headers),
        max_parts: settings.caps.keys,
        refuses_files: settings.refuse_files,
    };
    let clean = body.clean(selection)?;
    selection.demand()?;
    let Some(clean) = clean.filter(|_| !selection.is_in_shadow()) else {
        return Ok(None);
    };
    describe_anew(settings, head, clean.len());
    Ok(Some(clean.into()))
}

/// Cleans JSON, and refuses it if a form parser would find a field in it.
///
/// The check for a form looks at the clean text: a handler sees nothing else.
fn clean_json<'t>(
    settings: &Settings,
    body: &'t str,
    selection: &mut Selection,
) -> Result<Cow<'t, str>, Box<Rejection>> {
    let clean = json::clean(body, settings.caps, selection)?;
    let both = selection.body_kind() == BodyKind::JsonOrForm;
    if both && parameters::would_find_field(&clean, selection) {
        return Err(refusal::ambiguous());
    }
    Ok(clean)
}

/// Says what is wrong with a body that is not UTF-8.
///
/// Only a byte order mark is recognized; UTF-16 without one fails as text that is not UTF-8.
fn not_utf8(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => "is in UTF-16, by its byte order mark; send UTF-8",
        _ => "is not UTF-8",
    }
}

/// Sets the headers of a body that was rewritten, and removes those that no longer apply.
///
/// Trailers are removed as well, since they could hold a digest of the old body.
fn describe_anew(settings: &Settings, head: &mut request::Parts, length: usize) {
    head.headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    head.headers.remove(header::TRANSFER_ENCODING);
    head.headers.remove(header::TRAILER);
    settings.stale_headers.remove_of_body(&mut head.headers);
}

/// Distinguishes a body that is too large from one whose connection broke.
///
/// 413 if an outer layer or this one stopped at a limit, 400 `body_unreadable` otherwise.
pub(crate) fn body_error(error: &BoxError) -> Box<Rejection> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error.as_ref());
    while let Some(current) = cause {
        if current.is::<LengthLimitError>() {
            return refusal::too_large();
        }
        cause = current.source();
    }
    refusal::unreadable()
}
