//! `[audit]`: the file of the trail, its policy, and how much of it is kept.

mod rules;
mod sinks;

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

pub(in crate::config) use self::{rules::*, sinks::*};

/// `[audit]`: the audit trail. Without the section no trail is written.
///
/// The keys are read once, when the trail is opened. A reload keeps the open trail, so changed keys
/// need a restart.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Audit {
    /// The file that the trail is written to. Required.
    ///
    /// It is created if it is missing. A second process that opens it is refused at start.
    pub(in crate::config) file: Spanned<PathBuf>,
    /// What happens to requests that cannot be recorded. Default: `drop-and-count`.
    #[serde(default)]
    pub(in crate::config) policy: AuditPolicy,
    /// How long a response waits for its record on the disk, in seconds: 1 to 60. Default: 2. Without effect with
    /// `drop-and-count`.
    pub(in crate::config) deadline_seconds: Option<Spanned<u64>>,
    /// Whether the handler starts only after the request is recorded. Default: `false`. Needs
    /// `policy = "fail-closed"`.
    ///
    /// Every request then waits for the disk, which is slower. For acts that must not happen
    /// without a record.
    #[serde(default)]
    pub(in crate::config) before_handler: bool,
    /// Whether the trail holds networks in place of client addresses. Default: `false`.
    #[serde(default)]
    pub(in crate::config) mask_client_address: bool,
    /// A file with the key of codes and pseudonyms, readable by this user alone. Default: none.
    ///
    /// It is read again at a reload: another key is then used, and the change is recorded.
    pub(in crate::config) correlation_key: Option<Spanned<PathBuf>>,
    /// Headers whose values are recorded as codes, so that equal ones can be found. Default: none. Needs
    /// `correlation_key`.
    #[serde(default)]
    pub(in crate::config) correlate_headers: Vec<Spanned<String>>,
    /// Query parameters whose values are recorded as codes. Default: none. Needs `correlation_key`.
    #[serde(default)]
    pub(in crate::config) correlate_query: Vec<Spanned<String>>,
    /// Whether principals are recorded as codes. Default: `false`. Needs `correlation_key`.
    ///
    /// Private reasons of refusals and notes are then not recorded, since they may name a person.
    pub(in crate::config) pseudonymize_principals: Option<Spanned<bool>>,
    /// Whether client addresses are recorded as pseudonyms: addresses in `fd00::/8`. Default: `false`. Needs
    /// `correlation_key`.
    pub(in crate::config) pseudonymize_client_address: Option<Spanned<bool>>,
    /// A file with the key of the hash chain, readable by this user alone. Default: none.
    ///
    /// Without a key, anyone who can write the file can compute a new chain.
    pub(in crate::config) seal_key: Option<Spanned<PathBuf>>,
    /// A file with a key of the hash chain that is replaced at each rotation. Default: none. Not with `seal_key`; needs
    /// `checkpoint_key`, unless `checkpoints` is `false`.
    ///
    /// Who steals it can forge no record before the last rotation. The trail is verified with the first key. Made by
    /// `palisade audit seal-key`.
    pub(in crate::config) evolving_key: Option<Spanned<PathBuf>>,
    /// The length in MiB at which the file is closed and a new one begins. Default: 64.
    ///
    /// A start reads the current file whole, so this also bounds how long a start takes.
    pub(in crate::config) rotate_mib: Option<u64>,
    /// Whether older parts are compressed with zstd. Default: `false`. Needs the feature `audit-zstd`.
    pub(in crate::config) compress_parts: Option<Spanned<bool>>,
    /// How many records may wait in memory. Default: 8192; the sink uses at least 2.
    ///
    /// When the queue is full, `policy` decides.
    pub(in crate::config) queue: Option<usize>,
    /// Where checkpoints are written. Default: the file of the trail with `.checkpoints` after its
    /// name. `false`: nowhere.
    ///
    /// A file on another disk shows that the end of the trail was cut off.
    pub(in crate::config) checkpoints: Option<Spanned<Checkpoints>>,
    /// A file with the Ed25519 key that signs checkpoints. Default: the key of the hash chain.
    ///
    /// With it, the public half of the key is enough to check the trail.
    pub(in crate::config) checkpoint_key: Option<Spanned<PathBuf>>,
    /// After how many records a checkpoint is written: 1 to 1,000,000,000. Default: 10,000.
    pub(in crate::config) checkpoint_records: Option<Spanned<u64>>,
    /// After how long a checkpoint is written, in seconds: 1 to 86,400. Default: 60.
    pub(in crate::config) checkpoint_seconds: Option<Spanned<u64>>,
    /// The age at which older parts are deleted, in days: 1 to 36,525. Default: never.
    ///
    /// A part is deleted as a whole, after its last record has this age. A record `retired` names it.
    pub(in crate::config) keep_days: Option<Spanned<u64>>,
    /// The size of all files at which the oldest parts are deleted, in MiB: 1 to 2^30. Default:
    /// never.
    ///
    /// The file that is being written is never deleted, so the trail can be larger by `rotate_mib`.
    pub(in crate::config) keep_mib: Option<Spanned<u64>>,
    /// How many KiB of refusals are written a second: 1 to 2^20. Default: 32.
    ///
    /// Beyond it refusals are counted and not written, so that an attacker cannot fill the disk.
    pub(in crate::config) refusal_kib_per_second: Option<Spanned<u64>>,
    /// The time in which repeated refusals of one client become one record and a count, in seconds:
    /// 1 to 3600. Default: 60.
    pub(in crate::config) fold_seconds: Option<Spanned<u64>>,
    /// What is done when the disk is nearly full. Default: that of [`LowSpace`].
    #[serde(default)]
    pub(in crate::config) low_space: LowSpace,
    /// Further files, each with a trail of its own. Default: none.
    #[serde(default)]
    pub(in crate::config) files: Vec<AuditFile>,
    /// Syslog servers that get every record. Default: none.
    #[serde(default)]
    pub(in crate::config) syslog: Vec<AuditSyslog>,
    /// OpenTelemetry collectors that get every record. Default: none. Needs the feature `otlp`.
    #[serde(default)]
    pub(in crate::config) otlp: Vec<AuditOtlp>,
    /// Servers that get batches of records by POST. Default: none. Needs the feature `webhook`.
    #[serde(default)]
    pub(in crate::config) webhooks: Vec<AuditWebhook>,
    /// Which requests are recorded, and how much of them. Default: all, in full.
    #[serde(default)]
    pub(in crate::config) rules: Vec<AuditRule>,
    /// Whether each record is also a line of the log of the process. Default: `false`.
    #[serde(default)]
    pub(in crate::config) tracing: bool,
}

impl Audit {
    /// Returns how long responses wait, for each sink that says so.
    pub(in crate::config) fn deadlines(&self) -> impl Iterator<Item = &Option<Spanned<u64>>> {
        let files = self.files.iter().map(|sink| &sink.deadline_seconds);
        let syslog = self.syslog.iter().map(|sink| &sink.deadline_seconds);
        let otlp = self.otlp.iter().map(|sink| &sink.deadline_seconds);
        let webhooks = self.webhooks.iter().map(|sink| &sink.deadline_seconds);
        let first = std::iter::once(&self.deadline_seconds);
        let remote = syslog.chain(otlp).chain(webhooks);
        first.chain(files).chain(remote)
    }
}

/// Where checkpoints are written.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected the path of a file, or false")]
pub(in crate::config) enum Checkpoints {
    /// To this file.
    File(PathBuf),
    /// `false`: no file is written. `true`: the default file.
    Written(bool),
}

/// `low_space` of `[audit]`: the free space in MiB below which something is done.
///
/// Each number is from 0 to 2^30; 0 turns the action off. Several actions can be set, each with its
/// own threshold. The free space is checked once a second at most, while records are written.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct LowSpace {
    /// A warning is logged and recorded. Default: 512.
    pub(in crate::config) warn_mib: Option<Spanned<u64>>,
    /// Refusals are only counted, and allowed requests are still recorded. Default: 128.
    pub(in crate::config) count_refusals_mib: Option<Spanned<u64>>,
    /// The oldest parts are deleted. Default: 0, never, since deleted records are lost.
    pub(in crate::config) retire_oldest_mib: Option<Spanned<u64>>,
    /// Requests are refused with status 503. Default: 0, never, since the service then stops.
    pub(in crate::config) refuse_requests_mib: Option<Spanned<u64>>,
}
