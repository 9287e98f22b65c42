//! Why a request is refused: the field and the reason, and nothing of what was sent.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use palisade::core::Rejection;

use crate::{
    state::{OPENAI_SPEED, SPEED},
    synthesis::{QueueFull, SpeechError},
};

/// What is wrong with a request. For an unknown name, with the known ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RequestError {
    BodyLength(usize),
    BodyType,
    Emotion(Vec<String>),
    Format(Vec<&'static str>),
    JsonMalformed,
    JsonShape(&'static str),
    Model(Vec<String>),
    Query(&'static str),
    ResponseFormat(Vec<&'static str>),
    Speed,
    SpeechSpeed,
    SpeedNoNumber,
    Stream,
    StreamFormat,
    TextEmpty(Field),
    TextMissing(Field),
    TextTwice,
    Timing,
    Unspeakable,
    Voice(Vec<String>),
}

/// A field for words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    Input,
    Ssml,
    Text,
}

impl Field {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Ssml => "ssml",
            Self::Text => "text",
        }
    }
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl RequestError {
    /// Returns the refusal: which field is wrong and why. Repeats nothing of the request.
    pub(crate) fn rejection(self) -> Rejection {
        match self {
            Self::BodyLength(most) => Rejection::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_large",
                "The body is too long.",
            )
            .with_member("limit", most),
            Self::BodyType => Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type_unsupported",
                "The body must be of the type `application/json`.",
            ),
            Self::Emotion(there) => one_of("emotion_unknown", "emotion", "emotions", &there),
            Self::Format(there) => one_of("format_unavailable", "format", "formats", &there),
            Self::JsonMalformed => Rejection::new(
                BAD,
                "json_malformed",
                "The body is not valid JSON in UTF-8.",
            ),
            Self::JsonShape(shape) => Rejection::new(WRONG, "request_shape", shape),
            Self::Model(there) => one_of("model_unknown", "model", "models", &there),
            Self::Query(why) => Rejection::new(BAD, "query_malformed", "The query is malformed.")
                .with_detail(format!("The query {why}.")),
            Self::ResponseFormat(there) => {
                one_of("format_unavailable", "response_format", "formats", &there)
            }
            Self::SpeechSpeed => {
                let words = "The field `speed` must be a number from 0.25 to 4.";
                let range = vec![*OPENAI_SPEED.start(), *OPENAI_SPEED.end()];
                field(WRONG, "speed_out_of_range", "speed", words).with_member("range", range)
            }
            Self::Speed => speed(WRONG, "speed_out_of_range"),
            Self::SpeedNoNumber => speed(BAD, "speed_no_number"),
            Self::Stream => {
                let words = "The field `stream` must be `true` or `false`.";
                field(BAD, "stream_no_flag", "stream", words)
            }
            Self::StreamFormat => {
                let words = "The field `stream_format` must be `audio` or `sse`.";
                field(WRONG, "stream_format_unknown", "stream_format", words)
            }
            Self::TextEmpty(name) => {
                let empty = field(WRONG, "text_empty", name.name(), "The field is empty.");
                empty.with_detail(format!("The field `{}` is empty.", name.name()))
            }
            Self::TextMissing(name) => {
                let missing = field(BAD, "field_missing", name.name(), "The field is missing.");
                missing.with_detail(format!("The field `{}` is missing.", name.name()))
            }
            Self::TextTwice => {
                let words = "Send `text` or `ssml`, not both.";
                field(BAD, "text_twice", "ssml", words)
            }
            Self::Timing => {
                let words = "The field `timing` must be `events`, `json`, `srt` or `vtt`.";
                field(WRONG, "timing_unknown", "timing", words)
            }
            Self::Unspeakable => {
                let words = "The field `unspeakable` must be `refuse`, `skip` or `spell`.";
                field(WRONG, "unspeakable_unknown", "unspeakable", words)
            }
            Self::Voice(there) => one_of("voice_unknown", "voice", "voices", &there),
        }
    }
}

fn field(
    status: StatusCode,
    code: &'static str,
    name: &'static str,
    words: &'static str,
) -> Rejection {
    Rejection::new(status, code, words).with_member("field", name)
}

fn speed(status: StatusCode, code: &'static str) -> Rejection {
    let words = "The field `speed` must be a number from 0.5 to 2.";
    let range = vec![*SPEED.start(), *SPEED.end()];
    field(status, code, "speed", words).with_member("range", range)
}

/// Names what there is, in words and for programs.
fn one_of<T: AsRef<str>>(
    code: &'static str,
    name: &'static str,
    members: &'static str,
    there: &[T],
) -> Rejection {
    let there: Vec<&str> = there.iter().map(AsRef::as_ref).collect();
    let words = format!("The field `{name}` must be one of: {}.", there.join(", "));
    field(WRONG, code, name, "The field has an unknown value.")
        .with_detail(words)
        .with_member(members, there)
}

/// Asks a client to come again.
pub(crate) fn busy(full: QueueFull) -> Rejection {
    let words = "Too many texts are waiting. Try again after the time in `Retry-After`.";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", words).with_header(
        RETRY_AFTER,
        HeaderValue::from(full.retry_after.as_secs().max(1)),
    )
}

/// Says why there is no sound.
pub(crate) fn unspoken(why: SpeechError, name: Field) -> Rejection {
    let words = |code, words: &str| {
        let words = format!("The field `{}` holds {words}.", name.name());
        field(WRONG, code, name.name(), "The text cannot be spoken.").with_detail(words)
    };
    match why {
        SpeechError::NothingToSpeak => words("text_not_speakable", "nothing that can be spoken"),
        SpeechError::Unspeakable { what, place } => unspeakable(&what, place, name),
        SpeechError::TooLong { estimate, limit } => too_long(estimate, limit, name),
        SpeechError::Marks { line, column, why } => {
            let words = format!("Line {line}, column {column} of `{}`: {why}.", name.name());
            field(
                WRONG,
                "ssml_malformed",
                name.name(),
                "The markup is not supported.",
            )
            .with_detail(words)
            .with_member("line", line)
            .with_member("column", column)
        }
        SpeechError::Broken | SpeechError::Cancelled | SpeechError::TooSlow => Rejection::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "synthesis_failed",
            "The text could not be spoken.",
        )
        .with_reason("the voice failed"),
    }
}

/// Names what cannot be spoken, and where it is.
fn unspeakable(what: &str, place: Option<(usize, usize)>, name: Field) -> Rejection {
    let mut characters = what.chars();
    let shown = match (characters.next(), characters.next()) {
        (Some(c), None) => format!("`{c}` (U+{:04X})", u32::from(c)),
        _ => format!("`{what}`"),
    };
    let at = place.map_or_else(String::new, |(line, column)| {
        format!("Line {line}, column {column}: ")
    });
    let words = format!(
        "{at}this voice cannot speak {shown} in the field `{}`. Remove it, or send `unspeakable` as `skip` or `spell`.",
        name.name()
    );
    let brief = "The text cannot be spoken.";
    let rejection = field(WRONG, "text_not_speakable", name.name(), brief)
        .with_detail(words)
        .with_member("unspeakable", what);
    match place {
        Some((line, column)) => rejection
            .with_member("line", line)
            .with_member("column", column),
        None => rejection,
    }
}

/// Says how long the text would sound, and how long it may.
fn too_long(estimate: Duration, limit: Duration, name: Field) -> Rejection {
    // Rounded up: more than the limit must not look like the limit.
    let estimate = estimate.as_secs() + u64::from(estimate.subsec_nanos() > 0);
    let words = format!(
        "The field `{}` would sound for about {estimate} s; the limit is {} s. Send less text, or a higher speed.",
        name.name(),
        limit.as_secs()
    );
    let brief = "The text would sound longer than is allowed.";
    field(WRONG, "text_too_long", name.name(), brief)
        .with_detail(words)
        .with_member("estimated_seconds", estimate)
        .with_member("limit_seconds", limit.as_secs())
}
