//! When the words of a sound are heard: an object beside the sound, or subtitles.

use std::{fmt::Write as _, time::Duration};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::CONTENT_TYPE;
use sambert_hifigan::WordTiming;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{encoding::Format, routes::speech_request::Timing};

/// A sound with the times of its words. All times are seconds from its beginning.
#[derive(Serialize, ToSchema)]
#[schema(as = TimedSpeech)]
pub(crate) struct Timed {
    /// The file, in base64.
    audio: String,
    /// The format of the file.
    #[schema(value_type = String)]
    format: &'static str,
    /// Samples a second in the file.
    sample_rate: u32,
    words: Vec<WordTime>,
}

/// When a word is heard.
#[derive(Serialize, ToSchema)]
pub(crate) struct WordTime {
    /// The word as it is spoken: numbers and signs are written out.
    text: String,
    start: f64,
    end: f64,
    /// Whether a comma or the end of a sentence is behind it.
    ends_clause: bool,
    /// Whether the end of a sentence is behind it.
    ends_sentence: bool,
    syllables: Vec<SyllableTime>,
}

/// When a syllable is heard.
#[derive(Serialize, ToSchema)]
struct SyllableTime {
    /// Its pinyin with the tone behind it.
    pinyin: String,
    start: f64,
    end: f64,
}

impl WordTime {
    /// Takes the times of a word over.
    pub(crate) fn of(word: &WordTiming) -> Self {
        let syllables = word.syllables.iter().map(|syllable| SyllableTime {
            pinyin: syllable.pinyin.clone(),
            start: seconds(syllable.start),
            end: seconds(syllable.end),
        });
        Self {
            text: word.text.clone(),
            start: seconds(word.start),
            end: seconds(word.end),
            ends_clause: word.ends_clause,
            ends_sentence: word.ends_sentence,
            syllables: syllables.collect(),
        }
    }
}

/// Writes a response in the form that was asked for. `send` makes a body of its bytes.
pub(super) fn respond(
    timing: Timing,
    format: Format,
    sample_rate: u32,
    file: &[u8],
    words: &[WordTiming],
    send: impl FnOnce(Bytes) -> Body,
) -> Response {
    let (kind, body) = match timing {
        Timing::Srt => ("application/x-subrip; charset=utf-8", srt(words)),
        Timing::Vtt => ("text/vtt; charset=utf-8", vtt(words)),
        Timing::Json | Timing::Events => {
            let timed = Timed {
                audio: STANDARD.encode(file),
                format: format.name(),
                sample_rate,
                words: words.iter().map(WordTime::of).collect(),
            };
            // Nothing in it fails to be written.
            let object = serde_json::to_string(&timed).unwrap_or_default();
            ("application/json", object)
        }
    };
    ([(CONTENT_TYPE, kind)], send(body.into())).into_response()
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 1e4
}

/// What is shown at one time: the words of a clause.
struct Cue {
    text: String,
    start: Duration,
    end: Duration,
}

fn cues(words: &[WordTiming]) -> Vec<Cue> {
    let clauses = words.split_inclusive(|word| word.ends_clause);
    let cue = |clause: &[WordTiming]| {
        let (first, last) = (clause.first()?, clause.last()?);
        let text = joined(clause.iter().map(|word| word.text.as_str()));
        (!text.is_empty()).then_some(Cue {
            text,
            start: first.start,
            end: last.end,
        })
    };
    clauses.filter_map(cue).collect()
}

/// Joins words: with a blank only between two of Latin letters.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.fold(String::new(), |mut text, word| {
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if latin(text.chars().next_back()) && latin(word.chars().next()) {
            text.push(' ');
        }
        text.push_str(word);
        text
    })
}

fn srt(words: &[WordTiming]) -> String {
    let mut file = String::new();
    for (number, cue) in cues(words).iter().enumerate() {
        let [start, end] = [cue.start, cue.end].map(|time| stamp(time, ','));
        // Writing into a string does not fail.
        let _ = write!(file, "{}\n{start} --> {end}\n{}\n\n", number + 1, cue.text);
    }
    file
}

fn vtt(words: &[WordTiming]) -> String {
    let mut file = String::from("WEBVTT\n\n");
    for cue in cues(words) {
        let [start, end] = [cue.start, cue.end].map(|time| stamp(time, '.'));
        // Signs of its own markup; the words of a client are not trusted to have none.
        let text = cue
            .text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(file, "{start} --> {end}\n{text}\n\n");
    }
    file
}

fn stamp(time: Duration, point: char) -> String {
    let milliseconds = time.as_millis();
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3_600);
    format!(
        "{hours:02}:{minutes:02}:{:02}{point}{rest:03}",
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sambert_hifigan::{StopSignal, Style, Voice};

    use super::*;

    fn words(text: &str) -> Vec<WordTiming> {
        let voice = Voice::demo().unwrap();
        let plan = voice.plan(text, &Style::default()).unwrap();
        let mut speech = voice.speak(&plan, &StopSignal::new());
        let mut words = Vec::new();
        while speech.next().transpose().unwrap().is_some() {
            words.extend(speech.take_timings());
        }
        words
    }

    #[test]
    fn a_subtitle_is_a_clause() {
        let words = words("今天很好，3月去。");
        let srt = srt(&words);
        let lines: Vec<&str> = srt.lines().collect();
        assert_eq!((lines[0], lines[2], lines[3]), ("1", "今天很好", ""));
        assert_eq!((lines[4], lines[6]), ("2", "三月去"));
        assert!(
            lines[1].starts_with("00:00:00,000 --> 00:00:0"),
            "{}",
            lines[1]
        );
        let vtt = vtt(&words);
        assert!(
            vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:0"),
            "{vtt}"
        );
        assert_eq!(vtt.matches(" --> ").count(), 2);
    }

    #[test]
    fn times_are_written_with_hours_and_milliseconds() {
        assert_eq!(stamp(Duration::from_millis(3_723_045), ','), "01:02:03,045");
        assert_eq!(stamp(Duration::ZERO, '.'), "00:00:00.000");
    }

    #[test]
    fn words_of_letters_are_parted_and_others_are_not() {
        assert_eq!(
            joined(["我", "说", "hello", "world", "了"].into_iter()),
            "我说hello world了"
        );
    }
}
