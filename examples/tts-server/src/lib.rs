//! The reference server: Mandarin text to speech, safe to put on the public internet.
//!
//! The only place where a model and the middleware meet. Everything that protects is in the layers;
//! what is here speaks, shows a page, keeps its sessions, and starts without a configuration.

mod args;
mod metrics;
mod routes;
mod sessions;
mod state;
mod synthesis;

pub use self::args::Args;
