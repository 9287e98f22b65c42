//! A number for each request, for rules that take a sample.

use std::sync::atomic::{AtomicU64, Ordering};

/// The next number, as text. It only has to differ; rules hash it.
pub(super) fn next() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}.{count}", std::process::id())
}
