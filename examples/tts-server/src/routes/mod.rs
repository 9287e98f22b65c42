//! What the server answers.

mod ask;
mod health;
mod page;
mod session;
mod tts;
mod voices;
