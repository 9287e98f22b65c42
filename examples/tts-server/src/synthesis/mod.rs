//! Speech off the asynchronous threads: at most one text a core is spoken, a few wait, the rest are
//! told when to come again, and whoever leaves takes the work with them.

mod model;
mod queue;
mod voice;
mod worker;

pub use self::{
    model::ModelVoice,
    queue::{Full, Job, Queue},
    voice::{Speech, SpeechError, Utterance, Voice, VoiceInfo},
    worker::Workers,
};
