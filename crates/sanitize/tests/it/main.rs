//! What the sanitizer and its layer promise, tested from outside.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs
)]

mod allocations;
mod attacks;
mod body;
mod body_kinds;
mod chat_apis;
mod contract;
mod hidden_channels;
mod json;
mod masks;
mod near_names;
mod personal_data;
mod plain_text;
mod presets;
mod props;
mod query;
mod sanitizer;
mod servers;
mod support;
mod template_tokens;
mod vectors;
