//! The JSON object of a `POST`.

use http::{HeaderMap, header::CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{Ask, delivery, words};
use crate::routes::fault::Fault;

/// What the object must be like, in words.
const SHAPE: &str = "The body must be an object with `text` or `ssml` (a string) and, if wanted, `voice`, `emotion`, `format` and `unspeakable` (strings), `speed` (a number) and `stream` (true or false).";

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
    /// What becomes of characters that the voice cannot speak; what the server is set to where nothing is said.
    #[schema(pattern = "^(refuse|skip|spell)$")]
    #[param(pattern = "^(refuse|skip|spell)$")]
    unspeakable: Option<String>,
    /// Whether the answer is sent while it is made, in place of whole.
    #[serde(default)]
    stream: bool,
}

/// Checks what a body is said to be, and its length. The layer for text does so too; a handler must not depend on
/// what stands in front of it.
pub(in crate::routes) fn check_body(
    headers: &HeaderMap,
    body: &[u8],
    most: usize,
) -> Result<(), Fault> {
    let mut declared = headers.get_all(CONTENT_TYPE).iter();
    let is_json = |kind: &http::HeaderValue| {
        let kind = kind.to_str().unwrap_or_default().split(';').next();
        kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    };
    if !declared.all(is_json) {
        return Err(Fault::BodyType);
    }
    match body.len() <= most {
        true => Ok(()),
        false => Err(Fault::BodyLength(most)),
    }
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
        unspeakable: sent.unspeakable,
        pcm_rate: None,
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
            assert_eq!(check(&[kind], 2), Err(Fault::BodyType), "{kind}");
        }
        let long = check(&["application/json"], 1).unwrap_err();
        assert_eq!(long.clone().rejection().status(), 413);
        assert_eq!(long, Fault::BodyLength(1));
        assert_eq!(Fault::BodyType.rejection().status(), 415);
    }

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
