//! One question to the issuer, and how its response is read (RFC 7662 section 2).

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::Full;
use palisade_internal::percent;
use serde_json::Value;

use super::cache::ServedResponse;
use crate::{
    claims::{Claims, ScopeSources},
    error::InvalidToken,
    jwks::url::{endpoint::Endpoint, fetch},
    layer::principal::ClaimMap,
    token::json,
    verifier::cache::TokenDigest,
};

/// The kind of all principals made here.
pub(super) const KIND: &str = "introspection";
/// In bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// Of a token whose issuer names no `exp`, for the reader of claims: it is kept no longer than the
/// lifetime of a response.
const NO_END: Duration = Duration::from_secs(86_400);

/// What is asked, and what a response must say.
pub(super) struct Question {
    pub(super) endpoint: Endpoint,
    /// Of this service; marked as sensitive.
    pub(super) authorization: HeaderValue,
    pub(super) timeout: Duration,
    /// Compared with `iss`, if the response has it.
    pub(super) issuer: Option<Box<str>>,
    /// One must be in `aud`. Empty: `aud` is not compared.
    pub(super) audiences: Vec<Box<str>>,
    pub(super) claims: ClaimMap,
}

impl Question {
    /// Asks the issuer about a token. A response that cannot be had or read is an outage: the token may
    /// be valid.
    pub(super) async fn ask(
        &self,
        token: &str,
        digest: &TokenDigest,
        now: Duration,
    ) -> ServedResponse {
        let body = format!(
            "token={}&token_type_hint=access_token",
            percent::encode(token)
        );
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = http::Method::POST;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let exchange = fetch::send(&self.endpoint, request, LARGEST_ANSWER);
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(Ok(document)) => self.read(&document.body, digest, now),
            Ok(Err(problem)) => self.unavailable(problem.code()),
            Err(_) => self.unavailable("timeout"),
        }
    }

    fn unavailable(&self, code: &'static str) -> ServedResponse {
        let url = self.endpoint.redacted();
        tracing::warn!(target: "palisade", url, code, "the issuer could not be asked about a token");
        ServedResponse::Refused(InvalidToken::IntrospectionUnavailable)
    }

    /// Reads a response.
    fn read(&self, body: &[u8], digest: &TokenDigest, now: Duration) -> ServedResponse {
        let Ok(members) = json::object(body) else {
            return self.unavailable("response_malformed");
        };
        match members.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return ServedResponse::Refused(InvalidToken::Inactive),
            _ => return self.unavailable("response_malformed"),
        }
        match self.principal_of(members, digest, now) {
            Ok(response) => response,
            Err(fault) => ServedResponse::Refused(fault),
        }
    }

    /// Checks what the issuer says of an active token.
    fn principal_of(
        &self,
        mut members: json::Object,
        digest: &TokenDigest,
        now: Duration,
    ) -> Result<ServedResponse, InvalidToken> {
        let has_end = members.get("exp").is_some_and(|end| !end.is_null());
        if !has_end {
            let end = (now + NO_END).as_secs();
            members.insert("exp".to_owned(), end.into());
        }
        let issuer = self.issuer.as_deref().unwrap_or_default();
        members
            .entry("iss")
            .or_insert_with(|| issuer.to_owned().into());
        let claims = Claims::read(members, &ScopeSources::default(), true)?;
        if self
            .issuer
            .as_deref()
            .is_some_and(|it| it != claims.issuer())
        {
            return Err(InvalidToken::IssuerUnknown);
        }
        if !self.audiences.is_empty() {
            claims.check_audience(None, &self.audiences)?;
        }
        if claims.bound_to()?.is_some() {
            return Err(InvalidToken::ConfirmationUnchecked);
        }
        claims.times().check(now, Duration::ZERO)?;
        let who = self.claims.principal(&claims, KIND, None, digest)?;
        Ok(ServedResponse::Active(
            who,
            has_end.then(|| claims.expires()),
        ))
    }
}
