//! The request for speech: read strictly, and checked against what the voices can do.

mod json;
mod query;

use std::{fmt, time::Duration};

use palisade::core::Principal;

use super::request_error::{Field, RequestError};
use crate::{
    encoding::Format,
    sound_cache::SoundKey,
    state::SPEED,
    synthesis::{Delivery, Order, Unspeakable, Utterance, Voices, Words},
};

pub(in crate::routes) use self::{
    json::{TtsRequest, check_body, from_json, read},
    query::from_query,
};

/// How long a character sounds at the slowest speed: a syllable, and its share of a comma.
const CHARACTER: Duration = Duration::from_millis(600);
/// How long the breaks in a document may be, all together.
const PAUSES: Duration = Duration::from_secs(60);

/// A request for speech, not yet checked. The layer for text has cleaned and counted the words.
pub(crate) struct SpeechRequest {
    pub(crate) words: Words,
    pub(crate) voice: Option<String>,
    pub(crate) emotion: Option<String>,
    pub(crate) speed: Option<f32>,
    pub(crate) format: Option<String>,
    /// What is done with characters that the voice cannot speak.
    pub(crate) unspeakable: Option<String>,
    /// The sample rate of PCM. Default: that of the voice.
    pub(crate) pcm_rate: Option<u32>,
    pub(crate) delivery: Delivery,
    /// Whether the times of the words are wanted, and in which form.
    pub(crate) timing: Option<String>,
}

/// A request that was checked, with its order for the queue.
pub(crate) struct PreparedSpeech {
    pub(crate) order: Order,
    pub(crate) format: Format,
    /// Samples a second in the response.
    pub(crate) sample_rate: u32,
    /// The form in which the times of the words are wanted, in place of the sound alone.
    pub(crate) timing: Option<Timing>,
}

impl PreparedSpeech {
    /// Tells whether the response is a whole sound file and nothing else.
    pub(crate) fn is_plain_file(&self) -> bool {
        self.timing.is_none() && self.order.delivery == Delivery::Whole
    }

    /// Returns how many characters were sent.
    pub(crate) fn characters(&self) -> u64 {
        self.order.utterance.words.as_str().chars().count() as u64
    }

    /// Returns the key of its file in the cache, for one client.
    pub(crate) fn cache_key(&self, who: &Principal) -> SoundKey {
        let (voice, rate) = (self.order.voice.info().id, self.sample_rate.to_string());
        let settings = [voice.as_str(), self.format.name(), &rate];
        SoundKey::new(who, &settings, &self.order.utterance)
    }
}

/// A form of the times of words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Timing {
    /// Server-sent events: the sound in pieces, and each word before it is heard.
    Events,
    /// An object with the sound, every word and every syllable.
    Json,
    /// Subtitles of SubRip.
    Srt,
    /// Subtitles of the web (WebVTT).
    Vtt,
}

impl Timing {
    /// Finds a form by its name.
    fn named(name: &str) -> Result<Self, RequestError> {
        match name {
            "events" => Ok(Self::Events),
            "json" => Ok(Self::Json),
            "srt" => Ok(Self::Srt),
            "vtt" => Ok(Self::Vtt),
            _ => Err(RequestError::Timing),
        }
    }
}

impl SpeechRequest {
    /// Checks it against the voices.
    pub(crate) fn check(
        self,
        voices: &Voices,
        max_graphemes: usize,
        unspeakable: Unspeakable,
    ) -> Result<PreparedSpeech, RequestError> {
        if self.words.as_str().trim().is_empty() {
            return Err(RequestError::TextEmpty(match self.words {
                Words::Plain(_) => Field::Text,
                Words::Ssml(_) => Field::Ssml,
            }));
        }
        let unknown =
            || RequestError::Voice(voices.names().into_iter().map(str::to_owned).collect());
        let entry = voices.find(self.voice.as_deref()).ok_or_else(unknown)?;
        let info = &entry.info;
        let utterance = Utterance {
            speed: speed(self.speed)?,
            emotion: emotion(self.emotion, &info.emotions)?,
            unspeakable: match self.unspeakable.as_deref() {
                None => unspeakable,
                Some(name) => Unspeakable::named(name).ok_or(RequestError::Unspeakable)?,
            },
            longest: longest(&self.words, max_graphemes),
            words: self.words,
        };
        let format = format(self.format.as_deref(), info.sample_rate)?;
        let sample_rate = match format {
            Format::Pcm => self.pcm_rate.unwrap_or(info.sample_rate),
            format => format.rate(info.sample_rate),
        };
        let timing = self.timing.as_deref().map(Timing::named).transpose()?;
        // The times of all words are known with the last.
        let delivery = match timing {
            Some(Timing::Events) => Delivery::Stream,
            Some(_) => Delivery::Whole,
            None => self.delivery,
        };
        let extent = delivery.extent();
        let encoder = format.encoder_at(info.sample_rate, sample_rate, extent);
        Ok(PreparedSpeech {
            order: Order {
                voice: entry.voice.clone(),
                sample_rate: info.sample_rate,
                utterance,
                encoder: encoder
                    .map_err(|_| RequestError::Format(Format::names(info.sample_rate)))?,
                delivery,
                timed: timing.is_some(),
            },
            format,
            sample_rate,
            timing,
        })
    }
}

/// Returns how long a text may sound: as long as one of common characters at the slowest speed, and with marks also
/// the pauses that they can ask for.
fn longest(words: &Words, max_graphemes: usize) -> Duration {
    let characters = u32::try_from(max_graphemes).unwrap_or(u32::MAX);
    let sound = CHARACTER.saturating_mul(characters);
    match words {
        Words::Plain(_) => sound,
        Words::Ssml(_) => sound.saturating_add(PAUSES),
    }
}

fn speed(asked: Option<f32>) -> Result<f32, RequestError> {
    let speed = asked.unwrap_or(1.0);
    // A speed that is no number is in no range.
    match SPEED.contains(&speed) {
        true => Ok(speed),
        false => Err(RequestError::Speed),
    }
}

fn emotion(asked: Option<String>, there: &[String]) -> Result<String, RequestError> {
    let unknown = || RequestError::Emotion(there.to_vec());
    match asked {
        None => there.first().cloned().ok_or_else(unknown),
        Some(emotion) if there.contains(&emotion) => Ok(emotion),
        Some(_) => Err(unknown()),
    }
}

fn format(asked: Option<&str>, sample_rate: u32) -> Result<Format, RequestError> {
    let format = asked.map_or(Some(Format::Wav), Format::named);
    let format = format.filter(|format| format.takes(sample_rate));
    format.ok_or_else(|| RequestError::Format(Format::names(sample_rate)))
}

/// Chooses the one of two fields that was sent.
fn words(text: Option<String>, ssml: Option<String>) -> Result<Words, RequestError> {
    match (text, ssml) {
        (Some(text), None) => Ok(Words::Plain(text)),
        (None, Some(ssml)) => Ok(Words::Ssml(ssml)),
        (None, None) => Err(RequestError::TextMissing(Field::Text)),
        (Some(_), Some(_)) => Err(RequestError::TextTwice),
    }
}

const fn delivery(stream: bool) -> Delivery {
    match stream {
        true => Delivery::Stream,
        false => Delivery::Whole,
    }
}

// The text of a client must not reach a log.
impl fmt::Debug for SpeechRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeechRequest").finish_non_exhaustive()
    }
}

impl fmt::Debug for PreparedSpeech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedSpeech")
            .field("utterance", &self.order.utterance)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use sambert_hifigan::StopSignal;

    use super::*;
    use crate::synthesis::{Speech, SpeechError, Voice, VoiceInfo};

    /// A voice that must not be asked: the test checks what comes before.
    struct Described;

    impl Voice for Described {
        fn info(&self) -> VoiceInfo {
            VoiceInfo {
                id: "v".into(),
                name: "v".into(),
                sample_rate: 16_000,
                emotions: vec!["neutral".into(), "happy".into()],
            }
        }

        fn speak(&self, _: &Utterance, _: &StopSignal) -> Result<Speech, SpeechError> {
            Err(SpeechError::NothingToSpeak)
        }
    }

    pub(crate) fn voices() -> Voices {
        Voices::new(vec![Arc::new(Described)], &[]).unwrap()
    }

    fn check(query: &str) -> Result<PreparedSpeech, RequestError> {
        from_query(query).and_then(|ask| ask.check(&voices(), 500, Unspeakable::Refuse))
    }

    #[track_caller]
    fn check_fault(query: &str, expected: &RequestError) {
        assert_eq!(&check(query).unwrap_err(), expected, "{query}");
    }

    #[test]
    fn a_speed_is_a_number_in_its_range() {
        for speed in ["0.49", "2.01", "-1", "NaN", "inf", "1e9"] {
            check_fault(&format!("text=a&speed={speed}"), &RequestError::Speed);
        }
        for speed in ["", "fast", "1,5", "0x1"] {
            check_fault(
                &format!("text=a&speed={speed}"),
                &RequestError::SpeedNoNumber,
            );
        }
        for speed in ["0.5", "1", "2.0"] {
            assert!(check(&format!("text=a&speed={speed}")).is_ok(), "{speed}");
        }
    }

    #[test]
    fn the_first_emotion_is_the_default_and_unknown_ones_are_refused() {
        let request = check("text=%E4%BD%A0%E5%A5%BD").unwrap().order.utterance;
        assert_eq!(request.words, Words::Plain("你好".into()));
        assert_eq!((request.emotion.as_str(), request.speed), ("neutral", 1.0));
        let unknown = RequestError::Emotion(vec!["neutral".into(), "happy".into()]);
        check_fault("text=a&emotion=grumpy", &unknown);
        check_fault("text=a&emotion=", &unknown);
        let problem: serde_json::Value =
            serde_json::from_slice(&unknown.rejection().problem()).unwrap();
        assert_eq!(problem["emotions"], serde_json::json!(["neutral", "happy"]));
    }

    #[test]
    fn voices_and_formats_that_there_are_not_are_refused_with_those_that_there_are() {
        check_fault("text=a&voice=alloy", &RequestError::Voice(vec!["v".into()]));
        check_fault(
            "text=a&format=aac",
            &RequestError::Format(Format::names(16_000)),
        );
        let prepared = check("text=a&voice=v&format=flac&stream=true").unwrap();
        assert_eq!(
            (prepared.format, prepared.order.delivery),
            (Format::Flac, Delivery::Stream)
        );
    }

    #[test]
    fn what_becomes_of_unspeakable_characters_is_one_of_three_words() {
        for (word, expected) in [
            ("refuse", Unspeakable::Refuse),
            ("skip", Unspeakable::Skip),
            ("spell", Unspeakable::Spell),
        ] {
            let prepared = check(&format!("text=a&unspeakable={word}")).unwrap();
            assert_eq!(prepared.order.utterance.unspeakable, expected);
        }
        check_fault("text=a&unspeakable=", &RequestError::Unspeakable);
        check_fault("text=a&unspeakable=SKIP", &RequestError::Unspeakable);
    }

    #[test]
    fn words_come_with_marks_or_without() {
        check_fault("", &RequestError::TextMissing(Field::Text));
        check_fault("text=", &RequestError::TextEmpty(Field::Text));
        check_fault("text=%20+", &RequestError::TextEmpty(Field::Text));
        check_fault("ssml=", &RequestError::TextEmpty(Field::Ssml));
        check_fault("text=a&ssml=b", &RequestError::TextTwice);
        let request = check("ssml=%3Cspeak%3Ea%3C/speak%3E").unwrap();
        let marked = Words::Ssml("<speak>a</speak>".into());
        assert_eq!(request.order.utterance.words, marked);
    }
}
