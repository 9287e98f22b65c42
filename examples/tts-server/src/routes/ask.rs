//! What a client asks for: read strictly, and checked against what the voice can do.

use std::fmt;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::fault::Fault;
use crate::{
    state::SPEED,
    synthesis::{Utterance, VoiceInfo},
};

/// What was asked for, as it came. The layer for text has cleaned and counted the text.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// What to say, in Chinese.
    #[schema(example = "你好")]
    text: String,
    /// How to feel; the voice's first emotion where nothing is said.
    emotion: Option<String>,
    /// How fast; 1 is as fast as the voice speaks by itself.
    speed: Option<f32>,
}

// The text of a client is nobody else's business.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}

/// Reads a query: each parameter once, and none that means nothing here.
pub(crate) fn from_query(query: &str) -> Result<Ask, Fault> {
    let (mut text, mut emotion, mut speed) = (None, None, None);
    for (name, value) in pairs(query)? {
        let place = match name.as_str() {
            "text" => &mut text,
            "emotion" => &mut emotion,
            "speed" => &mut speed,
            _ => return Err(Fault::Query("has a parameter that is unknown here")),
        };
        if place.replace(value).is_some() {
            return Err(Fault::Query("has a parameter twice"));
        }
    }
    let speed = speed.map(|speed| speed.parse().map_err(|_| Fault::SpeedNoNumber));
    Ok(Ask {
        text: text.ok_or(Fault::TextMissing)?,
        emotion,
        speed: speed.transpose()?,
    })
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let malformed = Fault::Query("is not valid percent-encoded UTF-8");
    let parts = query.split('&').filter(|part| !part.is_empty());
    let decoded = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    });
    decoded.collect::<Option<_>>().ok_or(malformed)
}

/// Decodes strictly: what is no UTF-8 is refused, not replaced.
fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// Reads a JSON object.
pub(crate) fn from_json(body: &[u8]) -> Result<Ask, Fault> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Fault::JsonShape,
        _ => Fault::JsonMalformed,
    })
}

impl Ask {
    /// Checks it against what the voice can do.
    pub(crate) fn check(self, voice: &VoiceInfo) -> Result<Utterance, Fault> {
        if self.text.trim().is_empty() {
            return Err(Fault::TextEmpty);
        }
        let speed = self.speed.unwrap_or(1.0);
        // A speed that is no number is in no range.
        if !SPEED.contains(&speed) {
            return Err(Fault::Speed);
        }
        let first = voice.emotions.first();
        let emotion = self.emotion.as_ref().or(first).ok_or(Fault::Emotion)?;
        if !voice.emotions.contains(emotion) {
            return Err(Fault::Emotion);
        }
        Ok(Utterance {
            emotion: emotion.clone(),
            text: self.text,
            speed,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn voice() -> VoiceInfo {
        VoiceInfo {
            id: "v".into(),
            name: "v".into(),
            sample_rate: 16_000,
            emotions: vec!["neutral".into(), "happy".into()],
        }
    }

    #[track_caller]
    fn check_query(query: &str, expected: Fault) {
        let found = from_query(query).and_then(|ask| ask.check(&voice()));
        assert_eq!(found.unwrap_err(), expected, "{query}");
    }

    #[test]
    fn a_query_is_read_strictly() {
        check_query("", Fault::TextMissing);
        check_query("text=", Fault::TextEmpty);
        check_query("text=%20+", Fault::TextEmpty);
        check_query("text=a&text=b", Fault::Query("has a parameter twice"));
        check_query(
            "text=a&api_key=b",
            Fault::Query("has a parameter that is unknown here"),
        );
        for broken in [
            "text=%",
            "text=%4",
            "text=%zz",
            "text=%ff",
            "text=%E4%BD",
            "text=%+1",
        ] {
            check_query(broken, Fault::Query("is not valid percent-encoded UTF-8"));
        }
    }

    #[test]
    fn a_speed_is_a_number_in_its_range() {
        for speed in ["0.49", "2.01", "-1", "NaN", "inf", "1e9"] {
            check_query(&format!("text=a&speed={speed}"), Fault::Speed);
        }
        for speed in ["", "fast", "1,5", "0x1"] {
            check_query(&format!("text=a&speed={speed}"), Fault::SpeedNoNumber);
        }
        for speed in ["0.5", "1", "2.0"] {
            let ask = from_query(&format!("text=a&speed={speed}")).unwrap();
            assert!(ask.check(&voice()).is_ok(), "{speed}");
        }
    }

    #[test]
    fn the_first_emotion_is_the_default_and_unknown_ones_are_refused() {
        let said = from_query("text=%E4%BD%A0%E5%A5%BD")
            .unwrap()
            .check(&voice())
            .unwrap();
        assert_eq!(
            (said.text.as_str(), said.emotion.as_str(), said.speed),
            ("你好", "neutral", 1.0)
        );
        check_query("text=a&emotion=grumpy", Fault::Emotion);
        check_query("text=a&emotion=", Fault::Emotion);
        let refusal = Fault::Emotion.rejection(&voice());
        let problem: serde_json::Value = serde_json::from_slice(&refusal.problem()).unwrap();
        assert_eq!(problem["emotions"], serde_json::json!(["neutral", "happy"]));
    }

    #[test]
    fn json_that_is_broken_differs_from_json_of_another_shape() {
        let fault = |body: &str| from_json(body.as_bytes()).unwrap_err();
        assert_eq!(fault("{"), Fault::JsonMalformed);
        assert_eq!(fault("{\"text\":\"a\"}x"), Fault::JsonMalformed);
        for body in [
            "[]",
            "{}",
            "{\"text\":1}",
            "{\"text\":\"a\",\"speed\":\"1\"}",
            "{\"text\":\"a\",\"key\":\"b\"}",
        ] {
            assert_eq!(fault(body), Fault::JsonShape, "{body}");
        }
        assert_eq!(
            from_json(b"{\"text\":\"\xff\"}").unwrap_err(),
            Fault::JsonMalformed
        );
    }
}
