//! A tamper-evident audit trail of every request, also of the refused and the aborted ones.
//!
//! [`AuditLayer`] stands outermost. It hears of a request first and of its end last, and gives each
//! [`Sink`] one [`Event`] for it: who, what, when, from where, with which outcome, why refused, what
//! was cleaned, at which cost. There is one for every request: a panic, an error, a client that left
//! and a refusal are outcomes like others.
//!
//! ```no_run
//! use palisade_audit::{AuditLayer, FileSink};
//!
//! let audit = AuditLayer::builder()
//!     .sink(FileSink::at("audit.jsonl").open()?)
//!     .build()?;
//! let closing = audit.handle();
//! // Put `audit` outermost, serve, and when the server has stopped:
//! # async { closing.close().await }; Ok::<(), palisade_audit::AuditError>(())
//! ```
//!
//! Without a record no answer, and a record of its coming before the handler starts:
//!
//! ```no_run
//! use palisade_audit::{AuditKey, AuditLayer, FileSink, TracingSink};
//! use palisade_core::{Chain, GuardLayer};
//!
//! let file = FileSink::at("audit.jsonl")
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
//! # let _ = stack; Ok::<(), palisade_audit::AuditError>(())
//! ```
//!
//! # What stands in a record, and what does not
//!
//! No header value, no query value and no body, unless a loudly named option says so; chosen values
//! can be recorded as codes under a key, which tell only that two are equal. A path stands there as
//! the template of its route; where none is known, shortened. Reasons that a client is not told are
//! there. A record is one line, whatever is in it: line ends, escape sequences and characters that
//! turn the reading direction are escaped.
//!
//! | member | what it says |
//! |---|---|
//! | `v`, `type` | version 1; `request`, or `head` and `end` of one that had to be recorded before its answer, or `gate` |
//! | `time`, `id`, `duration_us` | when the request came (UTC), its identifier, how long it took |
//! | `method`, `route` or `path` | the method; the template, or the shortened path where there is none |
//! | `client`, `scheme` | the address that the transport layer decided on, and `http` or `https` |
//! | `principal` or `identity` | `kind`, `id`, `credential` (its public name), `owner`; or `anonymous`, or `unknown` if nobody looked |
//! | `fields` | chosen values: `hmac:…` under the correlation key, or in clear by a loud option |
//! | `status`, `how`, `bytes`, `grpc_status` | the answer and its ending (`complete`, `body_dropped`, `cancelled`, `panicked`, …); bytes that were handed to the server |
//! | `refused`, `would_refuse` | guard, stable code and private reason |
//! | `credential_failed`, `cleaned`, `degraded`, `noted`, `close_panicked`, `facts_lost` | what guards noticed |
//! | `settled` | what the request cost, in the handler's words |
//! | `seq`, `hash` | its place in the chain |
//!
//! The writer's own records are `opened` (a file begins), `resumed` (a process goes on), `recovered`
//! (something was set aside), `lost` (requests without a record, counted) and `closed`.
//!
//! # What the chain shows
//!
//! Every record carries its number and a hash over itself and the record before. [`verify_file`]
//! names the first record that was altered, removed, repeated, moved or forged. Whoever can write the
//! file can compute new hashes for all of it, so give the sink a [key](FileSinkBuilder::key); and can
//! cut records off the end, so keep an [`Anchor`] elsewhere. Somebody who reads the key from the
//! memory of the process can forge from then on: a chain shows what happens to records after they
//! were written, not what a process was made to write.
//!
//! # Deployment
//!
//! In fail-closed mode every answer waits for the disk, refusals too: waiting answers share one sync.
//! A disk that is full then means 503 for everybody, so give the trail a partition of its own and an
//! alarm, and put a limit by address inside the layer, so that one client cannot fill it alone.
//!
//! A trail that is being written may end in a line that is not whole yet; verify it again, or after
//! [`AuditHandle::flush`].
//!
//! One process writes a file, and its lock sees to it. Other tools must not move or cut the file
//! (`logrotate` with `copytruncate`): it is noticed and told as damage. Rotation is built in.

mod chain;
mod error;
mod event;
mod file;
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
    error::{AuditError, Unavailable},
    event::{AuditEvent, Event, event_id},
    file::{FileSink, FileSinkBuilder},
    key::AuditKey,
    layer::{AuditGate, AuditHandle, AuditLayer, AuditLayerBuilder, AuditPass, SinkPolicy},
    sink::{DetachedSink, MemorySink, Sink, TracingSink},
    verify::{
        Checkpoints, Class, Finding, Outcome, Reason, TimeGap, VerifyError, VerifyOptions,
        VerifyReport, acknowledge, verify, verify_file,
    },
};
