//! Why a text is not spoken: the field and the reason, and nothing of what was sent.

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use palisade::Rejection;

use crate::{
    state::SPEED,
    synthesis::{Full, SpeechError, VoiceInfo},
};

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    Emotion,
    JsonMalformed,
    JsonShape,
    Query(&'static str),
    Speed,
    SpeedNoNumber,
    TextEmpty,
    TextMissing,
}

impl Fault {
    /// Says which field is wrong and why. Repeats nothing of the request.
    pub(crate) fn rejection(self, voice: &VoiceInfo) -> Rejection {
        let field = |status, code, field: &'static str, detail| {
            Rejection::new(status, code, detail).with_member("field", field)
        };
        let (bad, wrong) = (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY);
        match self {
            Self::Emotion => field(
                wrong,
                "emotion_unknown",
                "emotion",
                "The field `emotion` names none that this voice has.",
            )
            .with_member("emotions", voice.emotions.clone()),
            Self::JsonMalformed => Rejection::new(
                bad,
                "json_malformed",
                "The body is not valid JSON in UTF-8.",
            ),
            Self::JsonShape => Rejection::new(
                wrong,
                "request_shape",
                "The body must be an object with `text` (a string) and, if wanted, `emotion` (a string) and `speed` (a number).",
            ),
            Self::Query(why) => Rejection::new(bad, "query_malformed", "The query is malformed.")
                .with_detail(format!("The query {why}.")),
            Self::Speed | Self::SpeedNoNumber => {
                let (status, code) = if self == Self::Speed {
                    (wrong, "speed_out_of_range")
                } else {
                    (bad, "speed_no_number")
                };
                field(
                    status,
                    code,
                    "speed",
                    "The field `speed` must be a number from 0.5 to 2.",
                )
                .with_member("range", vec![*SPEED.start(), *SPEED.end()])
            }
            Self::TextEmpty => field(wrong, "text_empty", "text", "The field `text` is empty."),
            Self::TextMissing => {
                field(bad, "field_missing", "text", "The field `text` is missing.")
            }
        }
    }
}

/// Asks a client to come again.
pub(crate) fn busy(full: Full) -> Rejection {
    let words = "Too many texts are waiting. Come again in a moment.";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", words).with_header(
        RETRY_AFTER,
        HeaderValue::from(full.retry_after.as_secs().max(1)),
    )
}

/// Says why there is no sound.
pub(crate) fn unspoken(why: SpeechError) -> Rejection {
    match why {
        SpeechError::NothingToSpeak => Rejection::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "text_not_speakable",
            "The field `text` holds nothing that can be spoken.",
        )
        .with_member("field", "text"),
        SpeechError::Broken | SpeechError::Cancelled => Rejection::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "synthesis_failed",
            "The text could not be spoken.",
        )
        .with_reason("the voice failed"),
    }
}
