//! Tests of the core through its public API.
#![allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    clippy::must_use_candidate,
    clippy::missing_panics_doc
)]

mod authentication;
mod challenges;
mod authorization;
mod by_header;
mod capacity;
mod extractors;
mod grpc;
mod leases;
mod outcomes;
mod refusals;
mod request_bodies;
mod request_ids;
mod routes;
mod sequence;
mod panics;
mod shadow;
mod shared_time;
mod sockets;
mod stacked_authentication;
mod support;
