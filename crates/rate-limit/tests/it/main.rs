//! The layer and its stores, through their public faces.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod allocations;
mod attacks;
mod budgets;
mod concurrency;
mod fields;
mod layer;
mod layer_keys;
mod layer_build;
mod memory;
mod networks;
mod obey;
mod overflow;
mod penalty;
mod props;
mod redis;
mod refund;
mod settle;
mod support;
