//! Comparison with the reference.
#![allow(
    clippy::print_stdout,
    reason = "the tests tell how far from the reference they are"
)]

mod beside;
mod chunks;
mod containers;
mod demo;
mod annotated_sentences;
mod given;
mod package;
mod reference;
