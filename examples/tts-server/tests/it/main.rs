//! The server through its sockets: real TLS, the real stack, a voice that is quick and patient.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs
)]

mod browser;
mod first_start;
mod leaving;
mod limits;
mod page;
mod refusals;
mod secrets;
mod sessions;
mod speech;
mod support;
