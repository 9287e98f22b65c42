//! An authenticator that finds its credential in a header, for the tests of authentication.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, request};
use palisade_core::{
    AuthenticateLayer, AuthenticateLayerBuilder, Authenticator, AuthenticatorId, Credential,
    CredentialSource, GuardLayer, Guards, Identity, Presence, Principal, Rejection,
    SecurityContext, TokenShape, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

/// Finds its credential in a header: the value is the name, `bad` is not accepted.
#[derive(Clone)]
pub(crate) struct ByHeader {
    id: AuthenticatorId,
    header: &'static str,
    ambient: bool,
    later: bool,
    accepts: &'static str,
}

impl ByHeader {
    /// Accepts every name but `bad`.
    pub(crate) fn new(header: &'static str) -> Self {
        Self {
            id: AuthenticatorId::unique(),
            header,
            ambient: false,
            later: false,
            accepts: "",
        }
    }

    pub(crate) fn ambient(mut self) -> Self {
        self.ambient = true;
        self
    }

    pub(crate) fn later(mut self) -> Self {
        self.later = true;
        self
    }

    /// Accepts names that begin so.
    pub(crate) fn accepts(mut self, accepts: &'static str) -> Self {
        self.accepts = accepts;
        self
    }

    pub(crate) fn shared(self) -> Arc<dyn Authenticator> {
        Arc::new(self)
    }

    pub(crate) fn layer(self) -> AuthenticateLayer {
        AuthenticateLayer::new(self)
    }

    pub(crate) fn builder(self) -> AuthenticateLayerBuilder {
        AuthenticateLayer::builder().authenticator(self)
    }

    pub(crate) fn optional(self) -> AuthenticateLayer {
        self.builder().optional().build().unwrap()
    }

    pub(crate) fn in_shadow(self) -> AuthenticateLayer {
        self.builder().dangerously_only_shadow().build().unwrap()
    }
}

impl Authenticator for ByHeader {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        self.header
    }

    fn sources(&self) -> Vec<CredentialSource> {
        match (self.header, self.ambient) {
            (_, true) => vec![CredentialSource::cookie(self.header)],
            ("token", _) => vec![CredentialSource::bearer(TokenShape::Any)],
            ("key", _) => vec![CredentialSource::bearer(TokenShape::prefix("key_"))],
            (header, _) => vec![CredentialSource::header(HeaderName::from_static(header))],
        }
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        match self.ambient && head.headers.contains_key(self.header) {
            true => Ok(Presence::Ambient),
            false => Ok(Presence::Absent),
        }
    }

    fn take(&self, head: &mut request::Parts) -> Credential {
        Credential::header(head.headers.remove(self.header).unwrap())
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let name = credential.as_str().unwrap();
        let outcome = match name != "bad" && name.starts_with(self.accepts) {
            true => Ok(Principal::builder(self.header, name).build()),
            false => Err(Box::new(Rejection::credentials_invalid(self.challenge()))),
        };
        if self.later {
            return Verdict::later(async {
                yield_once().await;
                outcome
            });
        }
        outcome.into()
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(self.header)
    }
}

pub(crate) fn several(all: impl IntoIterator<Item = ByHeader>) -> AuthenticateLayerBuilder {
    AuthenticateLayer::builder().authenticators(all.into_iter().map(ByHeader::shared))
}

pub(crate) fn any(all: impl IntoIterator<Item = ByHeader>) -> AuthenticateLayer {
    several(all).build().unwrap()
}

pub(crate) fn key_or_token_builder() -> AuthenticateLayerBuilder {
    several([
        ByHeader::new("x-cookie").ambient(),
        ByHeader::new("x-key"),
        ByHeader::new("x-token"),
    ])
}

pub(crate) fn key_or_token() -> AuthenticateLayer {
    key_or_token_builder().build().unwrap()
}

pub(crate) fn optional_key_or_token() -> AuthenticateLayer {
    key_or_token_builder().optional().build().unwrap()
}

pub(crate) fn request(headers: &[(&'static str, &'static str)]) -> Request<TestBody> {
    let mut request = get("/");
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    request
}

/// Responds with the identity, and with the names of the headers that reach the handler.
pub(crate) async fn send<G: Guards + Clone>(
    guards: G,
    headers: &[(&'static str, &'static str)],
) -> (u16, String) {
    let inner = tower::service_fn(async |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        let who = match cx.identity() {
            Identity::Known(who) => format!("{} by {}", who.id(), who.kind()),
            Identity::Anonymous => "anonymous".into(),
            Identity::Unknown => "unknown".into(),
        };
        let names: Vec<&str> = request
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        let response = TestBody::from(format!("{who} {}", names.join(",")));
        Ok::<_, std::convert::Infallible>(http::Response::new(response))
    });
    let service = GuardLayer(guards).layer(inner);
    let response = service.oneshot(request(headers)).await.unwrap();
    let (status, body) = text(response).await;
    (status.as_u16(), body.trim_end().into())
}

pub(crate) async fn code<G: Guards + Clone>(
    guards: G,
    headers: &[(&'static str, &'static str)],
) -> (u16, String) {
    let (status, body) = send(guards, headers).await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    (status, document["code"].as_str().unwrap().into())
}
