//! The gateway between a real client over TLS and an upstream that shows every byte it gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod client;
mod configuration;
mod failures;
mod forwarding;
mod stack;
mod upstream;
