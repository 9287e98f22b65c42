//! The server through its sockets: real TLS, the real stack, a voice that is quick and patient.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs
)]

mod acme;
mod any_text;
mod browser;
mod clients;
mod cors;
mod first_start;
mod formats;
mod killed;
mod leaving;
mod limits;
mod openai;
mod openapi;
mod page;
mod refusals;
mod reload;
mod secrets;
mod sessions;
mod speech;
mod streaming;
mod support;
mod timing;
mod voices;
