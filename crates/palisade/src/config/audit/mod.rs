//! `[audit]`: opens the audit trail and adds it to the shield.
//!
//! Without the section nothing is recorded, which [`ShieldBuilder::build`] reports as the warning
//! `no-audit`. A file that cannot be opened is an error at start.

mod sinks;
mod addresses;
mod connections;
mod records;
mod settings;
pub(in crate::config) mod key_rotation;
pub(in crate::config) mod late_audit;

use std::{path::PathBuf, time::Duration};

use palisade_audit::{
    AuditKey, AuditLayer, CheckpointKey, EvolvingKeyFile, FileSink, FileSinkBuilder, LowSpaceAction,
};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    audit::{
        key_rotation::KeyRotation,
        settings::{with_file_settings, with_queue},
    },
    document::{Audit, AuditPolicy, Checkpoints, OtlpSignal},
    values::numbers::{DAY_SECONDS, TimeUnit},
};
use crate::shield::ShieldBuilder;

/// Bytes of a mebibyte.
pub(in crate::config) const MIB: u64 = 1024 * 1024;
/// The largest `keep_days`: a hundred years.
pub(in crate::config) const LONGEST_KEEP_DAYS: u64 = 36_525;
/// How much later the deadline of all sinks together is than that of the slowest one.
pub(in crate::config) const LAYER_MARGIN: Duration = Duration::from_secs(3);
/// The largest number of MiB: a pebibyte.
pub(in crate::config) const MOST_MIB: u64 = 1 << 30;
/// The largest `refusal_kib_per_second`: a gibibyte.
const MOST_REFUSAL_KIB: u64 = 1 << 20;
/// The largest `fold_seconds`: an hour.
const LONGEST_FOLD_SECONDS: u64 = 60 * 60;
/// The largest `checkpoint_records`.
const MOST_CHECKPOINT_RECORDS: u64 = 1_000_000_000;
/// The defaults of `FileSinkBuilder::checkpoint_every`, for a file that sets one of the two.
const CHECKPOINT_RECORDS: u64 = 10_000;
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(60);

/// What else a file says about the keys of a chain that has one which evolves.
#[derive(Clone, Copy)]
pub(in crate::config) struct ChainKeys {
    /// It has a fixed key.
    pub(in crate::config) is_sealed: bool,
    /// Its checkpoints have a key of their own, or there are none.
    pub(in crate::config) are_checkpoints_signed: bool,
}

/// The shield with the audit layer, the layer, and the key that a reload brings.
type WithAudit = (ShieldBuilder, Option<AuditLayer>, Option<KeyRotation>);

impl Config {
    /// Adds the audit layer. A reload passes the `running` one, since a trail can be opened only
    /// once; the settings of the section are then those of the running trail, but for `correlation_key`: it is returned,
    /// to be used when the reload has succeeded.
    ///
    /// # Errors
    ///
    /// A key cannot be used, or the trail cannot be opened.
    pub(in crate::config) fn audit(
        &self,
        shield: ShieldBuilder,
        running: Option<AuditLayer>,
    ) -> Result<WithAudit, ConfigFileError> {
        let Some(audit) = &self.document.audit else {
            return Ok((shield, None, None));
        };
        if audit.before_handler && audit.policy != AuditPolicy::FailClosed {
            let problem = "the policy does not guarantee a record before the handler starts";
            let remedy = "write policy = \"fail-closed\", or remove it";
            return Err(self
                .source
                .key_error("audit", "before_handler", problem, remedy));
        }
        self.check_spans(audit)?;
        let (layer, rotation) = match running {
            Some(running) => {
                let key = self.correlation_key(audit)?;
                let rotation = key.map(|key| KeyRotation::new(running.handle(), key));
                (running, rotation)
            }
            None => (self.open(audit)?, None),
        };
        let mut shield = shield.audit(layer.clone());
        if audit.before_handler {
            shield = shield.audit_before_handler();
        }
        Ok((shield, Some(layer), rotation))
    }

    /// Checks that spans are made if a collector gets them. A reload checks it too: the sinks of the running trail stay, and
    /// would send nothing without `[trace]`.
    ///
    /// # Errors
    ///
    /// A collector gets spans, and there is no `[trace]`.
    fn check_spans(&self, audit: &Audit) -> Result<(), ConfigFileError> {
        let mut collectors = audit.otlp.iter();
        match collectors.find(|otlp| otlp.send == OtlpSignal::Spans) {
            Some(otlp) if self.document.trace.is_none() => {
                let problem = "no request has a trace, so there would be no spans";
                let remedy = "add the section `[trace]`";
                Err(self.address_error(&otlp.address(), problem, remedy))
            }
            _ => Ok(()),
        }
    }

    /// Opens the trail with a new layer.
    ///
    /// # Errors
    ///
    /// The trail or another sink cannot be opened.
    fn open(&self, audit: &Audit) -> Result<AuditLayer, ConfigFileError> {
        let layer = AuditLayer::builder().sink(self.sink(audit)?);
        let layer = self.with_further_sinks(audit, layer)?;
        let layer = self.with_records(audit, layer)?;
        layer.build().map_err(|problem| {
            self.source
                .at(&audit.file, problem, "correct the section `audit`")
        })
    }

    /// Opens the file of the trail.
    ///
    /// # Errors
    ///
    /// The file cannot be written, another process has it open, or a key cannot be read.
    fn sink(&self, audit: &Audit) -> Result<FileSink, ConfigFileError> {
        let sink = FileSink::builder(self.path(audit.file.get_ref()));
        let sink = with_file_settings!(self, audit, sink);
        let sink = self.retention(audit, sink)?;
        let sink = self.checkpoints(audit, sink)?;
        let checkpoints = audit.checkpoints.as_ref().map(Spanned::get_ref);
        let without = matches!(checkpoints, Some(Checkpoints::Written(false)));
        let keys = ChainKeys {
            is_sealed: audit.seal_key.is_some(),
            are_checkpoints_signed: audit.checkpoint_key.is_some() || without,
        };
        let sink = self.evolving_key(&audit.evolving_key, keys, sink)?;
        sink.open().map_err(|problem| {
            let remedy = "name a file that this user may write and that no other process has open";
            self.source.at(&audit.file, problem, remedy)
        })
    }

    /// Reads the key of a hash chain.
    ///
    /// # Errors
    ///
    /// The key cannot be read, or others can read it.
    pub(in crate::config) fn seal_key(
        &self,
        path: &Spanned<PathBuf>,
    ) -> Result<AuditKey, ConfigFileError> {
        AuditKey::from_file(self.path(path.get_ref())).map_err(|problem| {
            let remedy = "name a file with the key of the trail, readable by this user alone";
            self.source.at(path, problem, remedy)
        })
    }

    /// Sets a key that is replaced at each rotation.
    ///
    /// # Errors
    ///
    /// There is another key, none for checkpoints, or it cannot be read.
    pub(in crate::config) fn evolving_key(
        &self,
        path: &Option<Spanned<PathBuf>>,
        other: ChainKeys,
        sink: FileSinkBuilder,
    ) -> Result<FileSinkBuilder, ConfigFileError> {
        let Some(path) = path else {
            return Ok(sink);
        };
        let wrong = |problem: &str, remedy: &str| Err(self.source.at(path, problem, remedy));
        if other.is_sealed {
            return wrong("the trail has one key", "remove seal_key or evolving_key");
        }
        if !other.are_checkpoints_signed {
            return wrong(
                "checkpoints need a key of their own beside it",
                "make one with `palisade audit key` and name it in checkpoint_key",
            );
        }
        let file = EvolvingKeyFile::open(self.path(path.get_ref())).map_err(|problem| {
            let remedy = "make one with `palisade audit seal-key`, readable by this user alone";
            self.source.at(path, problem, remedy)
        })?;
        Ok(sink.evolving_key(file))
    }

    /// Sets the key that signs checkpoints.
    ///
    /// # Errors
    ///
    /// It cannot be read, or others can read it.
    pub(in crate::config) fn checkpoint_key(
        &self,
        path: &Option<Spanned<PathBuf>>,
        sink: FileSinkBuilder,
    ) -> Result<FileSinkBuilder, ConfigFileError> {
        let Some(path) = path else {
            return Ok(sink);
        };
        let key = CheckpointKey::from_file(self.path(path.get_ref())).map_err(|problem| {
            let remedy = "make one with `palisade audit key`, readable by this user alone";
            self.source.at(path, problem, remedy)
        })?;
        Ok(sink.checkpoint_key(key))
    }

    /// Sets whether older parts are compressed.
    pub(in crate::config) fn compression(
        &self,
        key: &Option<Spanned<bool>>,
        sink: FileSinkBuilder,
    ) -> Result<FileSinkBuilder, ConfigFileError> {
        let Some(written) = key.as_ref().filter(|written| *written.get_ref()) else {
            return Ok(sink);
        };
        #[cfg(feature = "audit-zstd")]
        {
            let _ = written;
            Ok(sink.compress_parts())
        }
        #[cfg(not(feature = "audit-zstd"))]
        {
            let problem = "this program is built without the feature `audit-zstd`";
            let remedy = "build with the feature `audit-zstd`, or remove the key";
            Err(self.source.at(written, problem, remedy))
        }
    }

    /// Sets how many refusals are written, and what is done when the disk is
    /// nearly full.
    ///
    /// # Errors
    ///
    /// A number is out of range, or the action is unknown.
    fn retention(
        &self,
        audit: &Audit,
        mut sink: FileSinkBuilder,
    ) -> Result<FileSinkBuilder, ConfigFileError> {
        if let Some(kib) = self.number::<u32>(&audit.refusal_kib_per_second, 1, MOST_REFUSAL_KIB)? {
            sink = sink.refusal_budget(kib * 1024);
        }
        if let Some(window) =
            self.time(&audit.fold_seconds, TimeUnit::Seconds, LONGEST_FOLD_SECONDS)?
        {
            sink = sink.fold_window(window);
        }
        let space = &audit.low_space;
        let actions = [
            (&space.warn_mib, LowSpaceAction::Warn),
            (&space.count_refusals_mib, LowSpaceAction::CountRefusals),
            (&space.retire_oldest_mib, LowSpaceAction::RetireOldest),
            (&space.refuse_requests_mib, LowSpaceAction::RefuseRequests),
        ];
        for (number, action) in actions {
            if let Some(mib) = self.number::<u64>(number, 0, MOST_MIB)? {
                sink = sink.low_space(action, mib * MIB);
            }
        }
        Ok(sink)
    }

    /// Sets where checkpoints are written, how often, and their key.
    ///
    /// # Errors
    ///
    /// The key cannot be read, or a number is out of range.
    fn checkpoints(
        &self,
        audit: &Audit,
        mut sink: FileSinkBuilder,
    ) -> Result<FileSinkBuilder, ConfigFileError> {
        match audit.checkpoints.as_ref().map(Spanned::get_ref) {
            None | Some(Checkpoints::Written(true)) => {}
            Some(Checkpoints::Written(false)) => sink = sink.without_checkpoint_file(),
            Some(Checkpoints::File(file)) => sink = sink.checkpoints_at(self.path(file)),
        }
        sink = self.checkpoint_key(&audit.checkpoint_key, sink)?;
        let records = self.number::<u64>(&audit.checkpoint_records, 1, MOST_CHECKPOINT_RECORDS)?;
        let pause = self.time(&audit.checkpoint_seconds, TimeUnit::Seconds, DAY_SECONDS)?;
        Ok(match (records, pause) {
            (None, None) => sink,
            (records, pause) => sink.checkpoint_every(
                records.unwrap_or(CHECKPOINT_RECORDS),
                pause.unwrap_or(CHECKPOINT_PAUSE),
            ),
        })
    }
}
