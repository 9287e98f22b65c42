//! The audit trail through its public layer, its file and its verification.

#![cfg(test)]

mod allocations;
mod attacks;
#[cfg(unix)]
mod disk;
mod endings;
#[cfg(feature = "zstd")] // for the helpers of its tests
mod evolving;
mod fail_closed;
mod file;
mod flood;
mod follow;
#[cfg(feature = "otlp")]
mod http_replies;
mod incidents;
mod checkpoints;
#[cfg(feature = "zstd")]
mod compressed;
#[cfg(feature = "zstd")]
mod damaged_parts;
mod killed;
mod log_spans;
#[cfg(feature = "otlp")]
mod otlp;
mod origin;
mod proofs;
mod pseudonyms;
mod props;
mod query;
mod records;
mod redaction;
#[cfg(unix)]
mod rsyslog;
mod rules;
mod rules_fail_closed;
mod schema;
mod repeats;
#[cfg(feature = "otlp")]
mod sink_losses;
#[cfg(feature = "otlp")]
mod sink_policies;
#[cfg(all(feature = "otlp", feature = "syslog-tls"))]
mod sink_tls;
mod sink_orders;
mod sinks;
mod support;
mod syslog;
mod verification;
mod versions;
#[cfg(feature = "webhook")]
mod webhook;
mod witness;
