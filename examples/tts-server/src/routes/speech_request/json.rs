//! The JSON object of a `POST`.

use http::{HeaderMap, header::CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{SpeechRequest, delivery, words};
use crate::routes::request_error::RequestError;

/// The shape of the object, for the client.
const SHAPE: &str = "The body must be an object with `text` or `ssml` (a string) and, if wanted, `voice`, `emotion`, `format`, `unspeakable` and `timing` (strings), `speed` (a number) and `stream` (true or false).";

/// A text to speak. Exactly one of `text` and `ssml` is required.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = TtsRequest)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct TtsRequest {
    /// The text, in Chinese.
    #[schema(example = "你好")]
    #[param(example = "你好")]
    text: Option<String>,
    /// The text as SSML; the description of the server lists the elements.
    ssml: Option<String>,
    /// The name of a voice. Default: the first voice.
    voice: Option<String>,
    /// An emotion of the voice. Default: its first emotion.
    emotion: Option<String>,
    /// The speed, from 0.5 to 2. Default: 1, the natural speed of the voice.
    speed: Option<f32>,
    /// The format of the sound. Default: `wav`.
    format: Option<String>,
    /// What is done with characters that the voice cannot speak. Default: the setting of the server.
    #[schema(pattern = "^(refuse|skip|spell)$")]
    #[param(pattern = "^(refuse|skip|spell)$")]
    unspeakable: Option<String>,
    /// Whether the response is sent in chunks while it is made. Default: false.
    #[serde(default)]
    stream: bool,
    /// The times of the words: `events` for server-sent events with the sound in pieces and each word before it is heard,
    /// `json` for an object with the sound, `srt` or `vtt` for subtitles in place of the sound. Default: the sound alone.
    /// With the last three the response is complete.
    #[schema(pattern = "^(events|json|srt|vtt)$")]
    #[param(pattern = "^(events|json|srt|vtt)$")]
    timing: Option<String>,
}

/// Checks the content type and the length of a body. The layer for text does so too; a handler must not depend on
/// the layers in front of it.
pub(in crate::routes) fn check_body(
    headers: &HeaderMap,
    body: &[u8],
    most: usize,
) -> Result<(), RequestError> {
    let mut declared = headers.get_all(CONTENT_TYPE).iter();
    let is_json = |kind: &http::HeaderValue| {
        let kind = kind.to_str().unwrap_or_default().split(';').next();
        kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    };
    if !declared.all(is_json) {
        return Err(RequestError::BodyType);
    }
    match body.len() <= most {
        true => Ok(()),
        false => Err(RequestError::BodyLength(most)),
    }
}

/// Reads a JSON object.
pub(crate) fn from_json(body: &[u8]) -> Result<SpeechRequest, RequestError> {
    let sent: TtsRequest = read(body, SHAPE)?;
    Ok(SpeechRequest {
        words: words(sent.text, sent.ssml)?,
        voice: sent.voice,
        emotion: sent.emotion,
        speed: sent.speed,
        format: sent.format,
        unspeakable: sent.unspeakable,
        pcm_rate: None,
        delivery: delivery(sent.stream),
        timing: sent.timing,
    })
}

/// Reads JSON. Distinguishes malformed JSON from an object of another shape.
pub(in crate::routes) fn read<T: DeserializeOwned>(
    body: &[u8],
    shape: &'static str,
) -> Result<T, RequestError> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => RequestError::JsonShape(shape),
        _ => RequestError::JsonMalformed,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::routes::request_error::Field;

    #[test]
    fn a_body_of_another_declared_type_or_too_long_is_refused_by_the_handler_itself() {
        let check = |kinds: &[&str], most| {
            let kinds = kinds.iter();
            let kinds =
                kinds.map(|kind| (CONTENT_TYPE, http::HeaderValue::from_str(kind).unwrap()));
            check_body(&HeaderMap::from_iter(kinds), b"{}", most)
        };
        for kind in ["application/json", "Application/JSON ; charset=utf-8"] {
            assert_eq!(check(&[kind], 2), Ok(()), "{kind}");
        }
        assert_eq!(check(&[], 2), Ok(()));
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json2",
            "",
        ] {
            assert_eq!(check(&[kind], 2), Err(RequestError::BodyType), "{kind}");
        }
        let long = check(&["application/json"], 1).unwrap_err();
        assert_eq!(long.clone().rejection().status(), 413);
        assert_eq!(long, RequestError::BodyLength(1));
        assert_eq!(RequestError::BodyType.rejection().status(), 415);
    }

    #[test]
    fn json_that_is_broken_differs_from_json_of_another_shape() {
        let fault = |body: &str| from_json(body.as_bytes()).unwrap_err();
        assert_eq!(fault("{"), RequestError::JsonMalformed);
        assert_eq!(fault("{\"text\":\"a\"}x"), RequestError::JsonMalformed);
        assert_eq!(fault("{}"), RequestError::TextMissing(Field::Text));
        for body in [
            "[]",
            "{\"text\":1}",
            "{\"text\":\"a\",\"speed\":\"1\"}",
            "{\"text\":\"a\",\"stream\":1}",
            "{\"text\":\"a\",\"key\":\"b\"}",
        ] {
            assert_eq!(fault(body), RequestError::JsonShape(SHAPE), "{body}");
        }
        let no_text = from_json(b"{\"text\":\"\xff\"}").unwrap_err();
        assert_eq!(no_text, RequestError::JsonMalformed);
    }
}
