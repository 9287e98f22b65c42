//! The real binary, run as people run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod audit;
mod help;
mod key;
mod support;
mod token;
