//! The voice from the outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod command;
mod damage;
mod packages;
mod reading;
mod speaking;
mod ssml;
mod text;
