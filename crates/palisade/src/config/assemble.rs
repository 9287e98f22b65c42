//! From the file to the parts.

use std::sync::Arc;

use palisade_api_key::{FileKeyStore, KeyScheme};
use palisade_audit::AuditLayer;
use palisade_core::RouteTable;
use palisade_rate_limit::LimitStore;

use super::{Config, ConfigFileError};
use crate::{Shield, ShieldBuilder};

/// The parts that a configuration makes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Assembled {
    /// The stack, to which the application may add.
    pub shield: ShieldBuilder,
    /// The trail; its handle flushes and closes it.
    pub audit: Option<AuditLayer>,
    /// The keys, and how they are minted.
    pub keys: Option<(KeyScheme, FileKeyStore)>,
    /// The rules of the file, where it has any.
    pub table: Option<RouteTable>,
}

/// What a stack takes over: from the service, or from the stack that it replaces.
///
/// A trail cannot be opened twice, and limits that start from nothing would give every client a full
/// bucket. So what replaces a running stack takes both from it.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // Made by the application.
pub struct Running {
    /// The trail that is open. Without: the one that `[audit]` names is opened.
    pub audit: Option<AuditLayer>,
    /// The store of the limits. Without: each limiter has one in memory.
    pub store: Option<Arc<dyn LimitStore>>,
}

impl From<Option<Arc<dyn LimitStore>>> for Running {
    fn from(store: Option<Arc<dyn LimitStore>>) -> Self {
        Self { audit: None, store }
    }
}

impl Config {
    /// Makes the parts of the stack. Limits are counted in memory.
    ///
    /// # Errors
    /// A value cannot be used; a file that it names cannot be used.
    pub fn assemble(&self) -> Result<Assembled, ConfigFileError> {
        self.assemble_with(Running::default())
    }

    /// Makes the parts of the stack, with a store that a fleet shares, or with what is running.
    ///
    /// # Errors
    /// As [`assemble`](Self::assemble).
    pub fn assemble_with(&self, running: impl Into<Running>) -> Result<Assembled, ConfigFileError> {
        let Running { audit, store } = running.into();
        let shield = self.front(Shield::builder())?;
        let (shield, keys) = self.keys(shield)?;
        let shield = self.tokens(shield)?;
        let shield = self.rate_limits(shield, store)?;
        let shield = self.text(shield)?;
        let table = self.table()?;
        // Last: a trail that is opened makes a record of it.
        let (shield, audit) = self.audit(shield, audit)?;
        Ok(Assembled {
            shield,
            audit,
            keys,
            table,
        })
    }
}
