//! Who a client is, by the certificate of its connection (mutual TLS).
//!
//! `builder` says which names are whose, `names` are the names of a certificate, and `error` is what
//! cannot be built.

mod builder;
mod error;
mod names;

use std::{fmt, sync::Arc};

use http::{HeaderValue, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, ClientCertificate, Credential,
    CredentialFailure, CredentialSource, Presence, Principal, Rejection, SecurityContext,
    SharedClock, Verdict, authenticator_layer,
};
use palisade_internal::hex;

use self::names::NameTable;
pub use self::{
    builder::{CertificateGrant, ClientCertificateLayerBuilder},
    error::ClientCertificateBuildError,
};

/// The kind of all principals made here.
const KIND: &str = "client_certificate";
/// What a client is told that has no accepted certificate. There is no registered scheme for it: the
/// certificate is sent in the TLS handshake.
const CHALLENGE: HeaderValue = HeaderValue::from_static("ClientCertificate");

/// Authenticates requests by the certificate of their connection: an explicit table, or a function,
/// says which certificate is which principal.
///
/// | case | response |
/// |---|---|
/// | a certificate of the table, or one that the function knows | the principal |
/// | another one, one that ended meanwhile, or names of several principals | 401 |
/// | no certificate | 401, or a guest if the layer is optional |
///
/// The authority of a certificate says only that it issued it: the server verifies that, and
/// without an entry here no certificate is a principal.
///
/// A certificate is sent with every request of a connection, whether the client means it or not. So a
/// key or a token in the request goes before it, and a service with pages for browsers must refuse
/// writes from other origins.
///
/// Use it as a layer by itself, or in the list of an [`AuthenticateLayer`] together with other kinds
/// of credential. Behind a proxy that ends TLS the certificate is that of the proxy: do not use it
/// there.
///
/// ```
/// use std::time::Duration;
/// use http::{Request, StatusCode};
/// use palisade_core::{ClientCertificate, testing::{EmptyOk, TestBody}};
/// use palisade_transport::{CertificateGrant, ClientCertificateLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = ClientCertificateLayer::builder()
///     .uri("spiffe://example.org/billing", CertificateGrant::new("billing").scopes(["invoices:read"]))
///     .build()?;
/// let service = ServiceBuilder::new().layer(layer).service(EmptyOk::default());
///
/// // The server inserts it after the handshake.
/// let certificate = ClientCertificate::new([7; 32])
///     .with_uris(["spiffe://example.org/billing"])
///     .with_expiry(Duration::from_secs(4_000_000_000));
/// let request = Request::get("/").extension(certificate).body(TestBody::default())?;
/// assert_eq!(service.clone().oneshot(request).await?.status(), StatusCode::OK);
///
/// let without = Request::get("/").body(TestBody::default())?;
/// assert_eq!(service.oneshot(without).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
///
/// During the rollout nothing is refused, and the audit trail shows what would have been:
///
/// ```
/// use palisade_transport::{CertificateGrant, ClientCertificateLayer};
///
/// let layer = ClientCertificateLayer::builder()
///     .subject("CN=billing,O=Example", CertificateGrant::new("billing"))
///     .dangerously_only_shadow()
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_transport::ClientCertificateBuildError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientCertificateLayer {
    shared: Arc<Shared>,
    /// The layer for use by itself, outside of a list of authenticators.
    alone: AuthenticateLayer,
}

authenticator_layer!(ClientCertificateLayer, name: KIND, guard: alone, authenticator: shared);

/// A function that knows certificates which the table does not have.
type Function = Arc<dyn Fn(&ClientCertificate) -> Option<CertificateGrant> + Send + Sync>;

/// Decides about certificates. What all clones of a layer share.
struct Shared {
    id: AuthenticatorId,
    table: NameTable,
    function: Option<Function>,
    clock: SharedClock,
    /// 401, for every certificate that is not accepted.
    refusal: Rejection,
}

impl ClientCertificateLayer {
    /// Starts to say which certificate is which principal.
    pub fn builder() -> ClientCertificateLayerBuilder {
        ClientCertificateLayerBuilder::default()
    }
}

impl Shared {
    /// Decides about the certificate of a connection. Its chain was verified in the handshake, its end
    /// may have come since.
    fn decide(
        &self,
        cx: &SecurityContext,
        certificate: &ClientCertificate,
    ) -> Result<Principal, Box<Rejection>> {
        if certificate.expires() <= cx.unix_time(&*self.clock) {
            return Err(self.refuse("certificate_expired", CredentialFailure::Expired));
        }
        let grant = self.find(certificate)?;
        let id = hex::encode(certificate.sha256());
        Ok(grant.principal(&id, certificate.expires()))
    }

    /// Finds what a certificate is granted. Names of several principals grant nothing: it would not be
    /// clear which one is meant.
    fn find(&self, certificate: &ClientCertificate) -> Result<CertificateGrant, Box<Rejection>> {
        let not_allowed = CredentialFailure::NotAllowedHere;
        let mut found: Option<&CertificateGrant> = None;
        for grant in self.table.find(certificate) {
            if found.is_some_and(|other| other != grant) {
                return Err(self.refuse("certificate_ambiguous", not_allowed));
            }
            found = Some(grant);
        }
        let by_function = || self.function.as_ref().and_then(|find| find(certificate));
        let grant = found.cloned().or_else(by_function);
        let grant = grant.filter(CertificateGrant::has_id);
        grant.ok_or_else(|| self.refuse("certificate_unknown", not_allowed))
    }

    fn refuse(&self, reason: &'static str, kind: CredentialFailure) -> Box<Rejection> {
        let refusal = self.refusal.clone().with_reason(reason);
        Box::new(refusal.with_credential_failure(kind))
    }
}

impl Authenticator for Shared {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        Vec::new()
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        Ok(match ClientCertificate::of(&head.extensions) {
            Some(_) => Presence::Ambient,
            None => Presence::Absent,
        })
    }

    /// Copies it: handlers may read it too.
    fn take(&self, head: &mut request::Parts) -> Credential {
        let found = ClientCertificate::of(&head.extensions).cloned();
        found.map_or_else(Credential::outside, Credential::certificate)
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        match ClientCertificate::of(&head.extensions) {
            Some(certificate) => self.decide(cx, certificate).into(),
            None => self
                .refuse("certificate_missing", CredentialFailure::NotAllowedHere)
                .into(),
        }
    }

    /// The end of the certificate, and what it is granted now.
    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        let certificate = credential.client_certificate()?;
        Some(self.decide(cx, certificate).into())
    }

    fn challenge(&self) -> HeaderValue {
        CHALLENGE
    }
}

impl fmt::Debug for ClientCertificateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificateLayer")
            .field("names", &self.shared.table.len())
            .field("has_function", &self.shared.function.is_some())
            .field("alone", &self.alone)
            .finish()
    }
}
