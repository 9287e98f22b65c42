//! The decision about a key, shared by all clones of a layer.
//!
//! `authenticate` reads the key of a request, finds its record, and returns the principal or a
//! refusal. If the store fails, the request is refused with 503.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, BoxFuture, ClientInfo, Credential, CredentialSource, Fact,
    MaybeReady, Principal, Rejection, SecurityContext, SharedClock, Verdict,
};
#[cfg(feature = "redis")]
use palisade_internal::background_tasks::BackgroundTasks;
use palisade_internal::wall_clock::WallClock;

use crate::{
    key::{AcceptedEnvironments, KeyId, PresentedKey},
    layer::source::KeySources,
    record::{KIND, KeyFailure, KeyRecord},
    scheme::KeyScheme,
    store::{KeyStore, StoreUnavailable},
};

/// The `Retry-After` of a 503 response while the store fails.
const RETRY: Duration = Duration::from_secs(1);

/// Everything that a layer was built with. Clones share it.
#[derive(Clone)]
pub(super) struct KeyAuthenticator(pub(super) Arc<Inner>);

pub(super) struct Inner {
    /// Keys of other environments are refused.
    pub(super) accepted: AcceptedEnvironments,
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
    /// Looks up keys that were sent in clear, where the store replies later.
    #[cfg(feature = "redis")]
    pub(super) lookups: BackgroundTasks,
    /// The format and the pepper of the keys.
    pub(super) scheme: KeyScheme,
    /// Where keys are read from.
    pub(super) sources: KeySources,
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

/// A key that was sent in clear: by whom, and when.
struct ShownKey {
    key: PresentedKey,
    client: Option<IpAddr>,
    now: Duration,
}

/// What a store returned for an id.
type LookupResult = Result<Option<Arc<KeyRecord>>, StoreUnavailable>;

impl Authenticator for KeyAuthenticator {
    fn id(&self) -> AuthenticatorId {
        self.0.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        self.0.sources.credential_sources(self.0.scheme.format())
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        self.0.sources.strip_original_uri(head);
        self.verify(cx, credential)
    }

    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        Some(self.verify(cx, credential))
    }

    fn on_exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let key = self.0.scheme.present(credential.as_bytes()).ok()?;
        let shown = ShownKey {
            now: self.0.wall_clock_time(cx),
            client: cx.client().map(ClientInfo::ip),
            key,
        };
        match self.0.store.find(shown.key.id()) {
            MaybeReady::Ready(found) => self.0.exposed_key_id(&shown, found.ok()?.as_deref()),
            MaybeReady::Pending(found) => {
                self.0.look_up_exposed(shown, found);
                None
            }
        }
    }

    fn challenge(&self) -> HeaderValue {
        self.0.challenge.clone()
    }
}

impl KeyAuthenticator {
    /// Finds the record of a key and decides.
    fn verify(&self, cx: &SecurityContext, credential: &Credential) -> Verdict<Principal> {
        let Ok(key) = self.0.scheme.present(credential.as_bytes()) else {
            return self.0.refusal_for(KeyFailure::Malformed).into();
        };
        if let Some(what) = self.0.store.degraded() {
            cx.record(Fact::Degraded { guard: KIND, what });
        }
        match self.0.store.find(key.id()) {
            MaybeReady::Ready(found) => self.0.decide_on_lookup(cx, &key, found).into(),
            MaybeReady::Pending(found) => {
                let (inner, cx) = (Arc::clone(&self.0), cx.clone());
                Verdict::later(async move { inner.decide_on_lookup(&cx, &key, found.await) })
            }
        }
    }
}

impl Inner {
    /// Turns what the store returned into a principal or a refusal.
    fn decide_on_lookup(
        &self,
        cx: &SecurityContext,
        key: &PresentedKey,
        found: LookupResult,
    ) -> Result<Principal, Box<Rejection>> {
        let record = found.map_err(|problem| {
            let reason = problem.into_reason();
            Box::new(self.unavailable.clone().with_reason(reason))
        })?;
        let client = cx.client().map(ClientInfo::ip);
        match self.check_record(record.as_deref(), key, self.wall_clock_time(cx), client) {
            Ok(record) => {
                if let Some(renewal) = record.due_renewal(key) {
                    self.store.renew_digest(renewal);
                }
                Ok(record.principal().clone())
            }
            Err(failure) => {
                if failure.had_the_secret() {
                    // The owner of the key needs to know which key it was.
                    let value = key.id().to_string().into();
                    cx.record(Fact::Noted {
                        key: "api_key_id",
                        value,
                    });
                }
                Err(self.refusal_for(failure))
            }
        }
    }

    /// Waits for the record of a key that was sent in clear, in a task: the request is refused meanwhile.
    #[cfg(feature = "redis")]
    fn look_up_exposed(self: &Arc<Self>, shown: ShownKey, found: BoxFuture<LookupResult>) {
        if self.on_exposed.is_some() {
            let inner = Arc::clone(self);
            self.lookups.begin(async move {
                if let Ok(found) = found.await {
                    inner.exposed_key_id(&shown, found.as_deref());
                }
            });
        }
    }

    /// Without the feature `redis` there is no runtime that could wait.
    #[cfg(not(feature = "redis"))]
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)] // With the feature, a task keeps all.
    fn look_up_exposed(self: &Arc<Self>, _: ShownKey, _: BoxFuture<LookupResult>) {}

    /// Returns the id of a key that was sent in clear, if the client had its secret.
    ///
    /// Calls the application's function, unless the key or this secret is never valid again. A disabled key may be
    /// enabled.
    fn exposed_key_id(&self, shown: &ShownKey, record: Option<&KeyRecord>) -> Option<Box<str>> {
        let outcome = record
            .unwrap_or(&self.decoy)
            .check(&shown.key, shown.now, shown.client);
        let is_over = match outcome {
            Ok(()) => false,
            Err(failure) if !failure.had_the_secret() => return None,
            Err(failure) => matches!(
                failure,
                KeyFailure::Expired | KeyFailure::PreviousSecretExpired | KeyFailure::Revoked
            ),
        };
        if let (Some(on_exposed), false) = (&self.on_exposed, is_over) {
            (on_exposed.0)(shown.key.id());
        }
        Some(shown.key.id().as_str().into())
    }

    /// Compares the key with its record, or with the decoy if there is none, by the same steps.
    ///
    /// The environment is checked after the secret, so a client without it learns nothing.
    fn check_record<'r>(
        &self,
        record: Option<&'r KeyRecord>,
        key: &PresentedKey,
        now: Duration,
        client: Option<IpAddr>,
    ) -> Result<&'r KeyRecord, KeyFailure> {
        let outcome = record.unwrap_or(&self.decoy).check(key, now, client);
        let record = record.ok_or(KeyFailure::Unknown)?;
        outcome?;
        if !self.accepted.contains(record.environment()) {
            return Err(KeyFailure::WrongEnvironment);
        }
        record.used.note_use(now);
        Ok(record)
    }

    /// Returns the time of the wall clock, which does not go back. A step back is recorded and
    /// logged once.
    fn wall_clock_time(&self, cx: &SecurityContext) -> Duration {
        let reading = self.wall.read(cx.unix_time(&*self.clock));
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
    fn refusal_for(&self, failure: KeyFailure) -> Box<Rejection> {
        Box::new(match failure {
            KeyFailure::ClientUnknown => Rejection::misconfigured(failure.reason()),
            _ => {
                let refusal = self.invalid.clone().with_reason(failure.reason());
                refusal.with_credential_failure(failure.kind())
            }
        })
    }

    pub(super) fn store_unavailable() -> Rejection {
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
