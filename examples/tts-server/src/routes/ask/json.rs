//! The JSON object of a `POST`.

use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{Ask, delivery, words};
use crate::routes::fault::Fault;

/// What the object must be like, in words.
const SHAPE: &str = "The body must be an object with `text` or `ssml` (a string) and, if wanted, `voice`, `emotion` and `format` (strings), `speed` (a number) and `stream` (true or false).";

/// What to say, and how. Exactly one of `text` and `ssml` must be there.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = Ask)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Sent {
    /// What to say, in Chinese.
    #[schema(example = "你好")]
    #[param(example = "你好")]
    text: Option<String>,
    /// What to say, with marks that say how it sounds (a part of SSML).
    ssml: Option<String>,
    /// Who speaks; the first voice where nothing is said.
    voice: Option<String>,
    /// How to feel; the voice's first emotion where nothing is said.
    emotion: Option<String>,
    /// How fast; 1 is as fast as the voice speaks by itself.
    speed: Option<f32>,
    /// The kind of file; `wav` where nothing is said.
    format: Option<String>,
    /// Whether the answer is sent while it is made, in place of whole.
    #[serde(default)]
    stream: bool,
}

/// Reads a JSON object.
pub(crate) fn from_json(body: &[u8]) -> Result<Ask, Fault> {
    let sent: Sent = read(body, SHAPE)?;
    Ok(Ask {
        words: words(sent.text, sent.ssml)?,
        voice: sent.voice,
        emotion: sent.emotion,
        speed: sent.speed,
        format: sent.format,
        delivery: delivery(sent.stream),
    })
}

/// Reads JSON, and tells what is broken from what has another shape.
pub(in crate::routes) fn read<T: DeserializeOwned>(
    body: &[u8],
    shape: &'static str,
) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Fault::JsonShape(shape),
        _ => Fault::JsonMalformed,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::routes::fault::Field;

    #[test]
    fn json_that_is_broken_differs_from_json_of_another_shape() {
        let fault = |body: &str| from_json(body.as_bytes()).unwrap_err();
        assert_eq!(fault("{"), Fault::JsonMalformed);
        assert_eq!(fault("{\"text\":\"a\"}x"), Fault::JsonMalformed);
        assert_eq!(fault("{}"), Fault::TextMissing(Field::Text));
        for body in [
            "[]",
            "{\"text\":1}",
            "{\"text\":\"a\",\"speed\":\"1\"}",
            "{\"text\":\"a\",\"stream\":1}",
            "{\"text\":\"a\",\"key\":\"b\"}",
        ] {
            assert_eq!(fault(body), Fault::JsonShape(SHAPE), "{body}");
        }
        let no_text = from_json(b"{\"text\":\"\xff\"}").unwrap_err();
        assert_eq!(no_text, Fault::JsonMalformed);
    }
}
