//! A resource server of OAuth in one call: tokens for this service alone, and everything that a
//! client needs to get one.
//!
//! [`ResourceServer`] joins what RFC 9728 (metadata of the resource), RFC 6750 (challenges), RFC 8707
//! (audience) and RFC 9068 (access tokens) ask of a protected resource, as the authorization
//! chapter of the Model Context Protocol requires it. `uri` is the identifier of a resource,
//! `metadata` its document, `challenges` completes refusals. `opaque_tokens` are those that the issuer is
//! asked about.

mod build;
mod builder;
mod challenges;
mod metadata;
mod opaque_tokens;
mod error;
mod uri;

use std::{fmt, sync::Arc};

use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialFailure,
    CredentialSource, DocumentService, GuardService, Layer, Presence, Principal, PublicDocument,
    Rejection, SecurityContext, Verdict,
};
use palisade_internal::percent::is_named;

pub use self::{
    builder::ResourceServerBuilder, challenges::ResourceChallenges,
    error::ResourceServerBuildError, uri::ResourceUriProblem,
};
use self::{metadata::Description, opaque_tokens::is_opaque, uri::ResourceUri};
use crate::layer::JwtLayer;

/// The parameter in which RFC 6750 (section 2.3) allows a token, and OAuth 2.1 forbids it.
const QUERY_PARAMETER: &str = "access_token";

/// One or several protected resources of a host: they accept tokens that were issued for them, and
/// tell clients where to get one.
///
/// | request | response |
/// |---|---|
/// | without a token | 401 with `resource_metadata` and the wanted `scope` |
/// | a token of another resource or issuer, an ID token, expired, … | 401 with `error="invalid_token"` too |
/// | a token without a scope of the route | 403 with `error="insufficient_scope"` and the scopes to ask for |
/// | a token in the query | 400 with `error="invalid_request"`, whatever else there is |
/// | `GET` of the well-known path | the metadata document (RFC 9728): public, cached for an hour, readable by scripts |
///
/// `aud` of a token must be the canonical identifier of the resource that the path belongs to. Of a token that only
/// the issuer can read, `aud` of its answer must be
/// ([`introspection`](ResourceServerBuilder#method.introspection); otherwise such tokens are refused).
///
/// Three ways to use it: in `palisade`, `ShieldBuilder::resource_server` joins it with rules, limits
/// and audit. As a tower layer it protects one service. As an [`Authenticator`] it is part of a list.
///
/// ```
/// use http::{Request, StatusCode};
/// use palisade_core::testing::{EmptyOk, TestBody};
/// use palisade_jwt::{Algorithm, Issuer, mint::SigningKey, resource_server::ResourceServer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
/// let resource = "https://tts.example/mcp";
/// let server = ResourceServer::builder(resource)
///     .authorization_server(Issuer::new("https://login.example", resource, key))
///     .scopes(["tts:speak"])
///     .build()?;
/// let service = ServiceBuilder::new().layer(server).service(EmptyOk::default());
///
/// let response = service.clone().oneshot(Request::get("/mcp").body(TestBody::default())?).await?;
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(
///     response.headers()["www-authenticate"],
///     "Bearer realm=\"api\", resource_metadata=\"https://tts.example/.well-known/oauth-protected-resource/mcp\"",
/// );
/// let metadata = Request::get("/.well-known/oauth-protected-resource/mcp").body(TestBody::default())?;
/// assert_eq!(service.oneshot(metadata).await?.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
///
/// An issuer that publishes its keys, narrower and broader scopes, and what a consent page shows:
///
/// ```no_run
/// # #[cfg(feature = "jwks-url")]
/// # fn server() -> Result<(), Box<dyn std::error::Error>> {
/// use palisade_jwt::resource_server::ResourceServer;
///
/// let server = ResourceServer::builder("https://files.example/mcp")
///     .discover("https://login.example")
///     .scopes(["files:read", "files:write"])
///     .scope_implies("files:write", ["files:read"])
///     .name("Files of the team")
///     .tokens(|layer| layer.tenant_claim("org_id"))
///     .build()?;
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ResourceServer {
    id: AuthenticatorId,
    resources: Arc<[Resource]>,
    refusals: Arc<Refusals>,
}

/// One protected resource.
#[derive(Clone)]
struct Resource {
    uri: ResourceUri,
    /// Verifies the tokens for this resource.
    layer: JwtLayer,
    /// Asks the issuer about tokens that only it can read. `None`: they are refused.
    introspection: Option<Arc<dyn Authenticator>>,
    /// `resource_metadata="…"`.
    metadata_parameter: Box<str>,
    /// What a challenge asks for where the rule names no scope.
    initial_scopes: Box<[Box<str>]>,
    description: Description,
}

impl Resource {
    /// Returns what decides about a token.
    fn reader(&self, credential: &Credential) -> &dyn Authenticator {
        match &self.introspection {
            Some(introspection) if is_opaque(credential) => introspection,
            _ => &self.layer,
        }
    }

    /// Returns where its tokens are sent.
    fn sources(&self) -> Vec<CredentialSource> {
        let mut sources = self.layer.sources();
        let further = self.introspection.iter();
        sources.extend(further.flat_map(|introspection| introspection.sources()));
        sources
    }
}

/// The refusals that belong to no resource.
struct Refusals {
    challenge: HeaderValue,
    /// 400: the token is in the query.
    in_query: Rejection,
    /// 401: there is no resource at the path.
    no_resource: Rejection,
}

/// Returns the index of the resource that a path belongs to: of several, the one with the longest
/// path.
fn find(resources: &[Resource], path: &str) -> Option<usize> {
    let all = resources.iter().enumerate();
    let covering = all.filter(|(_, resource)| resource.uri.covers(path));
    let longest = covering.max_by_key(|(_, resource)| resource.uri.path().len());
    longest.map(|(index, _)| index)
}

impl ResourceServer {
    /// Starts to describe a resource by its identifier: the `https` address that clients use, without
    /// query and fragment (RFC 8707 section 2). It is checked by `build`.
    pub fn builder(resource: impl Into<Box<str>>) -> ResourceServerBuilder {
        ResourceServerBuilder::new(resource.into())
    }

    fn new(resource: Resource) -> Self {
        let challenge = resource.layer.challenge();
        Self {
            id: AuthenticatorId::unique(),
            resources: [resource].into(),
            refusals: Arc::new(Refusals::new(challenge)),
        }
    }

    /// Joins the resources of another server of the same host. Each accepts tokens for itself only;
    /// of several that cover a path, the one with the longest path decides.
    ///
    /// # Errors
    ///
    /// [`ResourceServerBuildError::OtherHost`] and [`ResourceServerBuildError::Duplicate`].
    ///
    /// ```
    /// # use palisade_jwt::{Algorithm, Issuer, mint::SigningKey};
    /// use palisade_jwt::resource_server::ResourceServer;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
    ///
    /// let server = |uri: &str| {
    ///     let issuer = Issuer::new("https://login.example", uri, key.clone());
    ///     ResourceServer::builder(uri).authorization_server(issuer).build()
    /// };
    /// let both = server("https://tts.example/mcp")?.and(server("https://tts.example/v1")?)?;
    /// assert_eq!(both.documents().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn and(mut self, other: Self) -> Result<Self, ResourceServerBuildError> {
        let first = self.resources.first().map_or("", |one| one.uri.origin());
        let Self { resources, .. } = other;
        for resource in &*resources {
            if resource.uri.origin() != first {
                return Err(ResourceServerBuildError::OtherHost {
                    first: first.into(),
                    other: resource.uri.origin().into(),
                });
            }
            let mut ours = self.resources.iter();
            if ours.any(|one| one.uri == resource.uri) {
                let uri = resource.uri.as_str().into();
                return Err(ResourceServerBuildError::Duplicate(uri));
            }
        }
        let all = self.resources.iter().chain(&*resources);
        self.resources = all.cloned().collect();
        // Another set of resources accepts other tokens, so it is another instance.
        self.id = AuthenticatorId::unique();
        Ok(self)
    }

    /// Returns the canonical identifiers of the resources: what clients send as `resource`, and what
    /// `aud` must be.
    #[must_use]
    pub fn identifiers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.resources.iter().map(|resource| resource.uri.as_str())
    }

    /// Returns the metadata document of each resource, to be served at its path.
    #[must_use]
    pub fn documents(&self) -> Vec<PublicDocument> {
        let all = self.resources.iter();
        all.map(|one| one.description.document(&one.uri)).collect()
    }

    /// Returns the guard that completes challenges. It stands outside the layer that authenticates
    /// and outside [`AccessLayer`](palisade_core::AccessLayer).
    pub fn challenges(&self) -> ResourceChallenges {
        ResourceChallenges(Arc::clone(&self.resources))
    }

    fn find(&self, path: &str) -> Option<&Resource> {
        self.resources.get(find(&self.resources, path)?)
    }
}

impl Refusals {
    fn new(challenge: HeaderValue) -> Self {
        let invalid_request = challenge.to_str().ok().and_then(|challenge| {
            HeaderValue::try_from(format!("{challenge}, error=\"invalid_request\"")).ok()
        });
        let in_query = Rejection::new(
            StatusCode::BAD_REQUEST,
            "token_in_query",
            "Send the access token in the Authorization header.",
        )
        .with_header(
            WWW_AUTHENTICATE,
            invalid_request.unwrap_or_else(|| challenge.clone()),
        );
        let no_resource = Rejection::credentials_invalid(challenge.clone());
        Self {
            in_query: in_query
                .prerendered()
                .with_reason("an access token is in the query"),
            no_resource: no_resource
                .prerendered()
                .with_reason("no_resource_at_this_path")
                .with_credential_failure(CredentialFailure::NotAllowedHere),
            challenge,
        }
    }
}

impl Authenticator for ResourceServer {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        "jwt"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        let all = self.resources.iter();
        without_duplicates(all.flat_map(Resource::sources))
    }

    /// A token in the query is refused, also beside one in the header: addresses are logged and sent
    /// on as `Referer`.
    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        let mut pairs = head.uri.query().unwrap_or_default().split('&');
        match pairs.any(|pair| is_named(pair, QUERY_PARAMETER)) {
            true => Err(Box::new(self.refusals.in_query.clone())),
            false => Ok(Presence::Absent),
        }
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        match self.find(head.uri.path()) {
            Some(resource) => {
                let verdict = resource
                    .reader(credential)
                    .authenticate(cx, head, credential);
                let (cx, identifier) = (cx.clone(), resource.uri.shared_text());
                verdict.and_then(move |who| {
                    cx.set_resource(identifier);
                    Ok(who)
                })
            }
            None => self.refusals.no_resource.clone().into(),
        }
    }

    /// The path is gone by now. Only the resource that accepted the token decides: another one could send
    /// it to an issuer that it is not for. Without that resource, as after a reload, the token has ended.
    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        let admitted_by = cx.resource();
        let mut all = self.resources.iter();
        let resource = all.find(|one| admitted_by.as_deref() == Some(one.uri.as_str()));
        match resource {
            Some(resource) => resource.reader(credential).recheck(cx, credential),
            None => Some(self.refusals.no_resource.clone().into()),
        }
    }

    fn challenge(&self) -> HeaderValue {
        self.refusals.challenge.clone()
    }

    fn further_challenges(&self) -> Vec<HeaderValue> {
        let all = self.resources.iter();
        let mut further = without_duplicates(all.flat_map(|one| one.layer.further_challenges()));
        further.retain(|challenge| *challenge != self.refusals.challenge);
        further
    }
}

/// Collects values, each once.
fn without_duplicates<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// Requires a token, completes challenges and serves the metadata. For public routes, rules and
/// scopes use `palisade::Shield`.
impl<S> Layer<S> for ResourceServer {
    type Service = DocumentService<GuardService<(ResourceChallenges, AuthenticateLayer), S>>;

    fn layer(&self, inner: S) -> Self::Service {
        let guards = (self.challenges(), AuthenticateLayer::new(self.clone()));
        DocumentService::new(GuardService::new(guards, inner), self.documents())
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = self.identifiers().collect();
        f.debug_struct("ResourceServer")
            .field("resources", &all)
            .finish_non_exhaustive()
    }
}
