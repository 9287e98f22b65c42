//! What `palisade-inspect` promises to its users, one file a promise.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs
)]

mod crs_stages;
mod bounds;
mod layer;
mod ordinary_requests;
mod phases;
mod values;
