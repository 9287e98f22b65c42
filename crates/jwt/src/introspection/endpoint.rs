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
/// How far `nbf` and `iat` may be in the future, as the clock of the issuer may be ahead. `exp` has none.
const LEEWAY: Duration = Duration::from_secs(30);
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
    /// Asks the issuer about a token. Returns the body of the response, or a code that says why there
    /// is none.
    ///
    /// # Errors
    ///
    /// The code: no connection, no response in time, or a status other than 200.
    pub(super) async fn ask(&self, token: &str) -> Result<Bytes, &'static str> {
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
            Ok(Ok(document)) => Ok(document.body),
            Ok(Err(problem)) => Err(problem.code()),
            Err(_) => Err("timeout"),
        }
    }

    /// Reads a response. `now` is the time at which it has arrived. One that cannot be read is an
    /// outage: the token may be valid.
    ///
    /// # Errors
    ///
    /// The code: the response is not one of RFC 7662.
    pub(super) fn read(
        &self,
        body: &[u8],
        digest: &TokenDigest,
        now: Duration,
    ) -> Result<ServedResponse, &'static str> {
        let members = json::object(body).map_err(|_| "response_malformed")?;
        let outcome = match members.get("active") {
            Some(Value::Bool(true)) => self.principal_of(members, digest, now),
            Some(Value::Bool(false)) => Err(InvalidToken::Inactive),
            _ => return Err("response_malformed"),
        };
        Ok(outcome.unwrap_or_else(ServedResponse::Refused))
    }

    /// Checks what the issuer says of an active token.
    ///
    /// # Errors
    ///
    /// The token is not for this service, or not an access token.
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
        check_kind(&claims)?;
        if claims.expires() <= now {
            return Err(InvalidToken::Expired);
        }
        claims.times().check_start(now, LEEWAY)?;
        let who = self.claims.principal(&claims, KIND, None, digest)?;
        Ok(ServedResponse::Active(
            who,
            has_end.then(|| claims.expires()),
        ))
    }
}

/// Refuses a token that is no access token to be sent as a bearer token. An issuer says of a refresh or
/// ID token too that it is active, and `token_type_hint` binds it to nothing (RFC 7662 section 2.1).
///
/// # Errors
///
/// A type that is not that of an access token.
fn check_kind(claims: &Claims) -> Result<(), InvalidToken> {
    let fits =
        |name: &str, kinds: &[&str]| claims.get(name).is_none() || claims.is_one_of(name, kinds);
    let is_access_token = claims.may_be_access_token()
        && fits("token_type", &["Bearer"])
        && fits("token_use", &["access", "access_token"]);
    match is_access_token {
        true => Ok(()),
        false => Err(InvalidToken::NotAccessToken),
    }
}
