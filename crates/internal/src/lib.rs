//! What several crates of Palisade write alike: private files, files that are watched, log lines whose
//! number is bounded, a wall clock that does not step back, and the judgement of weak secrets.
//!
//! **Not for use outside of Palisade.** Its interface changes without notice.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stderr))] // helpers of tests

pub mod log_limit;
pub mod private_file;
pub mod secret_strength;
pub mod wall_clock;
pub mod watched_file;
