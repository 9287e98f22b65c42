//! What several crates of Palisade write alike: private files, and log lines whose number is bounded.
//!
//! **Not for use outside of Palisade.** Its interface changes without notice.

pub mod log_limit;
pub mod private_file;
