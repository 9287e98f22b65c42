//! Synthesis on its own threads: each speaks one text at a time, and texts take turns. Further clients get 503 with
//! `Retry-After`. A client that reads slowly holds no thread; the work for one that disconnects ends.

mod job;
mod listener;
mod markup;
mod model;
mod pipe;
mod queue;
mod voice;
mod voices;
mod worker;

use self::{
    job::{Job, Turn},
    pipe::Pipe,
};
pub(crate) use self::{
    listener::Listener,
    pipe::Delivery,
    queue::{Bounds, Order, Queue, QueueFull},
    voices::Voices,
    worker::Workers,
};
pub use self::{
    model::ModelVoice,
    voice::{Speech, SpeechError, Stretch, Unspeakable, Utterance, Voice, VoiceInfo, Words},
};
