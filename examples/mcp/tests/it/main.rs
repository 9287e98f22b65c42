//! The server with real clients of the protocol, and an authorization server of the tests.

#![cfg(test)]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod refusals;
mod rust_client;
mod sessions;
mod support;
mod typescript_client;
