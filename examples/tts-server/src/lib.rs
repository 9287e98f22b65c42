//! The reference server: Mandarin text to speech, safe to put on the public internet.
//!
//! The only place where a model and the middleware meet. Everything that protects is in the layers;
//! what is here speaks, shows a page, keeps its sessions, and starts without a configuration.

mod args;
mod audit;
mod cors;
mod encoding;
mod error;
mod first_start;
mod limits;
mod listen;
mod metrics;
mod reload;
mod routes;
mod server;
mod sessions;
mod settings;
mod shield;
mod state;
mod synthesis;
mod text;
mod tls;

pub use self::{
    args::Args,
    error::StartError,
    first_start::{DataFolder, new_key},
    reload::Reloader,
    server::{Ingredients, Server},
    settings::Settings,
    synthesis::{ModelVoice, Speech, SpeechError, Unspeakable, Utterance, Voice, VoiceInfo, Words},
};
