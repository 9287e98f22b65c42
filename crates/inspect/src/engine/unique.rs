//! A number for each request, for rules that take a sample.
//!
//! It is the variable `UNIQUE_ID`. The Core Rule Set hashes it to inspect only a part of the
//! traffic (`tx.sampling_percentage`). It is not random and no secret.

use std::sync::atomic::{AtomicU64, Ordering};

/// The next number, as text. It only has to differ; rules hash it.
///
/// The form is `process id.counter`, so two processes of one host differ too.
pub(super) fn next() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}.{count}", std::process::id())
}
