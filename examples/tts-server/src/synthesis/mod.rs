//! Speech off the asynchronous threads: at most one text a thread is spoken at a time, some take turns, the rest
//! are told when to come again. Who reads slowly holds no thread, and who leaves takes the work with them.

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
    queue::{Bounds, Full, Order, Queue},
    voices::Voices,
    worker::Workers,
};
pub use self::{
    model::ModelVoice,
    voice::{Speech, SpeechError, Unspeakable, Utterance, Voice, VoiceInfo, Words},
};
