//! Requests that turn text into sound: `[[speech]]`, for budgets of characters and seconds of audio.
//!
//! The characters are known before: they are those of the text, wherever the request has it ([`request`]). The sound is
//! known after: the most that a text can take is reserved, and settled by the sound that passed ([`audio`]).

mod audio;
mod request;

pub(super) use self::{audio::AudioLength, request::SpeechRequest};
use super::field_names::has_field;
use crate::pattern::Pattern;

/// Which requests speak a text, and the most that they can cost.
#[derive(Clone, Debug)]
pub(super) struct SpeechRule {
    /// The path; a star stands for any text.
    pub(super) path: Pattern,
    /// The name of the text, in a query, a form or a JSON object.
    pub(super) text: String,
    /// The most sound of one character.
    pub(super) millis_each: u64,
    /// The price of a million characters, in millionths. `None`: a budget of money cannot count it.
    pub(super) price: Option<u64>,
}

impl SpeechRule {
    /// Returns whether a query has the text.
    pub(super) fn is_in_query(&self, query: Option<&str>) -> bool {
        has_field(query.unwrap_or_default(), &self.text)
    }
}

/// The most that one request can speak.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Speech {
    /// Characters of the text, as Unicode counts them.
    pub(super) characters: u64,
    /// Milliseconds of sound.
    pub(super) audio_millis: u64,
    /// The price of a million characters, in millionths.
    pub(super) price: u64,
    /// The price of a minute of sound, in millionths.
    pub(super) minute_price: u64,
    /// Where the sound is.
    pub(super) side: SoundSide,
}

/// Where the sound of a request is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum SoundSide {
    /// The client sends it, and the response tells how long it is.
    Request,
    /// The server makes it of a text.
    #[default]
    Response,
}
