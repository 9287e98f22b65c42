//! HTTPS requests to the authority, by the TLS library of the server.
//!
//! One connection for each request: an order needs about ten, every two months. No redirect is
//! followed.
//!
//! The ACME library brings an HTTP client of its own, which is not compiled in: it would add a
//! second TLS configuration, connection pool and set of trusted certificates. HTTP/1.1 is enough for
//! every authority (RFC 8555, section 6.1, requires HTTPS only).

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{HOST, RETRY_AFTER},
    uri::PathAndQuery,
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use palisade_core::SharedClock;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{AcmeError, AcmeSettingError};

/// The longest time of one request, from name resolution to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest response, in bytes. A chain has about 8 KiB.
const MAX_RESPONSE: usize = 1024 * 1024;

/// A client for one authority. Clones share the last `Retry-After`.
#[derive(Clone)]
pub(super) struct AuthorityClient {
    /// TLS with verification, as `roots_from` trusts.
    connector: TlsConnector,
    /// Turns a date in `Retry-After` into a duration.
    clock: SharedClock,
    /// The ACME library returns no header fields with its errors, so the last wait is kept here.
    retry_after: Arc<Mutex<Option<Duration>>>,
}

impl AuthorityClient {
    /// Trusts the certificates in PEM, or those of the machine.
    ///
    /// # Errors
    ///
    /// A certificate in PEM cannot be read, or the machine has no trusted certificates.
    pub(super) fn new(roots: Option<&[u8]>, clock: SharedClock) -> Result<Self, AcmeError> {
        let config = client_config(roots_from(roots)?)?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            clock,
            retry_after: Arc::default(),
        })
    }

    /// Returns the `Retry-After` of the last response that refused for now (429 or 503), once.
    pub(super) fn take_retry_after(&self) -> Option<Duration> {
        let mut retry_after = self
            .retry_after
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        retry_after.take()
    }

    /// # Errors
    ///
    /// No connection, no complete response in 30 seconds, or one of more than 1 MiB. A status of failure
    /// is not an error here: the ACME library reads the problem document of it.
    async fn send(self, request: Request<BodyWrapper<Bytes>>) -> io::Result<BytesResponse> {
        let exchange = tokio::time::timeout(TIMEOUT, self.exchange(request));
        let response = exchange
            .await
            .map_err(|_| connection_failure("no response in 30 s"))??;
        let is_for_now = matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if is_for_now {
            let wait = retry_after(response.headers().get(RETRY_AFTER), self.clock.unix_time());
            *self
                .retry_after
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = wait;
        }
        Ok(BytesResponse::from(response))
    }

    /// One connection for this request, closed after it. There is no pool that could keep a connection
    /// which the authority has closed in the meantime.
    async fn exchange(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let target = Target::of(&head.uri)?;
        let connected = TcpStream::connect((&*target.host, target.port)).await;
        let stream = connected.map_err(|error| {
            connection_failure(format!(
                "cannot connect to {}:{}: {error}",
                target.host, target.port
            ))
        })?;
        let stream = self.connector.connect(target.name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let mut request = Request::from_parts(head, body);
        *request.uri_mut() = target.path;
        request.headers_mut().insert(HOST, target.authority);
        let conversation = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(io::Error::other)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_RESPONSE).collect().await;
            let body =
                body.map_err(|_| connection_failure("the response broke off or is too large"))?;
            Ok(Response::from_parts(head, Full::new(body.to_bytes())))
        };
        // Both in one task: when the timeout drops it, the connection is gone too.
        tokio::select! {
            response = conversation => response,
            () = async {
                let _ = connection.await;
                std::future::pending().await
            } => Err(connection_failure("the connection ended")),
        }
    }
}

impl HttpClient for AuthorityClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let sent = self.clone().send(request);
        Box::pin(async move { sent.await.map_err(|error| Error::Other(Box::new(error))) })
    }
}

/// Where a request goes.
struct Target {
    /// Without brackets, for the resolver.
    host: Box<str>,
    port: u16,
    /// The name that the certificate of the authority must have.
    name: ServerName<'static>,
    /// The field `Host`, with the port if the address has one.
    authority: HeaderValue,
    /// Path and query alone (origin form, RFC 9112, section 3.2.1).
    path: Uri,
}

impl Target {
    /// Only `https`: an authority cannot send the account key anywhere else, but it could name an
    /// address in clear.
    fn of(uri: &Uri) -> io::Result<Self> {
        let wrong = || connection_failure("the authority named an address that is not https");
        let is_https = uri.scheme_str() == Some("https");
        let authority = uri.authority().filter(|_| is_https).ok_or_else(wrong)?;
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        Ok(Self {
            name: ServerName::try_from(host.to_owned()).map_err(|_| wrong())?,
            host: host.into(),
            port: authority.port_u16().unwrap_or(443),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?,
            path: path.parse().map_err(|_| wrong())?,
        })
    }
}

/// Reads trusted certificates in PEM, or those of the machine.
///
/// Certificates of the machine that cannot be parsed are skipped: stores have old ones. In the PEM of
/// the operator each one must be valid, since a skipped one could be the one that matters.
fn roots_from(pem: Option<&[u8]>) -> Result<RootCertStore, AcmeError> {
    let mut roots = RootCertStore::empty();
    match pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let added = certificate.ok().and_then(|root| roots.add(root).ok());
                added.ok_or(AcmeSettingError::Root)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(AcmeSettingError::NoTrustedRoots.into());
    }
    Ok(roots)
}

/// TLS 1.2 and 1.3, no client certificate, and HTTP/1.1 by ALPN.
fn client_config(roots: RootCertStore) -> Result<ClientConfig, AcmeError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| AcmeSettingError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
///
/// A date in the past gives zero. Other text gives `None`: the normal wait applies then.
fn retry_after(value: Option<&HeaderValue>, now: Duration) -> Option<Duration> {
    let value = value?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(now))
}

fn connection_failure(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_requested() {
        for (uri, expected) in [
            ("https://acme.example/dir", true),
            ("https://[::1]:14000/dir?x", true),
            ("http://acme.example/dir", false),
            ("/dir", false),
        ] {
            let target = Target::of(&uri.parse().unwrap());
            assert_eq!(target.is_ok(), expected, "{uri}");
        }
        let target = Target::of(&"https://[::1]:14000/dir?x".parse().unwrap()).unwrap();
        assert_eq!((&*target.host, target.port), ("::1", 14_000));
        assert_eq!(target.path, "/dir?x");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let value = HeaderValue::from_static(value);
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(Some(&value), now), expected, "{value:?}");
        }
        assert_eq!(retry_after(None, now), None);
    }

    #[test]
    fn a_root_that_is_no_certificate_is_an_error() {
        assert!(roots_from(Some(b"nothing")).is_err());
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(roots_from(Some(damaged)).is_err());
    }
}
