//! API keys through their public layer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    missing_docs
)]

mod allocations;
mod attacks;
mod attacks_records;
mod attacks_in_clear;
mod connection;
mod file;
mod pepper_file;
mod file_errors;
mod file_changes;
mod keys;
mod layer;
mod slow_store;
mod props;
mod secrets;
mod support;
