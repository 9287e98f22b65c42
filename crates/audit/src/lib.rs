//! A tamper-evident audit trail of every request, also of the refused and the aborted ones.
//!
//! [`AuditLayer`] is the outermost layer. It sees a request first and its end last, and gives each
//! [`Sink`] one [`RequestRecord`]: who, what, when, from where, with which outcome, why refused,
//! what was cleaned, at which cost. Every request has one: a panic, an error, a client that
//! disconnects and a refusal are outcomes like others.
//!
//! ```no_run
//! use palisade_audit::{AuditLayer, FileSink};
//!
//! let audit = AuditLayer::builder()
//!     .sink(FileSink::builder("audit.jsonl").open()?)
//!     .build()?;
//! let closing = audit.handle();
//! // Put `audit` outermost, serve, and when the server has stopped:
//! # async { closing.close().await }; Ok::<(), palisade_audit::AuditBuildError>(())
//! ```
//!
//! Fail closed: no response starts before its record is on the disk, and the handler does not start
//! before the arrival of the request is recorded:
//!
//! ```no_run
//! use palisade_audit::{AuditKey, AuditLayer, FileSink, TracingSink};
//! use palisade_core::GuardLayer;
//!
//! let file = FileSink::builder("audit.jsonl")
//!     .key(AuditKey::from_file("audit.key")?)
//!     .fail_closed()
//!     .open()?;
//! let audit = AuditLayer::builder()
//!     .sink(file)
//!     .sink(TracingSink::new())
//!     .correlation_key(AuditKey::from_file("correlation.key")?)
//!     .correlate_query("user")
//!     .mask_client_address()
//!     .build()?;
//! let gate = audit.gate(); // innermost
//! let stack = GuardLayer((audit, gate));
//! # let _ = stack; Ok::<(), palisade_audit::AuditBuildError>(())
//! ```
//!
//! # What is in a record, and what is not
//!
//! No header value but the host, no query value and no body, unless a `dangerously_record_…` option says so.
//! Chosen values can be recorded as HMAC codes, which show only that two are equal; so can principals and addresses. A path is
//! recorded as the template of its route; where none is known, as its length and a code under a
//! key. It has the private reasons of refusals, which the client does not get. A record is one line
//! of at most 32 KiB, whatever is in it: line ends, escape sequences, invisible letters and
//! characters that turn the reading direction are escaped.
//!
//! | member | what it says |
//! |---|---|
//! | `v`, `type` | version 2; `request`, or `head` and `end` of one that had to be recorded before its response, or `gate` |
//! | `time`, `id`, `head_us`, `duration_us` | when the request came (UTC), its identifier, how long it took to the response head and in all |
//! | `method`, `route`, or `path_length` and `path_code` | the method; the template, or what is recorded of the path where there is none |
//! | `trace_id` | the trace of the request (W3C Trace Context), if the stack has a `TraceLayer` |
//! | `client`, `client_from`, `peer` | the address that the transport layer decided on; `peer` or `proxy`; the nearest proxy |
//! | `host`, `http`, `tls`, `scheme` | the host that was asked for; versions of HTTP and TLS; `http` or `https` |
//! | `request_bytes`, `request_bytes_read` | the declared length of the request body; how much of it was read |
//! | `principal` or `identity` | `kind`, `id`, `credential` (its public name), `owner`; or `anonymous`, or `unknown` without authentication |
//! | `fields` | chosen values: `hmac:…` under the correlation key, or in clear by a `dangerously_record_…` option |
//! | `status`, `how`, `bytes`, `grpc_status` | status of the response and outcome of the request (`complete`, `body_dropped`, `cancelled`, `panicked`, …); bytes that were handed to the server |
//! | `refused`, `would_refuse` | guard, stable code, policy and private reason; of several refusals the first and the last, and `refused_count` |
//! | `credential_failed` | kind, code and `failure` (`guess`, `expired`, …); of several the first and the last, and `credential_failed_count` |
//! | `cleaned`, `degraded`, `noted`, `close_panicked`, `facts_lost` | what guards noticed, with `count` where it occurred several times |
//! | `reserved`, `settled` | what limits and budgets took before the handler; what the request cost, by the units that the handler named |
//! | `sampled` | of how many successful requests this is the one with a record: see [`AuditRule`] |
//! | `hmac_key` | the public identifier of the key of the codes |
//! | `cut_from_bytes` | how long the record was before it was written without its notes |
//! | `seq`, `hash` | its place in the chain |
//!
//! Other records are `event` (something that is not a request: see [`AuditEvent`]) and the writer's
//! own: `opened` (a file begins), `resumed` (a process continues), `recovered` (something was set
//! aside or is missing), `lost` (requests without a record, counted), `folded` (repeated refusals,
//! counted), `retired` (older parts were deleted), `clock_step` (the machine's clock was set),
//! `rotated` (a file has its full length) and `closed`.
//!
//! All members are in [`RECORD_SCHEMA`], a JSON Schema (`palisade audit schema`). Trails of version 1 are read and verified.
//!
//! # What the chain shows
//!
//! Every record carries its number and a hash over itself and the record before. [`verify_file`]
//! lists all records that were altered, removed, repeated, moved or forged, and continues after
//! each. An attacker who can write the file can compute new hashes for all of it: give the sink a
//! [key](FileSinkBuilder::key). Such an attacker can also cut records off the end, or put an older
//! copy in place: keep [checkpoints](FileSinkBuilder::checkpoints_at) in a second place. Over the
//! records there is also a Merkle tree (RFC 9162), whose root is in every checkpoint. An
//! attacker who steals the key can forge the whole trail, or, if it [evolves](EvolvingKeyFile), what is written since the
//! last rotation. An attacker who reads the key from the memory of the process can forge records from then on: a
//! chain shows what happens to records after they were written, not what a process was made to
//! write.
//!
//! # Reading a trail
//!
//! | Question | In code | Command |
//! |---|---|---|
//! | Is it complete and unchanged? | [`verify_file`] | `palisade audit verify` |
//! | Who did what, and when? | [`read_trail`], [`RecordFilter`] | `palisade audit query` |
//! | What happens now? | [`follow_trail`] | `palisade audit tail` |
//! | How much, how fast, refused by what? | [`TrailReport`] | `palisade audit report` |
//! | In the form of another system? | [`StoredRecord::export`] | `palisade audit export` |
//! | Is this record in it, for somebody without the trail? | [`prove_record`], [`Proof::check`] | `palisade audit prove`, `check-proof` |
//! | Does it continue what I was shown before? | [`Witness`] | `palisade audit witness` |
//!
//! The first one checks all hashes. Run it before a record is used as evidence.
//!
//! # Sinks
//!
//! | Sink | Keeps records | A request waits | A record can be lost |
//! |---|---|---|---|
//! | [`FileSink`], fail closed | in a file with a hash chain | for the disk | no: the request is refused instead |
//! | [`FileSink`] | in a file with a hash chain | no | yes; counted in the chain |
//! | [`SyslogSink`] | on another machine | no | yes; counted where it is known |
//! | `OtlpSink` (feature `otlp`) | in an OpenTelemetry collector | no | yes; counted |
//! | `WebhookSink` (feature `webhook`) | on any server, at least once | no | when its spool on disk is full; counted |
//! | [`TracingSink`] | in the log of the process | no | as the subscriber decides |
//! | [`MemorySink`] | in memory, the latest ones | no | yes, the oldest ones |
//! | [`DetachedSink`] | in any other sink, on a thread | no | yes; counted |
//!
//! File, syslog, OTLP and webhook have a [`LossPolicy`]: with `Block` a request waits for a while, with `FailClosed` it
//! is refused if its record cannot be kept.
//!
//! # Deployment
//!
//! In fail-closed mode every response waits for the disk; responses that wait at the same time
//! share one sync. A full disk then means 503 for every client. Repeated refusals are counted
//! instead of written, first refusals have a budget, and [`FileSinkBuilder::low_space`] sets what
//! is done when little space is left. Still give the trail a separate partition, and an alarm on
//! its free space.
//!
//! One process writes a file; locks on the file and beside it ensure that. Other tools must not
//! move or cut the file (`logrotate` with `copytruncate`): the writer notices it and records an
//! incident. Rotation is built in.
//!
//! # Closing
//!
//! Call [`AuditHandle::close`] when the server has stopped. It waits for requests in progress, so
//! that the end of a streamed body is recorded that outlives `axum::serve`'s graceful shutdown.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod layer;
mod sink;
mod report;
mod export;
mod proof;
mod witness;
mod query;
mod verify;
mod chain;
mod record;
mod part_reader;
mod trail_files;
mod deadline_timer;
mod block_on;
mod evolving_key;
mod key;
mod error;

#[cfg(feature = "otlp")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
pub use self::sink::{OtlpSink, OtlpSinkBuilder};
#[cfg(feature = "webhook")]
#[cfg_attr(docsrs, doc(cfg(feature = "webhook")))]
pub use self::sink::{WebhookSink, WebhookSinkBuilder};
pub use self::{
    chain::{Anchor, CheckpointKey, CheckpointPublicKey, InvalidAnchor},
    error::{AcknowledgeError, AuditBuildError, InvalidCorrelatedField, SinkUnavailable},
    evolving_key::EvolvingKeyFile,
    export::ExportFormat,
    key::AuditKey,
    layer::{
        AuditGate, AuditHandle, AuditLayer, AuditLayerBuilder, AuditLevel, AuditPass, AuditRule,
        SinkPolicy,
    },
    proof::{Proof, ProofError, ProvenFact, prove_consistency, prove_record},
    query::{
        RecordFilter, StoredRecord, TrailFollower, TrailReader, UnreadablePart, follow_trail,
        read_trail,
    },
    record::{AuditEvent, CorrelatedField, RECORD_SCHEMA, RequestRecord, event_id},
    report::TrailReport,
    sink::{
        DetachedSink, DetachedSinkBuilder, FileSink, FileSinkBuilder, LossPolicy, LowSpaceAction,
        MemorySink, Sink, SyslogAddress, SyslogSink, SyslogSinkBuilder, TracingSink,
    },
    verify::{
        CheckpointSummary, Finding, FindingClass, FindingReason, TimeGap, VerifyError,
        VerifyOptions, VerifyOutcome, VerifyReport, acknowledge, verify, verify_file,
    },
    witness::{Witness, WitnessAccepted, WitnessRefusal},
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
