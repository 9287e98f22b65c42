//! Makes the parts of the stack from a configuration.
//!
//! Each section has a module beside this one; the functions here call them in order. The first
//! error ends the assembly, before a trail is opened.

use std::{fmt::Display, sync::Arc};

use palisade_api_key::{FileKeyStore, KeyScheme};
use palisade_audit::{AuditEvent, AuditLayer, event_id};
use palisade_rate_limit::LimitStore;

use crate::config::{
    Config, ConfigFileError,
    audit::{key_rotation::KeyRotation, late_audit::LateAudit},
    keys::SeenKeys,
    limits::LimitLayers,
};
use crate::shield::{Shield, ShieldBuilder};

/// The parts that [`Config::assemble`] makes.
///
/// The application may add authenticators, guards and rules to [`shield`](Self::shield), then builds
/// it with [`ShieldBuilder::build`] or `protect`.
///
/// # Examples
///
/// ```
/// use palisade::{Rule, Rules, config::Config};
///
/// let config = Config::parse("server.hosts = ['notes.example']")?;
/// let parts = config.assemble()?;
/// assert!(parts.audit.is_none() && parts.keys.is_none());
///
/// let shield = parts.shield.rules(Rules::new().get("/", Rule::public())).build()?;
/// # let _ = shield; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Assembled {
    /// The builder of the shield with all settings of the file, the rules of `[[routes]]` included.
    /// Without that section the application adds [`rules`](ShieldBuilder::rules), or gives `Routes`
    /// to `protect`.
    pub shield: ShieldBuilder,
    /// The audit layer. Its handle flushes and closes the trail. `None` without `[audit]`.
    pub audit: Option<AuditLayer>,
    /// The firewall rules, for a task that calls
    /// [`InspectLayer::watch`](palisade_inspect::InspectLayer::watch). `None` without `[inspect]`.
    #[cfg(feature = "inspect")]
    pub inspect: Option<palisade_inspect::InspectLayer>,
    /// The correlation key of the file, for the running trail of a reload. Apply it when nothing can fail any more;
    /// until then the trail keeps its key. `None` at the first start, and for a file without such a key.
    pub key_rotation: Option<KeyRotation>,
    /// How keys are made, and the file they are in. `None` without `[keys]`, and with `[keys.redis]`.
    pub keys: Option<(KeyScheme, FileKeyStore)>,
    /// How keys are made, and the server they are in. `None` without `[keys.redis]`.
    #[cfg(feature = "redis")]
    pub redis_keys: Option<(KeyScheme, palisade_api_key::RedisKeyStore)>,
    /// The limits of `[[limits]]`, which are in the shield too.
    pub limits: LimitLayers,
    /// The sessions of `[session]`, with which handlers sign in and out. `None` without the section.
    #[cfg(feature = "session")]
    pub sessions: Option<palisade_session::Sessions>,
}

/// What a new stack takes over from the service or from the stack that it replaces.
///
/// A trail cannot be opened twice, and new limits would give every client a full quota. A reload
/// therefore passes both. [`Default`] takes over nothing, for the first start.
///
/// # Examples
///
/// A new file for a running service, whose trail stays open:
///
/// ```
/// use palisade::config::{Config, Running};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let trail = folder.path().join("audit.jsonl");
/// let text = format!("server.hosts = ['a.example']\naudit.file = {trail:?}");
/// let first = Config::parse(&text)?.assemble()?;
///
/// let second = Config::parse(&text.replace("a.example", "b.example"))?;
/// let running = Running::new().with_audit(first.audit.clone());
/// let parts = second.assemble_with(running)?;
/// assert!(parts.audit.is_some());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Running {
    /// The audit layer of the running stack. Default: the trail of `[audit]` is opened.
    pub audit: Option<AuditLayer>,
    /// The store of the limits. Default: each layer has its own store in memory.
    pub store: Option<Arc<dyn LimitStore>>,
    /// The sessions of the running stack. Default: new ones by `[session]`, so that everybody is signed out.
    #[cfg(feature = "session")]
    pub sessions: Option<palisade_session::Sessions>,
    /// The proofs of possession that were used. Clones share them, so a service that passes clones of one
    /// value to each assembly accepts proofs at once after a reload, and each once.
    #[cfg(feature = "jwt")]
    pub proofs: palisade_jwt::dpop::ProofMemory,
    /// What the stores of `[keys.redis]` have seen. All clones share it: each store takes it over, so that a reload brings
    /// no older record back.
    pub(in crate::config) seen_keys: SeenKeys,
}

impl Running {
    /// Takes over nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over the audit layer of the running stack. `None`: the trail of `[audit]` is opened.
    #[must_use]
    pub fn with_audit(mut self, audit: Option<AuditLayer>) -> Self {
        self.audit = audit;
        self
    }

    /// Counts limits in this store. `None`: each layer has its own in memory.
    #[must_use]
    pub fn with_store(mut self, store: Option<Arc<dyn LimitStore>>) -> Self {
        self.store = store;
        self
    }

    /// Takes over what the store of `[keys.redis]` of the running stack has seen: [`Assembled::redis_keys`]. `None`: nothing
    /// was seen.
    ///
    /// A clone of the value that the running stack was assembled with has it already.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn with_keys(self, keys: Option<&(KeyScheme, palisade_api_key::RedisKeyStore)>) -> Self {
        if let Some((_, store)) = keys {
            self.seen_keys.remember(store);
        }
        self
    }

    /// Takes over the sessions of the running stack: [`Assembled::sessions`]. `None`: new ones are made.
    #[cfg(feature = "session")]
    #[must_use]
    pub fn with_sessions(mut self, sessions: Option<palisade_session::Sessions>) -> Self {
        self.sessions = sessions;
        self
    }

    /// Records in the audit trail that a reload took effect, with the keys that changed, or that it
    /// was refused, with the reason. Without a trail it does nothing.
    ///
    /// The events are `configuration.reloaded` and `configuration.refused`. Keys are recorded without
    /// their values.
    ///
    /// ```
    /// use palisade::config::{Config, ConfigFileError, Running};
    ///
    /// fn reload(running: &Running, old: &Config, text: &str) -> Result<Vec<String>, ConfigFileError> {
    ///     let reloaded = Config::parse(text).map(|new| new.changes(old));
    ///     running.record_reload(&reloaded);
    ///     reloaded
    /// }
    /// ```
    pub fn record_reload<E: Display>(&self, reloaded: &Result<Vec<String>, E>) {
        let Some(audit) = &self.audit else { return };
        audit.record(match reloaded {
            Ok(changes) => AuditEvent::new(event_id::CONFIGURATION_RELOADED)
                .text("changed", changes.join(", ")),
            Err(error) => {
                AuditEvent::new(event_id::CONFIGURATION_REFUSED).text("reason", error.to_string())
            }
        });
    }
}

impl From<Option<Arc<dyn LimitStore>>> for Running {
    fn from(store: Option<Arc<dyn LimitStore>>) -> Self {
        Self::new().with_store(store)
    }
}

impl Config {
    /// Makes the parts of the stack. Limits are counted in memory.
    ///
    /// Opens the files that the configuration names, and starts to fetch the keys of `jwks_url`.
    /// Nothing is left behind after an error: the trail is opened last.
    ///
    /// # Errors
    ///
    /// A value cannot be used, or a file that it names cannot be opened. The error names line, key
    /// and remedy.
    pub fn assemble(&self) -> Result<Assembled, ConfigFileError> {
        self.assemble_with(Running::default())
    }

    /// Makes the parts of the stack with a store that several nodes share, or with parts of the
    /// running stack.
    ///
    /// `running` is a [`Running`], or the result of [`connect_store`](Self::connect_store).
    ///
    /// # Errors
    ///
    /// As [`assemble`](Self::assemble).
    pub fn assemble_with(&self, running: impl Into<Running>) -> Result<Assembled, ConfigFileError> {
        let running = running.into();
        let shield = self.server_keys(Shield::builder())?;
        let shield = self.trace(shield)?;
        let trail = LateAudit::default();
        let (shield, keys) = self.keys(shield, &trail, &running.seen_keys)?;
        #[cfg(feature = "jwt")]
        let proofs = &running.proofs;
        #[cfg(not(feature = "jwt"))]
        let proofs = &();
        #[cfg(not(feature = "session"))]
        let (shield, _) = self.tokens(shield, proofs)?;
        #[cfg(feature = "session")]
        let (shield, revoked) = self.tokens(shield, proofs)?;
        let shield = self.client_certificates(shield)?;
        #[cfg(not(feature = "session"))]
        let shield = self.sessions(shield)?;
        #[cfg(feature = "session")]
        let (shield, sessions) =
            { self.sessions(shield, keys.check(), revoked, running.sessions, &trail)? };
        let (shield, limits) = self.rate_limits(shield, running.store.clone())?;
        let shield = self.concurrency_limits(shield, running.store.as_ref())?;
        let shield = self.load_shedding(shield)?;
        let shield = self.text(shield)?;
        let shield = self.scripts_of_other_origins(shield)?;
        let shield = self.writes_of_other_origins(shield)?;
        let shield = match self.rules()? {
            Some(rules) => shield.rules(rules),
            None => shield,
        };
        let shield = match self.only_shadow {
            true => shield.dangerously_only_shadow(),
            false => shield,
        };
        #[cfg(not(feature = "inspect"))]
        self.refuse_inspection()?;
        #[cfg(feature = "inspect")]
        let inspect = self.inspection()?;
        #[cfg(feature = "inspect")]
        let shield = match &inspect {
            Some(inspect) => shield.inspect(inspect.clone()),
            None => shield,
        };
        // Last: opening a trail writes a record, which a later error would leave behind.
        let (shield, audit, key_rotation) = self.audit(shield, running.audit)?;
        if let Some(audit) = &audit {
            trail.fill(audit.handle());
        }
        Ok(Assembled {
            shield,
            audit,
            #[cfg(feature = "inspect")]
            inspect,
            key_rotation,
            keys: keys.file,
            #[cfg(feature = "redis")]
            redis_keys: keys.redis,
            limits,
            #[cfg(feature = "session")]
            sessions,
        })
    }
}
