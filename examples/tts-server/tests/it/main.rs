//! The server through its sockets: real TLS, the real stack, a voice that is quick and patient.

#![cfg(test)]

mod acme;
mod any_text;
mod browser;
mod clients;
mod cors;
mod first_start;
mod formats;
mod http_alone;
mod killed;
mod leaving;
mod limits;
mod openai;
mod openapi;
mod page;
mod ranges;
mod refusals;
mod reload;
mod secrets;
mod sessions;
mod speech;
mod streaming;
mod support;
mod timing;
mod voices;
