//! Mandarin text to speech: SAM-BERT and HiFi-GAN on candle, with a front end for text.

mod acoustic;
mod kernel;
mod load;
mod plan;
mod probe;
mod speech;
mod stop;
mod style;
mod text;
mod units;
mod vocoder;
mod voice;
pub mod wav;

pub use self::{
    load::LoadError,
    plan::{Plan, TextError},
    speech::{SpeakError, Speech},
    stop::StopSignal,
    style::{Emotion, InvalidSpeed, Style, UnknownEmotion},
    voice::Voice,
};

#[cfg(test)]
mod parity;
