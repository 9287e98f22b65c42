//! The reference server: Mandarin text to speech, safe to put on the public internet.
//!
//! The only place where a model and the middleware meet. Everything that protects is in the layers;
//! what is here speaks, shows a page, keeps its sessions, and starts without a configuration.

// From what starts the server down to what everything rests on: a module imports only from those below it.
mod args;
mod server;
mod reload;
mod finish;
mod listen;
mod shield;
mod limits;
mod cors;
mod text;
mod audit;
mod tls;
mod routes;
mod state;
mod sessions;
mod sound_cache;
mod settings;
mod models;
mod synthesis;
mod encoding;
mod metrics;
mod first_start;
mod error;

pub use self::{
    args::Args,
    error::StartError,
    first_start::{DataFolder, new_key},
    reload::Reloader,
    server::{Server, ServerParts},
    settings::Settings,
    synthesis::{
        ModelVoice, Speech, SpeechError, Stretch, Unspeakable, Utterance, Voice, VoiceInfo, Words,
    },
};
