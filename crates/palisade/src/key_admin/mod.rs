//! Routes that mint, list, rotate and revoke API keys, for administrators (feature `key-admin`).
//!
//! [`KeyAdmin`] makes them. `handlers` are what they do, `store` what they need of a store, `document` is the JSON.

mod handlers;
mod document;
mod store;
mod error;

use std::{collections::BTreeSet, fmt, sync::Arc};

use palisade_api_key::KeyScheme;
use palisade_core::{Rule, SharedClock, SystemClock};

pub use self::{
    error::KeyAdminError,
    store::{KeyChange, KeyReply, ManagedKeys},
};
use crate::routes::Routes;

/// The scope that every route demands.
pub const SCOPE: &str = "keys:admin";

/// Makes routes that manage API keys, each for clients with the scope `keys:admin`.
///
/// | request, below the path that the routes are nested at | response |
/// |---|---|
/// | `POST` with a grant | 201: the key, shown only now, and its record |
/// | `GET ?limit=100&after=ID` | the records, the oldest first; `next` is the id to go on after |
/// | `GET /{id}` | the record |
/// | `POST /{id}/rotate` with `overlap_seconds` | the new key, shown only now |
/// | `POST /{id}/revoke` | the record; the key is refused from now on |
/// | `POST /{id}/disable` | the record; the key is refused until it is enabled |
/// | `POST /{id}/enable` | the record |
///
/// A grant is `{"environment":"live","scopes":["tts:speak"],"owner":"acme","expires":"2027-01-31T00:00:00Z"}`; `tier`,
/// `note`, `metadata`, `not_before` and `networks` are optional too. Neither a secret nor a digest is in a record.
///
/// An administrator cannot get more than the operator lists: a key is minted, rotated or enabled only if all its scopes
/// are [grantable](KeyAdmin::grantable_scopes). Otherwise who may manage keys could take every right, by a new key or by
/// the new secret of another one. Any key can be revoked and disabled.
///
/// Each change is in the audit trail, with the id of the key: `key_change` when it begins, and when it is done
/// `key_minted`, `key_rotated`, `key_revoked`, `key_disabled` or `key_enabled`. A record with `key_change` alone is of a
/// change that was refused, whose store failed, or whose client left: it may have taken effect. A change is completed
/// also if the client leaves.
///
/// ```
/// use palisade::api_key::{KeyScheme, MemoryKeyStore, Pepper};
/// use palisade::key_admin::KeyAdmin;
/// use palisade::{AllowedHosts, ApiKeyLayer, Routes, Rule, Shield};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (scheme, keys) = (KeyScheme::new(Pepper::generate()?), MemoryKeyStore::new());
/// let admin = KeyAdmin::new(scheme.clone(), keys.clone()).grantable_scopes(["tts:speak"]);
/// let routes = Routes::new()
///     .post("/tts", Rule::scope("tts:speak"), async || "spoken")
///     .nest("/admin/keys", admin.routes());
/// let app = Shield::builder()
///     .hosts(AllowedHosts::parse(["tts.example"])?)
///     .authenticate(ApiKeyLayer::new(scheme, keys))
///     .protect(routes)?;
/// # let _ = app; Ok(()) }
/// ```
///
/// Without grantable scopes an administrator can list and revoke keys, and make none that may do anything:
///
/// ```
/// use palisade::api_key::{KeyScheme, MemoryKeyStore, Pepper};
/// use palisade::{Routes, key_admin::KeyAdmin};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let support_desk = KeyAdmin::new(KeyScheme::new(Pepper::generate()?), MemoryKeyStore::new());
/// let routes: Routes = Routes::new().nest("/support/keys", support_desk.routes());
/// # let _ = routes; Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct KeyAdmin {
    scheme: KeyScheme,
    store: Arc<dyn ManagedKeys>,
    grantable: BTreeSet<Box<str>>,
    clock: SharedClock,
}

impl KeyAdmin {
    /// Manages the keys of a store, which the layer of the service reads too. No scope can be granted yet.
    pub fn new(scheme: KeyScheme, store: impl ManagedKeys) -> Self {
        Self {
            scheme,
            store: Arc::new(store),
            grantable: BTreeSet::new(),
            clock: SystemClock::shared(),
        }
    }

    /// Adds scopes that keys may be minted and rotated with. Default: none, so that only keys without scopes are
    /// made.
    ///
    /// With `keys:admin` among them an administrator can make others.
    pub fn grantable_scopes<S: Into<Box<str>>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.grantable.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Sets the clock. Default: that of the system.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the routes, to be nested below a path of the service.
    pub fn routes<S: Clone + Send + Sync + 'static>(self) -> Routes<S> {
        let rule = || Rule::scope(SCOPE);
        Routes::new()
            .get("/", rule(), handlers::list)
            .post("/", rule(), handlers::mint)
            .get("/{id}", rule(), handlers::show)
            .post("/{id}/rotate", rule(), handlers::rotate)
            .post("/{id}/revoke", rule(), handlers::revoke)
            .post("/{id}/disable", rule(), handlers::disable)
            .post("/{id}/enable", rule(), handlers::enable)
            .with_state(self)
    }

    /// Returns whether all scopes may be granted.
    fn may_grant<'a>(&self, mut scopes: impl Iterator<Item = &'a str>) -> bool {
        scopes.all(|scope| self.grantable.contains(scope))
    }
}

impl fmt::Debug for KeyAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyAdmin")
            .field("store", &self.store)
            .field("grantable", &self.grantable)
            .finish_non_exhaustive()
    }
}
