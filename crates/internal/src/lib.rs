//! Helpers that several crates of Palisade share.
//!
//! - `background_tasks` (feature `redis`): work that a request does not wait for.
//! - [`decimal`]: numbers as decimal digits.
//! - `folder_watch` (feature `folder-watch`): waits until the files of a folder change.
//! - [`free_port`]: a TCP port for a program that a test starts.
//! - [`hex`]: bytes as hexadecimal digits.
//! - [`html`]: text in a page of HTML.
//! - [`http_challenge`]: requests of an ACME authority.
//! - [`log_lines`]: counts log lines, for tests.
//! - [`log_limit`]: log lines that a client can cause, bounded in number.
//! - [`method_name`]: the name of a method for logs and spans.
//! - [`open_sockets`]: leaves file descriptors for files.
//! - [`percent`]: percent-encoding, and the decoding of queries and forms.
//! - [`polling`]: bounded waits for another program, for tests.
//! - [`private_file`]: files with mode 0600, written atomically.
//! - `redis_link` (feature `redis`): a connection to a Redis server that is opened again.
//! - `redis_settings` (feature `redis`): what the stores in such a server are set by alike.
//! - [`redis_server`]: a Redis server that a test starts.
//! - [`rfc3339`]: dates with time and offset, as text.
//! - [`secret_strength`]: detects secrets that are not random.
//! - [`short_bytes`]: values of header fields that share an allocation.
//! - [`uri`]: changes of a request's target.
//! - [`wall_clock`]: a wall clock that does not step back.
//! - [`watched_file`]: files that are read again when they change.
//!
//! **Not for use outside Palisade.** The interface changes without notice.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stderr))] // helpers of tests

#[cfg(feature = "redis")]
pub mod background_tasks;
#[cfg(feature = "redis")]
pub mod redis_settings;
#[cfg(feature = "redis")]
pub mod redis_link;
pub mod watched_file;
#[cfg(feature = "folder-watch")]
pub mod folder_watch;
pub mod private_file;
pub mod log_limit;
pub mod wall_clock;
pub mod rfc3339;
pub mod http_challenge;
pub mod html;
pub mod method_name;
pub mod open_sockets;
pub mod uri;
pub mod percent;
pub mod hex;
pub mod decimal;
pub mod short_bytes;
pub mod secret_strength;
pub mod redis_server;
pub mod free_port;
pub mod log_lines;
pub mod polling;
