//! `[audit]`: opens the audit trail and adds it to the shield.
//!
//! Without the section nothing is recorded, which [`ShieldBuilder::build`] reports as the warning
//! `no-audit`. A file that cannot be opened is an error at start.

use palisade_audit::{AuditKey, AuditLayer, FileSink};

use super::{
    Config, ConfigFileError,
    document::{Audit, AuditPolicy},
};
use crate::shield::ShieldBuilder;

/// Bytes of a mebibyte.
const MIB: u64 = 1024 * 1024;

impl Config {
    /// Adds the audit layer. A reload passes the `running` one, since a trail can be opened only
    /// once; the settings of the section are then those of the running trail.
    pub(super) fn audit(
        &self,
        shield: ShieldBuilder,
        running: Option<AuditLayer>,
    ) -> Result<(ShieldBuilder, Option<AuditLayer>), ConfigFileError> {
        let Some(audit) = &self.document.audit else {
            return Ok((shield, None));
        };
        if audit.before_handler && audit.policy != AuditPolicy::FailClosed {
            let problem = "nothing promises a record before the handler";
            let remedy = "write policy = \"fail-closed\", or remove it";
            return Err(self
                .source
                .complain("audit", "before_handler", problem, remedy));
        }
        let layer = match running {
            Some(running) => running,
            None => self.open(audit)?,
        };
        let mut shield = shield.audit(layer.clone());
        if audit.before_handler {
            shield = shield.audit_before_handler();
        }
        Ok((shield, Some(layer)))
    }

    /// Opens the trail with a new layer.
    fn open(&self, audit: &Audit) -> Result<AuditLayer, ConfigFileError> {
        let mut layer = AuditLayer::builder().sink(self.sink(audit)?);
        if audit.mask_client_address {
            layer = layer.mask_client_address();
        }
        layer.build().map_err(|problem| {
            self.source
                .at(&audit.file, problem, "correct the section `audit`")
        })
    }

    /// Opens the file of the trail. Fails if it cannot be written, another process has it open, or
    /// the key cannot be read.
    fn sink(&self, audit: &Audit) -> Result<FileSink, ConfigFileError> {
        let mut sink = FileSink::builder(self.path(audit.file.get_ref()));
        if let AuditPolicy::FailClosed = audit.policy {
            sink = sink.fail_closed();
        }
        if let Some(records) = audit.queue {
            sink = sink.capacity(records);
        }
        if let Some(mib) = audit.rotate_mib {
            sink = sink.rotate_at(mib.saturating_mul(MIB));
        }
        if let Some(path) = &audit.seal_key {
            let key = AuditKey::from_file(self.path(path.get_ref())).map_err(|problem| {
                let remedy = "name a file with the key of the trail, readable by this user alone";
                self.source.at(path, problem, remedy)
            })?;
            sink = sink.key(key);
        }
        sink.open().map_err(|problem| {
            let remedy =
                "name a file in a folder that this user may write, which no other process keeps";
            self.source.at(&audit.file, problem, remedy)
        })
    }
}
