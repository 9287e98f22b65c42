//! What is decided about a request: from its head, and from its body once that was read.

use std::borrow::Cow;
use std::error::Error;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Uri, header, request};
use http_body::Body;
use http_body_util::LengthLimitError;
use palisade_core::{BoxError, Rejection};

use crate::content::{self, Kind};
use crate::fault::{self, Place};
use crate::layer::Config;
use crate::watch::Watch;
use crate::{json, urlencoded};

/// Digests of a body, which are wrong once it was written anew. Without one, a handler that needs it refuses.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// What to do with the body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    /// Hand it on, up to a number of bytes.
    Pass(usize),
    /// Read it, for the fields are in it.
    Read(Kind),
}

/// Cleans the query and decides about the body by what the head says of it.
pub(crate) fn judge_head<B: Body>(
    config: &Config,
    head: &mut request::Parts,
    body: &B,
    watch: &mut Watch,
) -> Result<Plan, Box<Rejection>> {
    match plan(config, head, body, watch) {
        Err(rejection) if watch.lets_pass(&rejection) => Ok(Plan::Pass(config.max_unread_body)),
        decided => decided,
    }
}

fn plan<B: Body>(
    config: &Config,
    head: &mut request::Parts,
    body: &B,
    watch: &mut Watch,
) -> Result<Plan, Box<Rejection>> {
    let unread = Plan::Pass(config.max_unread_body);
    let length = body.size_hint().lower();
    let within = |limit: usize| u64::try_from(limit).map_or(true, |limit| length <= limit);
    if watch.is_empty() {
        return if within(config.max_unread_body) {
            Ok(unread)
        } else {
            Err(fault::too_large())
        };
    }
    clean_query(config, &mut head.uri, watch)?;
    if body.is_end_stream() {
        return watch.demand().map(|()| unread);
    }
    if content::is_encoded(&head.headers) {
        let passes = config.pass_compressed && within(config.max_unread_body);
        return if passes {
            Ok(unread)
        } else {
            Err(fault::unsupported_encoding())
        };
    }
    match Kind::of(&head.headers) {
        Kind::Other if !config.pass_other_content => Err(fault::unsupported_type()),
        Kind::Other if within(config.max_unread_body) => Ok(unread),
        kind @ (Kind::Form | Kind::Json) if within(config.max_body) => Ok(Plan::Read(kind)),
        _ => Err(fault::too_large()),
    }
}

fn clean_query(config: &Config, uri: &mut Uri, watch: &mut Watch) -> Result<(), Box<Rejection>> {
    let Some(query) = uri.query() else {
        return Ok(());
    };
    let clean = urlencoded::clean(query, Place::Query, config.caps.keys, watch)?;
    let Cow::Owned(clean) = clean else {
        return Ok(());
    };
    let rewritten = with_query(uri, &clean).ok_or_else(fault::query_too_long)?;
    *uri = rewritten;
    Ok(())
}

fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let both = format!("{}?{query}", uri.path());
    parts.path_and_query = Some(PathAndQuery::try_from(both).ok()?);
    Uri::from_parts(parts).ok()
}

/// Cleans a body that was read; gives the bytes for the handler.
pub(crate) fn judge_body(
    config: &Config,
    head: &mut request::Parts,
    kind: Kind,
    bytes: Bytes,
    watch: &mut Watch,
) -> Result<Bytes, Box<Rejection>> {
    match clean_body(config, head, kind, &bytes, watch) {
        Ok(clean) => Ok(clean.unwrap_or(bytes)),
        Err(rejection) if watch.lets_pass(&rejection) => Ok(bytes),
        Err(rejection) => Err(rejection),
    }
}

/// Gives a body that had to be written anew.
fn clean_body(
    config: &Config,
    head: &mut request::Parts,
    kind: Kind,
    bytes: &Bytes,
    watch: &mut Watch,
) -> Result<Option<Bytes>, Box<Rejection>> {
    let place = if kind == Kind::Json {
        Place::Json
    } else {
        Place::Form
    };
    let text = std::str::from_utf8(bytes).map_err(|_| fault::malformed(place, "is not UTF-8"))?;
    let clean = match kind {
        Kind::Json => json::clean(text, config.caps, watch)?,
        Kind::Form | Kind::Other => urlencoded::clean(text, place, config.caps.keys, watch)?,
    };
    watch.demand()?;
    let Cow::Owned(clean) = clean else {
        return Ok(None);
    };
    describe_anew(head, clean.len());
    Ok(Some(clean.into()))
}

/// Makes the head tell the truth about a body that was written anew.
fn describe_anew(head: &mut request::Parts, length: usize) {
    head.headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    head.headers.remove(header::TRANSFER_ENCODING);
    head.headers.remove(header::TRAILER);
    for digest in DIGESTS {
        head.headers.remove(digest);
    }
}

/// Tells a body that is too large from one that broke off.
pub(crate) fn judge_error(error: &BoxError) -> Box<Rejection> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error.as_ref());
    while let Some(current) = cause {
        if current.is::<LengthLimitError>() {
            return fault::too_large();
        }
        cause = current.source();
    }
    fault::unreadable()
}
