//! The gateway between a real client over TLS and an upstream that shows every byte it gets.

#![cfg(test)]

mod admin;
mod auth_endpoint;
mod budgets;
mod client;
mod client_certificates;
mod configuration;
mod denied_tokens;
mod executed;
mod failures;
mod forwarding;
mod hygiene;
mod hyper_upstream;
mod inspect;
mod listeners;
mod mcp;
mod mistakes;
mod presets;
mod python_server;
mod real_clients;
mod reloads;
mod servers;
mod revoked;
mod same_decisions;
mod shadow;
mod smuggling;
mod status_page;
mod snippets;
mod sockets;
mod stack;
mod traces;
mod transport;
mod upstream;
mod websocket;
