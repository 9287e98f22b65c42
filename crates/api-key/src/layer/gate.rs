//! The decision about a key, shared by all clones of a layer.
//!
//! `authenticate` reads the key of a request, finds its record, and returns the principal or a
//! refusal. If the store fails, the request is refused with 503.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, ClientInfo, Credential, CredentialFailure, CredentialSource,
    Fact, Principal, Rejection, SecurityContext, SharedClock, Soon, Verdict,
};
use palisade_internal::wall_clock::WallClock;

use crate::{
    KeyFailure, KeyId, KeyRecord, KeyScheme, KeyStore, PresentedKey, StoreUnavailable,
    environment::Accepted, record::KIND,
};

/// The `Retry-After` of a 503 response while the store fails.
const RETRY: Duration = Duration::from_secs(1);

/// Everything that a layer was built with. Clones share it.
#[derive(Clone)]
pub(super) struct Gate(pub(super) Arc<Inner>);

pub(super) struct Inner {
    /// Keys of other environments are refused.
    pub(super) accepted: Accepted,
    /// The value of `WWW-Authenticate`.
    pub(super) challenge: HeaderValue,
    /// The time by which keys expire.
    pub(super) clock: SharedClock,
    /// Keeps expired keys expired when the clock steps back.
    pub(super) wall: WallClock,
    /// Compared when there is no record, so that an unknown id takes the same time as a wrong
    /// secret.
    pub(super) decoy: KeyRecord,
    /// Tells this layer from other authenticators of the same kind.
    pub(super) id: AuthenticatorId,
    /// The 401 response, rendered when the layer was built.
    pub(super) invalid: Rejection,
    /// Called for a valid key that was sent in clear.
    pub(super) on_exposed: Option<OnExposed>,
    /// The query parameter that keys may be sent in.
    #[cfg(feature = "axum")]
    pub(super) parameter: Option<Box<str>>,
    /// The format and the pepper of the keys.
    pub(super) scheme: KeyScheme,
    /// The headers and parameters that keys are read from.
    pub(super) sources: Vec<CredentialSource>,
    /// Finds records by id.
    pub(super) store: Arc<dyn KeyStore>,
    /// The 503 response, rendered when the layer was built.
    pub(super) unavailable: Rejection,
}

/// The application's function for a key that was sent in clear.
#[derive(Clone)]
pub(super) struct OnExposed(pub(super) Arc<dyn Fn(KeyId) + Send + Sync>);

impl fmt::Debug for OnExposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnExposed(..)")
    }
}

/// What a store returned for an id.
type Found = Result<Option<Arc<KeyRecord>>, StoreUnavailable>;

impl Authenticator for Gate {
    fn id(&self) -> AuthenticatorId {
        self.0.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        self.0.sources.clone()
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        #[cfg(feature = "axum")]
        if let Some(parameter) = self.0.parameter.as_deref() {
            super::original_uri::strip(head, parameter);
        }
        #[cfg(not(feature = "axum"))]
        let _ = head;
        let Ok(key) = self.0.scheme.present(credential.as_bytes()) else {
            return self.0.refuse(KeyFailure::Malformed).into();
        };
        if let Some(what) = self.0.store.degraded() {
            cx.record(Fact::Degraded { guard: KIND, what });
        }
        match self.0.store.find(key.id()) {
            Soon::Now(found) => self.0.answer(cx, &key, found).into(),
            Soon::Later(found) => {
                let (gate, cx) = (Arc::clone(&self.0), cx.clone());
                Verdict::later(async move { gate.answer(&cx, &key, found.await) })
            }
        }
    }

    fn exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let key = self.0.scheme.present(credential.as_bytes()).ok()?;
        let Soon::Now(Ok(found)) = self.0.store.find(key.id()) else {
            return None;
        };
        self.0.exposed(cx, &key, found.as_deref())
    }

    fn challenge(&self) -> HeaderValue {
        self.0.challenge.clone()
    }
}

impl Inner {
    /// Turns what the store returned into a principal or a refusal.
    fn answer(
        &self,
        cx: &SecurityContext,
        key: &PresentedKey,
        found: Found,
    ) -> Result<Principal, Box<Rejection>> {
        let record = found.map_err(|problem| {
            let reason = problem.into_reason();
            Box::new(self.unavailable.clone().with_reason(reason))
        })?;
        let client = cx.client().map(ClientInfo::ip);
        match self.judge(record.as_deref(), key, self.now(cx), client) {
            Ok(record) => Ok(record.principal().clone()),
            Err(failure) => {
                if failure.had_the_secret() {
                    // The owner of the key needs to know which key it was.
                    let value = key.id().to_string().into();
                    cx.record(Fact::Noted {
                        key: "api_key_id",
                        value,
                    });
                }
                Err(self.refuse(failure))
            }
        }
    }

    /// Returns the id of a key that was sent in clear, if the client had its secret.
    ///
    /// Calls the application's function if the key is still valid.
    fn exposed(
        &self,
        cx: &SecurityContext,
        key: &PresentedKey,
        record: Option<&KeyRecord>,
    ) -> Option<Box<str>> {
        let client = cx.client().map(ClientInfo::ip);
        let judged = record
            .unwrap_or(&self.decoy)
            .judge(key, self.now(cx), client);
        let is_over = match judged {
            Ok(()) => false,
            Err(failure) if !failure.had_the_secret() => return None,
            Err(failure) => matches!(
                failure.kind(),
                CredentialFailure::Expired | CredentialFailure::Revoked
            ),
        };
        if let (Some(on_exposed), false) = (&self.on_exposed, is_over) {
            (on_exposed.0)(key.id());
        }
        Some(key.id().as_str().into())
    }

    /// Compares the key with its record, or with the decoy if there is none, by the same steps.
    ///
    /// The environment is checked after the secret, so a client without it learns nothing.
    fn judge<'r>(
        &self,
        record: Option<&'r KeyRecord>,
        key: &PresentedKey,
        now: Duration,
        client: Option<IpAddr>,
    ) -> Result<&'r KeyRecord, KeyFailure> {
        let judged = record.unwrap_or(&self.decoy).judge(key, now, client);
        let record = record.ok_or(KeyFailure::Unknown)?;
        judged?;
        if !self.accepted.holds(record.environment()) {
            return Err(KeyFailure::WrongEnvironment);
        }
        record.used.note(now);
        Ok(record)
    }

    /// Returns the time of the wall clock, which does not go back. A step back is recorded and
    /// logged once.
    fn now(&self, cx: &SecurityContext) -> Duration {
        let reading = self.wall.read(self.clock.unix_time());
        if let Some(step) = reading.stepped_back {
            let seconds = step.as_secs();
            tracing::warn!(target: "palisade", seconds, "the system clock stepped back; what has expired stays expired (for steps of up to a day)");
            cx.record(Fact::Degraded {
                guard: KIND,
                what: "clock_stepped_back",
            });
        }
        reading.now
    }

    /// Returns the response for a failure, with its private reason for the audit trail.
    fn refuse(&self, failure: KeyFailure) -> Box<Rejection> {
        Box::new(match failure {
            KeyFailure::ClientUnknown => Rejection::misconfigured(failure.reason()),
            _ => {
                let refusal = self.invalid.clone().with_reason(failure.reason());
                refusal.with_credential_failure(failure.kind())
            }
        })
    }

    pub(super) fn unavailable() -> Rejection {
        Rejection::unavailable(RETRY).prerendered()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyLayer")
            .field("accepted", &self.accepted)
            .field("sources", &self.sources)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
