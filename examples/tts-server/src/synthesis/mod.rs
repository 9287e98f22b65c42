//! Speech off the asynchronous threads: at most one text a core is spoken, a few wait, the rest are
//! told when to come again, and whoever leaves takes the work with them.

mod model;
mod queue;
mod voice;
mod worker;

pub use self::{
    model::ModelVoice,
    voice::{Speech, SpeechError, Utterance, Voice, VoiceInfo},
};
pub(crate) use self::{
    queue::{Full, Job, Queue},
    worker::Workers,
};
