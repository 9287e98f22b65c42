//! Ends a session with the API key that opened it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use palisade_api_key::{Environment, KeyFailure, KeyId, KeyRecord, KeyStore, StoreUnavailable};
use palisade_core::{MaybeReady, SharedClock, SystemClock};
use palisade_session::{CheckError, CheckReply, PrincipalCheck, SessionRecord};

/// The kind of the principals of API keys.
pub(super) const KIND: &str = "api_key";

/// Looks the API key of a session up with each request: a key that was revoked or has expired ends its
/// sessions.
///
/// | the key | the session |
/// |---|---|
/// | was revoked, or has expired | ends: 401, also with all further requests |
/// | is disabled, is not in the store, is not valid yet, or not from this network | stays, and the request gets 401 |
/// | is of an [environment](Self::environments) that is not accepted | stays, and the request gets 401 |
/// | was rotated, the old secret is not accepted any more, and the session was opened while it was | ends: the old secret may have opened it |
/// | has fewer scopes now | has fewer scopes |
/// | has more scopes now | has the scopes that it had: the new ones need a new sign-in |
/// | had amounts of its own for limits, set by an authenticator around it | keeps them |
///
/// The principal of the session is that of the key, so limits count a key and its sessions as one. A
/// session that another kind of credential opened ends: use [`CredentialCheck`](super::CredentialCheck) if the
/// service accepts these too.
///
/// ```
/// use palisade::api_key::MemoryKeyStore;
/// use palisade::session::{KeyCheck, MemorySessionStore, SessionLayer, Sessions};
///
/// let keys = MemoryKeyStore::new();
/// let layer = SessionLayer::builder(Sessions::new(MemorySessionStore::new()))
///     .check(KeyCheck::new(keys))
///     .build();
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct KeyCheck {
    keys: Arc<dyn KeyStore>,
    clock: SharedClock,
    /// `None`: all.
    environments: Option<Arc<[Environment]>>,
}

impl KeyCheck {
    /// Looks keys up in a store, and compares their end with the clock of the system.
    #[must_use]
    pub fn new(keys: impl KeyStore) -> Self {
        Self {
            keys: Arc::new(keys),
            clock: SystemClock::shared(),
            environments: None,
        }
    }

    /// Sets the clock that keys expire by. Default: the clock of the system.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Accepts sessions of keys of these environments only. Default: of every one. Use those of the layer
    /// ([`ApiKeyLayerBuilder::environments`](palisade_api_key::ApiKeyLayerBuilder::environments)).
    #[must_use]
    pub fn environments(mut self, accepted: impl IntoIterator<Item = Environment>) -> Self {
        self.environments = Some(accepted.into_iter().collect());
        self
    }

    /// Tells whether keys of an environment are accepted.
    fn accepts(&self, environment: Environment) -> bool {
        let accepted = self.environments.as_deref();
        accepted.is_none_or(|accepted| accepted.contains(&environment))
    }
}

impl PrincipalCheck for KeyCheck {
    fn check(&self, session: &SessionRecord, client: Option<IpAddr>) -> CheckReply {
        let (who, opened) = (session.principal.clone(), session.opened);
        let of_key = (who.kind() == KIND).then(|| who.credential());
        let Some(Ok(id)) = of_key.flatten().map(str::parse::<KeyId>) else {
            let error = CheckError::ended("no API key opened this session");
            return MaybeReady::Ready(Err(error));
        };
        let now = self.clock.unix_time();
        let found = self.keys.find(id);
        let check = self.clone();
        found.map(move |found| {
            let record = usable(found, now, client)?;
            if !check.accepts(record.environment()) {
                let reason = "keys of the environment are not accepted";
                return Err(CheckError::refused(reason));
            }
            match record.may_be_of_old_secret(opened, now) {
                true => Err(CheckError::ended("the secret of the key was rotated out")),
                false => Ok(record
                    .principal()
                    .with_scopes_of(&who)
                    .or_own_limits_of(&who)),
            }
        })
    }
}

/// Returns the record of a key, if it may be used now by this client.
fn usable(
    found: Result<Option<Arc<KeyRecord>>, StoreUnavailable>,
    now: Duration,
    client: Option<IpAddr>,
) -> Result<Arc<KeyRecord>, CheckError> {
    let found = found.map_err(|error| CheckError::unavailable(error.to_string()))?;
    // A file that is being edited may lack a key for a moment; a key that is gone for good is never found again.
    let record = found.ok_or_else(|| CheckError::refused("the key behind the session is gone"))?;
    match record.check_without_secret(now, client) {
        Ok(()) => Ok(record),
        Err(failure @ (KeyFailure::Revoked | KeyFailure::Expired)) => {
            Err(CheckError::ended(failure.reason()))
        }
        Err(failure) => Err(CheckError::refused(failure.reason())),
    }
}
