//! The gateway between a real client over TLS and an upstream that shows every byte it gets.

#![cfg(test)]

mod admin;
mod auth_endpoint;
mod budgets;
mod client;
mod client_certificates;
mod configuration;
mod failures;
mod forwarding;
mod hygiene;
mod hyper_upstream;
mod inspect;
mod listeners;
mod mistakes;
mod presets;
mod reloads;
mod servers;
mod revoked;
mod shadow;
mod smuggling;
mod snippets;
mod stack;
mod transport;
mod upstream;
mod websocket;
