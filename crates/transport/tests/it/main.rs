//! The layers through their public face, and the server on real sockets.

#![cfg(test)]

mod acme;
mod attacks;
mod attacks_in_clear;
mod attacks_addresses;
mod capacity;
mod certificate_layer;
mod certificate_swaps;
mod certificates;
mod client_auth;
mod client_auth_files;
mod clients;
mod development;
mod events;
mod flood_kinds;
mod floods;
mod frames;
mod health;
mod held_connections;
mod hostile;
mod layers;
mod forwarded;
mod limits;
mod log_lines;
#[cfg(unix)]
mod listeners;
mod nginx;
mod nonces;
mod peers;
mod protocols;
mod proxy_protocol;
mod resumption;
mod shutdown;
mod slow;
mod support;
