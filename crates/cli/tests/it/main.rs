//! Tests of the program itself, run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    missing_docs
)]

mod audit;
mod audit_proofs;
mod cert;
mod check;
mod doctor;
mod gateway;
mod help;
mod inspect;
mod key;
mod limits;
#[cfg(target_os = "linux")]
mod owners;
mod support;
mod token;
mod token_doctor;
mod try_address;
mod try_command;
mod try_text;
