//! One request, for a key set, metadata or an introspection, with a size limit of the response.
//!
//! No redirect is followed, and no status but 200 is accepted. A failure leaves the older keys in
//! force.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, DATE, HOST},
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::endpoint::Endpoint;

/// The response of the endpoint.
pub(crate) struct FetchedDocument {
    /// Not parsed yet.
    pub(crate) body: Bytes,
    /// From `Cache-Control`; its bounds are applied by the caller.
    pub(crate) max_age: Option<Duration>,
    /// The time of the server, as it wrote it (RFC 9110 section 6.6.1).
    pub(crate) date: Option<Box<str>>,
}

/// Why there is no key set. Fixed codes: the endpoint's own text is not repeated in logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FetchError {
    /// The body broke off or exceeds the limit.
    Body,
    /// The name was not resolved, or the connection was refused.
    Connect,
    /// The TLS handshake failed: an unknown authority or another name, for example.
    Handshake,
    /// The address of the key set in the metadata is not allowed: not `https`, for example.
    KeySetAddress,
    /// The metadata is not a JSON object with `issuer` and `jwks_uri`.
    Metadata,
    /// The set has no usable key.
    NoKeys,
    /// The body is not a JWK set.
    NotAKeySet,
    /// The metadata is that of another issuer.
    OtherIssuer,
    /// The HTTP exchange failed.
    Request,
    /// The status is not 200.
    Status,
    /// The deadline passed.
    Timeout,
}

impl FetchError {
    /// The code in logs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Body => "body_failed_or_too_large",
            Self::Connect => "connect",
            Self::Handshake => "tls",
            Self::KeySetAddress => "jwks_uri_not_allowed",
            Self::Metadata => "metadata_malformed",
            Self::NoKeys => "no_usable_key",
            Self::NotAKeySet => "not_a_key_set",
            Self::OtherIssuer => "metadata_of_another_issuer",
            Self::Request => "request",
            Self::Status => "status",
            Self::Timeout => "timeout",
        }
    }
}

/// Fetches a document of at most `largest` bytes. The caller sets a deadline.
///
/// # Errors
///
/// The endpoint cannot be reached, or the response is not 200 or is too long.
pub(crate) async fn get(
    endpoint: &Endpoint,
    largest: usize,
) -> Result<FetchedDocument, FetchError> {
    let mut request = Request::new(Full::default());
    let accepted = HeaderValue::from_static("application/jwk-set+json, application/json");
    request.headers_mut().insert(ACCEPT, accepted);
    send(endpoint, request, largest).await
}

/// Sends a request to the endpoint. Its target and `Host` are those of the endpoint. The caller sets
/// a deadline.
///
/// # Errors
///
/// The endpoint cannot be reached, or the response is too long.
pub(crate) async fn send(
    endpoint: &Endpoint,
    request: Request<Full<Bytes>>,
    largest: usize,
) -> Result<FetchedDocument, FetchError> {
    let address = (&*endpoint.host, endpoint.port);
    let stream = TcpStream::connect(address)
        .await
        .map_err(|_| FetchError::Connect)?;
    match &endpoint.tls {
        Some((connector, name)) => {
            let secure = connector
                .connect(name.clone(), stream)
                .await
                .map_err(|_| FetchError::Handshake)?;
            exchange(secure, endpoint, request, largest).await
        }
        None => exchange(stream, endpoint, request, largest).await,
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    endpoint: &Endpoint,
    mut request: Request<Full<Bytes>>,
    largest: usize,
) -> Result<FetchedDocument, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| FetchError::Request)?;
    *request.uri_mut() = endpoint.path.clone();
    request
        .headers_mut()
        .insert(HOST, endpoint.authority.clone());
    let conversation = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|_| FetchError::Request)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status);
        }
        let max_age = max_age(response.headers());
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| date.to_str().ok()).map(Into::into);
        let body = Limited::new(response.into_body(), largest)
            .collect()
            .await
            .map_err(|_| FetchError::Body)?;
        Ok(FetchedDocument {
            body: body.to_bytes(),
            max_age,
            date,
        })
    };
    // Both in one task: when the deadline drops it, the connection is gone too.
    tokio::select! {
        outcome = conversation => outcome,
        () = async {
            let _ = connection.await;
            std::future::pending().await
        } => Err(FetchError::Request),
    }
}

/// Reads `max-age` (RFC 9111 section 5.2.2.1). The operator's bounds are applied later.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let line = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    let seconds = line.split(',').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        let value = value.trim_matches('"');
        name.eq_ignore_ascii_case("max-age")
            .then(|| value.parse::<u64>().ok())?
    })?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &'static str, expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(line));
        assert_eq!(
            max_age(&headers),
            expected.map(Duration::from_secs),
            "{line}"
        );
    }

    #[test]
    fn max_age_is_read() {
        check("public, max-age=3600", Some(3600));
        check("Max-Age=\"120\"", Some(120));
        check("max-age=0", Some(0));
        check("max-age=99999999999", Some(99_999_999_999));
        check("s-maxage=10", None);
        check("no-store", None);
        check("max-age=-1", None);
        check("max-age", None);
    }
}
