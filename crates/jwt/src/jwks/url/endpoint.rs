//! The URL of a key set, parsed and checked once, with everything that a connection needs.
//!
//! An invalid URL is an error when the service starts, not when the first token comes.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderValue, Uri, uri::Scheme};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio_rustls::TlsConnector;

use crate::error::JwtBuildError;

/// How connections are made. Shared by all addresses of one source.
#[derive(Clone)]
pub(crate) struct ConnectOptions {
    /// Whether `http` to a loopback address is allowed.
    loopback: bool,
    /// `None` if no certificate authority could be loaded.
    tls: Option<TlsConnector>,
}

impl ConnectOptions {
    /// Loads the certificates (PEM), or those of the machine. A failure is an error of the first
    /// `https` address.
    pub(crate) fn new(loopback: bool, anchors: Option<&str>) -> Self {
        Self {
            loopback,
            tls: connector(anchors).ok(),
        }
    }
}

/// A URL that passed its checks.
pub(crate) struct Endpoint {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: Box<str>,
    /// That of the URL, or the default of the scheme.
    pub(crate) port: u16,
    /// The value of `Host`.
    pub(crate) authority: HeaderValue,
    /// Path and query, for the request line.
    pub(crate) path: Uri,
    /// `None` for `http` to a loopback address.
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The URL for logs, without user and query.
    redacted: Box<str>,
}

impl Endpoint {
    pub(crate) fn new(url: &str, options: &ConnectOptions) -> Result<Self, JwtBuildError> {
        let fault = || JwtBuildError::Url(redacted(url).into());
        let uri: Uri = url.parse().map_err(|_| fault())?;
        let authority = uri.authority().ok_or_else(fault)?;
        // A query is sent (some providers choose the policy or the tenant by it) and never shown.
        if authority.as_str().contains('@') || url.contains('#') {
            return Err(fault());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP && options.loopback && is_loopback(host) => {
                false
            }
            _ => return Err(fault()),
        };
        let tls = match secure {
            true => {
                let name = ServerName::try_from(host.to_owned()).map_err(|_| fault())?;
                let connector = options.tls.clone().ok_or(JwtBuildError::TrustAnchors)?;
                Some((connector, name))
            }
            false => None,
        };
        Ok(Self {
            host: host.into(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| fault())?,
            path: target(&uri).ok_or_else(fault)?,
            tls,
            redacted: redacted(url).into(),
        })
    }

    pub(crate) fn redacted(&self) -> &str {
        &self.redacted
    }
}

/// Path and query, as the request line has them.
fn target(uri: &Uri) -> Option<Uri> {
    uri.path_and_query()
        .map_or("/", |both| both.as_str())
        .parse()
        .ok()
}

/// A URL for logs and errors, without user and query, which may be secret.
pub(crate) fn redacted(url: &str) -> String {
    let (front, hidden) = match url.find(['?', '#']) {
        Some(at) => (url.get(..at).unwrap_or_default(), "?…"),
        None => (url, ""),
    };
    let (scheme, rest) = match front.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", front),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let user = rest.get(..end).and_then(|authority| authority.rfind('@'));
    let rest = user.map_or(rest, |at| rest.get(at + 1..).unwrap_or_default());
    let separator = if scheme.is_empty() { "" } else { "://" };
    let whole = format!("{scheme}{separator}{rest}{hidden}");
    whole.chars().take(200).collect()
}

/// Only an address, not a name: `localhost` could resolve to another machine.
fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// TLS with the given certificates, or with those of the machine. Fails if there is none.
fn connector(anchors: Option<&str>) -> Result<TlsConnector, JwtBuildError> {
    let mut roots = RootCertStore::empty();
    match anchors {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|_| JwtBuildError::TrustAnchors)?;
                roots
                    .add(certificate)
                    .map_err(|_| JwtBuildError::TrustAnchors)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(JwtBuildError::TrustAnchors);
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| JwtBuildError::TrustAnchors)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, loopback: bool, accepted: bool) {
        assert_eq!(
            Endpoint::new(url, &ConnectOptions::new(loopback, None)).is_ok(),
            accepted,
            "{url}"
        );
    }

    #[test]
    fn only_https_and_by_a_loud_name_loopback_http() {
        check("http://login.example/jwks", false, false);
        check("http://login.example/jwks", true, false);
        check("http://127.0.0.1:8000/jwks", false, false);
        check("http://127.0.0.1:8000/jwks", true, true);
        check("http://[::1]:8000/jwks", true, true);
        check("http://localhost/jwks", true, false);
        check("http://127.0.0.1.evil.example/jwks", true, false);
        check("http://169.254.169.254/jwks", true, false);
    }

    #[test]
    fn a_query_is_sent_and_never_shown() {
        let url = "http://127.0.0.1:8000/keys?policy=b2c_1&code=s3cret";
        let endpoint = Endpoint::new(url, &ConnectOptions::new(true, None)).unwrap();
        assert_eq!(endpoint.path, "/keys?policy=b2c_1&code=s3cret");
        assert_eq!(endpoint.redacted(), "http://127.0.0.1:8000/keys?…");
        for (url, expected) in [
            ("https://user:pass@a/b", "https://a/b"),
            ("https://user:p@ss@a/b?c", "https://a/b?…"),
            ("https://a/b@c", "https://a/b@c"),
            ("user:pass@a", "a"),
        ] {
            assert_eq!(redacted(url), expected, "{url}");
            assert!(
                !JwtBuildError::Url(redacted(url).into())
                    .to_string()
                    .contains("pass")
            );
        }
    }

    #[test]
    fn a_url_that_hides_something_is_refused() {
        for url in [
            "",
            "/jwks",
            "login.example",
            "ftp://a/b",
            "file:///etc/passwd",
            "https://user:pass@a/b",
            "https://a/b#c",
            "https://a/b?key=1#c",
            "https://",
        ] {
            check(url, true, false);
        }
    }
}
