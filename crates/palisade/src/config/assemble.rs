//! From the file to the parts.

use std::sync::Arc;

use palisade_api_key::{FileKeyStore, KeyScheme};
use palisade_audit::AuditHandle;
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
    /// What flushes and closes the audit trail.
    pub audit: Option<AuditHandle>,
    /// The keys, and how they are minted.
    pub keys: Option<(KeyScheme, FileKeyStore)>,
    /// The rules of the file, where it has any.
    pub table: Option<RouteTable>,
}

impl Config {
    /// Makes the parts of the stack. Limits are counted in memory.
    ///
    /// # Errors
    /// A value does not do; a file that it names cannot be used.
    pub fn assemble(&self) -> Result<Assembled, ConfigFileError> {
        self.assemble_with(None)
    }

    /// Makes the parts of the stack, with a store that a fleet shares.
    ///
    /// # Errors
    /// As [`assemble`](Self::assemble).
    pub fn assemble_with(
        &self,
        store: Option<Arc<dyn LimitStore>>,
    ) -> Result<Assembled, ConfigFileError> {
        let shield = self.front(Shield::builder())?;
        let (shield, audit) = self.audit(shield)?;
        let (shield, keys) = self.keys(shield)?;
        let shield = self.tokens(shield)?;
        let shield = self.limits(shield, store)?;
        Ok(Assembled {
            shield: self.text(shield)?,
            audit,
            keys,
            table: self.table()?,
        })
    }
}
