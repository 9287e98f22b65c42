//! Tests of the core through its public API.

#![cfg(test)]

mod absent_credentials;
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
mod recheck;
mod shadow;
mod shared_time;
mod sockets;
mod stacked_authentication;
mod support;
mod traces;
