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
mod connection;
mod file;
mod keys;
mod layer;
mod props;
mod secrets;
mod support;
