//! A tamper-evident audit trail of every request, also of the refused and the aborted ones.
//!
//! [`AuditLayer`] is the outermost layer. It sees a request first and its end last, and gives each
//! [`Sink`] one [`RequestRecord`] for it: who, what, when, from where, with which outcome, why refused, what
//! was cleaned, at which cost. There is one for every request: a panic, an error, a client that left
//! and a refusal are outcomes like others.
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
//! Without a record no answer, and a record of its coming before the handler starts:
//!
//! ```no_run
//! use palisade_audit::{AuditKey, AuditLayer, FileSink, TracingSink};
//! use palisade_core::{Chain, GuardLayer};
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
//! let stack = GuardLayer(Chain(audit, gate));
//! # let _ = stack; Ok::<(), palisade_audit::AuditBuildError>(())
//! ```
//!
//! # What is in a record, and what is not
//!
//! No header value, no query value and no body, unless a loudly named option says so; chosen values
//! can be recorded as codes under a key, which tell only that two are equal. A path is recorded as
//! the template of its route; where none is known, as its length and a code under a key. Reasons that
//! a client is not told are there. A record is one line of at most 32 KiB, whatever is in it: line
//! ends, escape sequences, invisible letters and characters that turn the reading direction are
//! escaped.
//!
//! | member | what it says |
//! |---|---|
//! | `v`, `type` | version 1; `request`, or `head` and `end` of one that had to be recorded before its answer, or `gate` |
//! | `time`, `id`, `duration_us` | when the request came (UTC), its identifier, how long it took |
//! | `method`, `route`, or `path_length` and `path_code` | the method; the template, or what is recorded of the path where there is none |
//! | `client`, `scheme` | the address that the transport layer decided on, and `http` or `https` |
//! | `principal` or `identity` | `kind`, `id`, `credential` (its public name), `owner`; or `anonymous`, or `unknown` if nobody looked |
//! | `fields` | chosen values: `hmac:…` under the correlation key, or in clear by a loud option |
//! | `status`, `how`, `bytes`, `grpc_status` | the answer and its ending (`complete`, `body_dropped`, `cancelled`, `panicked`, …); bytes that were handed to the server |
//! | `refused`, `would_refuse` | guard, stable code and private reason; of several refusals the first and the last, and `refused_count` |
//! | `credential_failed` | kind, code and `failure` (`guess`, `expired`, …); of several the first and the last, and `credential_failed_count` |
//! | `cleaned`, `degraded`, `noted`, `close_panicked`, `facts_lost` | what guards noticed, with `count` where it occurred several times |
//! | `settled` | what the request cost, in the handler's words |
//! | `cut_from_bytes` | how long the record was before it was written without its notes |
//! | `seq`, `hash` | its place in the chain |
//!
//! Other records are `event` (something that is no request: see [`AuditEvent`]) and the writer's own:
//! `opened` (a file begins), `resumed` (a process goes on), `recovered` (something was set aside or is
//! gone), `lost` (requests without a record, counted), `folded` (repeated refusals, counted),
//! `retired` (older parts were deleted), `clock_step` (the machine's clock was set) and `closed`.
//!
//! # What the chain shows
//!
//! Every record carries its number and a hash over itself and the record before. [`verify_file`]
//! lists all records that were altered, removed, repeated, moved or forged, and goes on after each.
//! Whoever can write the file can compute new hashes for all of it, so give the sink a
//! [key](FileSinkBuilder::key); and can cut records off the end or put an older copy in place, so keep
//! [checkpoints](FileSinkBuilder::checkpoints_at) in a second place. Somebody who reads the key from
//! the memory of the process can forge from then on: a chain shows what happens to records after they
//! were written, not what a process was made to write.
//!
//! # Deployment
//!
//! In fail-closed mode every answer waits for the disk: waiting answers share one sync. A disk that is
//! full then means 503 for everybody. Repeated refusals are counted in place of being written, what
//! first ones may take has a budget, and [`FileSinkBuilder::low_space`] says what is done when the
//! disk has little room; still give the trail a partition of its own and an alarm.
//!
//! One process writes a file, and locks on the file and beside it see to that. Other tools must not
//! move or cut the file (`logrotate` with `copytruncate`): it is noticed and told as an incident.
//! Rotation is built in.
//!
//! # Closing
//!
//! Call [`AuditHandle::close`] when the server has stopped. It waits for requests under way, so that
//! the end of a streamed body is recorded that outlives `axum::serve`'s graceful shutdown.

mod chain;
mod error;
mod event;
mod file;
mod fold;
mod json;
mod key;
mod layer;
mod names;
mod redact;
mod sink;
mod time;
mod verify;

pub use self::{
    chain::{Anchor, CheckpointKey, CheckpointPublicKey, InvalidAnchor},
    error::{AcknowledgeError, AuditBuildError, SinkUnavailable},
    event::{AuditEvent, RequestRecord, event_id},
    file::{FileSink, FileSinkBuilder, LowSpaceAction},
    key::AuditKey,
    layer::{AuditGate, AuditHandle, AuditLayer, AuditLayerBuilder, AuditPass, SinkPolicy},
    sink::{DetachedSink, MemorySink, Sink, TracingSink},
    verify::{
        CheckpointSummary, Finding, FindingClass, FindingReason, TimeGap, VerifyError,
        VerifyOptions, VerifyOutcome, VerifyReport, acknowledge, verify, verify_file,
    },
};
