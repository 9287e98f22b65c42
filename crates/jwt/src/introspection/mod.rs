//! Tokens that only their issuer can read: it is asked about each (RFC 7662). Feature `jwks-url`.
//!
//! [`TokenIntrospection`] decides. `endpoint` is one question, `cache` keeps answers.

mod builder;
mod endpoint;
mod cache;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, Credential, CredentialFailure, CredentialSource, Fact,
    Principal, Rejection, SecurityContext, SharedClock, TokenShape, Verdict,
};
use palisade_internal::{log_limit::LogLimitTable, wall_clock::WallClock};
use tokio::sync::{OnceCell, Semaphore};

pub use self::builder::TokenIntrospectionBuilder;
use self::{
    cache::{AnswerCache, KnownAnswer, ServedResponse},
    endpoint::{KIND, Question},
};
use crate::{
    error::InvalidToken,
    layer::refusals::Refusals,
    verifier::cache::{TokenDigest, token_digest},
};

/// In bytes. A longer token is refused, and the issuer is not asked.
const LONGEST_TOKEN: usize = 8 * 1024;
/// Beyond this number, questions that ended are removed from the list.
const QUESTIONS_TO_SWEEP: usize = 256;

/// Authenticates requests by bearer tokens that the issuer is asked about.
///
/// | case | response |
/// |---|---|
/// | the issuer says `active: true`, with our audience | the principal of `sub`, with the scopes |
/// | it says `active: false`, or another audience, a past `exp`, a bound token | 401 |
/// | it says of an active token that it is no access token, such as a refresh token | 401 |
/// | it cannot be asked, and there is no response of the last 5 minutes | 503 with `Retry-After: 5` |
/// | 64 questions are being asked already | 503 with `Retry-After: 5` |
///
/// A token is no access token if `token_type` is not `Bearer`, `token_use` is not `access` or
/// `access_token`, `typ` is `ID`, `Refresh` or `Offline`, or it has a claim of an ID token (`nonce`,
/// `at_hash`, `c_hash`) or of an event. RFC 7662 requires none of these members, so an issuer that
/// writes none should have an audience for access tokens alone.
///
/// One question is asked about a token, however many requests wait for it. A positive answer is used
/// for 60 seconds after the question, never past `exp`; a negative one for 10. `nbf` and `iat` may be up
/// to 30 seconds in the future, and a token that begins later is asked about each time. Each token that is not
/// known costs the issuer a question, so limit failed credentials by client address. Tokens that the
/// issuer confirmed have 64 places of their own: invented ones do not keep them from renewal.
///
/// In a list with a [`JwtLayer`](crate::JwtLayer), that one reads tokens with a dot. Alone this reads
/// all bearer tokens. Clones share their answers.
///
/// # Examples
///
/// ```
/// use palisade_core::{AuthenticateLayer, Secret};
/// use palisade_jwt::{JwtBuildError, introspection::TokenIntrospection};
///
/// # fn main() -> Result<(), JwtBuildError> {
/// let secret = Secret::new("from a file with mode 0600");
/// let tokens = TokenIntrospection::builder("https://login.example/introspect")
///     .client("tts", &secret)
///     .audience("https://tts.example")
///     .build()?;
/// let layer = AuthenticateLayer::new(tokens);
/// # let _ = layer;
/// # Ok(()) }
/// ```
///
/// Without an audience it is not built: the issuer knows tokens for other services too.
///
/// ```
/// use palisade_core::Secret;
/// use palisade_jwt::introspection::TokenIntrospection;
///
/// let secret = Secret::new("from a file with mode 0600");
/// let for_whom = TokenIntrospection::builder("https://login.example/introspect").client("tts", &secret);
/// assert!(for_whom.build().is_err());
/// ```
#[derive(Clone)]
pub struct TokenIntrospection(Arc<Shared>);

struct Shared {
    id: AuthenticatorId,
    question: Question,
    bounds: Bounds,
    active: AnswerCache,
    refused: AnswerCache,
    /// Questions that requests wait for.
    in_progress: Mutex<HashMap<TokenDigest, Weak<OnceCell<ServedResponse>>>>,
    /// Bounds the questions at one time.
    places: Places,
    /// Bounds the log lines about an issuer that cannot be asked, one for each code.
    log: LogLimitTable,
    refusals: Refusals,
    clock: SharedClock,
    wall: WallClock,
}

/// How many questions may be asked at one time.
struct Places {
    /// About tokens that are not known.
    unknown: Semaphore,
    /// About tokens that the issuer confirmed, so that invented ones do not keep them from renewal.
    known: Semaphore,
}

/// How long answers are used.
#[derive(Clone, Debug)]
struct Bounds {
    lifetime: Duration,
    /// While the issuer cannot be asked.
    outage: Duration,
    negative: Duration,
}

impl TokenIntrospection {
    /// Starts to configure introspection. `url` is the `introspection_endpoint` of the issuer.
    pub fn builder(url: impl Into<Box<str>>) -> TokenIntrospectionBuilder {
        TokenIntrospectionBuilder::new(url.into())
    }
}

impl Authenticator for TokenIntrospection {
    fn id(&self) -> AuthenticatorId {
        self.0.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::bearer(TokenShape::Any)]
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        _: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        self.verify(cx, credential)
    }

    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        Some(self.verify(cx, credential))
    }

    fn challenge(&self) -> HeaderValue {
        self.0.refusals.challenges.0.clone()
    }
}

impl TokenIntrospection {
    /// Decides by a known response, or asks the issuer.
    fn verify(&self, cx: &SecurityContext, credential: &Credential) -> Verdict<Principal> {
        let token = credential.as_str().unwrap_or_default();
        if token.is_empty() || token.len() > LONGEST_TOKEN {
            return self.0.refuse(InvalidToken::TooLarge).into();
        }
        let digest = token_digest(token);
        if let Some(response) = self.0.fresh(&digest) {
            return self.0.decide(response).into();
        }
        let (shared, cx, token) = (Arc::clone(&self.0), cx.clone(), token.to_owned());
        Verdict::later(async move {
            let response = shared.ask(&token, digest).await;
            let response = shared.in_outage(&cx, &digest, response);
            shared.decide(response)
        })
    }
}

impl Shared {
    /// Returns a response that may be used without a question.
    fn fresh(&self, digest: &TokenDigest) -> Option<ServedResponse> {
        let bounds = &self.bounds;
        self.kept(&self.active, digest, bounds.lifetime)
            .or_else(|| self.kept(&self.refused, digest, bounds.negative))
    }

    /// Returns a response that came within a time. An expired token is forgotten.
    fn kept(
        &self,
        cache: &AnswerCache,
        digest: &TokenDigest,
        within: Duration,
    ) -> Option<ServedResponse> {
        let known = cache.get(digest)?;
        if let ServedResponse::Active(_, Some(end)) = &known.response
            && *end <= self.now()
        {
            cache.remove(digest);
            return None;
        }
        let age = self.clock.monotonic().saturating_sub(known.came);
        (age < within).then_some(known.response)
    }

    fn now(&self) -> Duration {
        self.wall.read(self.clock.unix_time()).now
    }

    /// Asks the issuer, or waits for a question about the same token. If the request that asked goes
    /// away, another one that waits asks again.
    async fn ask(&self, token: &str, digest: TokenDigest) -> ServedResponse {
        let question = self.question_about(digest);
        let ask = async {
            let Ok(_place) = self.places_for(&digest).try_acquire() else {
                return ServedResponse::Refused(InvalidToken::IntrospectionBusy);
            };
            // The issuer decides at some time after this one.
            let came = self.clock.monotonic();
            let response = match self.question.ask(token).await {
                Ok(body) => self.question.read(&body, &digest, self.now()),
                Err(code) => Err(code),
            };
            let response = response.unwrap_or_else(|code| self.outage(code));
            self.keep(digest, &response, came);
            response
        };
        question.get_or_init(|| ask).await.clone()
    }

    /// Returns the places for questions about a token.
    fn places_for(&self, digest: &TokenDigest) -> &Semaphore {
        match self.active.get(digest) {
            Some(_) => &self.places.known,
            None => &self.places.unknown,
        }
    }

    /// Logs, at most once a minute for each code, that the issuer could not be asked.
    fn outage(&self, code: &'static str) -> ServedResponse {
        if let Some(held_back) = self.log.admit(&[code], self.clock.monotonic()) {
            let url = self.question.endpoint.redacted();
            tracing::warn!(
                target: "palisade",
                url, code, held_back,
                "the issuer could not be asked about a token",
            );
        }
        ServedResponse::Refused(InvalidToken::IntrospectionUnavailable)
    }

    /// Returns the question about a token that is in progress, or a new one.
    fn question_about(&self, digest: TokenDigest) -> Arc<OnceCell<ServedResponse>> {
        let mut all = self
            .in_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if all.len() > QUESTIONS_TO_SWEEP {
            all.retain(|_, question| question.strong_count() > 0);
        }
        let in_progress = all.get(&digest).and_then(Weak::upgrade);
        // A question that is answered is over: the response is in the cache, or must not be used again.
        if let Some(question) = in_progress.filter(|it| !it.initialized()) {
            return question;
        }
        let question = Arc::new(OnceCell::new());
        all.insert(digest, Arc::downgrade(&question));
        question
    }

    /// Keeps a response. An outage is no response.
    fn keep(&self, digest: TokenDigest, response: &ServedResponse, came: Duration) {
        let known = KnownAnswer {
            response: response.clone(),
            came,
        };
        match response {
            ServedResponse::Active(..) => {
                self.refused.remove(&digest);
                self.active.put(digest, known);
            }
            ServedResponse::Refused(
                InvalidToken::IntrospectionBusy | InvalidToken::IntrospectionUnavailable,
            ) => {}
            // It begins at a time of its own, not when the lifetime of a refusal is over.
            ServedResponse::Refused(InvalidToken::IssuedInFuture | InvalidToken::NotYetValid) => {
                self.active.remove(&digest);
            }
            ServedResponse::Refused(_) => {
                self.active.remove(&digest);
                self.refused.put(digest, known);
            }
        }
    }

    /// In an outage, returns an older positive answer if there is one within its bound. That there was
    /// no place to ask is no outage: a client could cause it to keep a revoked token.
    fn in_outage(
        &self,
        cx: &SecurityContext,
        digest: &TokenDigest,
        response: ServedResponse,
    ) -> ServedResponse {
        if !matches!(
            response,
            ServedResponse::Refused(InvalidToken::IntrospectionUnavailable)
        ) {
            return response;
        }
        let Some(older) = self.kept(&self.active, digest, self.bounds.outage) else {
            return response;
        };
        cx.record(Fact::Degraded {
            guard: KIND,
            what: "introspection_stale",
        });
        older
    }

    /// The token may have ended while the request waited.
    fn decide(&self, response: ServedResponse) -> Result<Principal, Box<Rejection>> {
        match response {
            ServedResponse::Active(_, Some(end)) if end <= self.now() => {
                Err(self.refuse(InvalidToken::Expired))
            }
            ServedResponse::Active(who, _) => Ok(who),
            ServedResponse::Refused(fault) => Err(self.refuse(fault)),
        }
    }

    /// Only what the issuer did not know could be a guess.
    fn refuse(&self, fault: InvalidToken) -> Box<Rejection> {
        let kind = match fault {
            InvalidToken::Inactive | InvalidToken::TooLarge => CredentialFailure::Guess,
            InvalidToken::Expired => CredentialFailure::Expired,
            InvalidToken::IssuedInFuture | InvalidToken::NotYetValid => {
                CredentialFailure::NotYetValid
            }
            _ => CredentialFailure::NotAllowedHere,
        };
        self.refusals.of(fault, kind)
    }
}

impl fmt::Debug for TokenIntrospection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIntrospection")
            .field("url", &self.0.question.endpoint.redacted())
            .field("audiences", &self.0.question.audiences)
            .field("bounds", &self.0.bounds)
            .finish_non_exhaustive()
    }
}
