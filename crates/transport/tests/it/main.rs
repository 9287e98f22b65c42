//! The layers through their public face, and the server on real sockets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod acme;
mod attacks;
mod attacks_in_clear;
mod attacks_addresses;
mod capacity;
mod certificate_layer;
mod certificates;
mod client_auth;
mod development;
mod events;
mod floods;
mod frames;
mod health;
mod hostile;
mod layers;
mod forwarded;
mod limits;
#[cfg(unix)]
mod listeners;
mod nginx;
mod peers;
mod protocols;
mod proxy_protocol;
mod resumption;
mod shutdown;
mod slow;
mod support;
