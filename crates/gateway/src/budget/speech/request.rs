//! The text of a request: in its query, its form, or its JSON object.
//!
//! A server may read it in one of these places and by its own rules. So the characters of all places are added up:
//!
//! - every field of the name, in any case, also if it is there twice
//! - in a query and a form, fields that are separated by `;` too
//! - in JSON, all texts inside the field
//!
//! A JSON body is written again from what was parsed: a key that is there twice reaches the server with the value that
//! was counted. A body of another kind is refused, since its text could not be found.

use bytes::Bytes;
use http::{HeaderValue, header, request::Parts};
use palisade::core::Rejection;
use palisade_internal::percent;
use serde_json::{Map, Value};

use super::{
    super::{refusal, value_count::check_value_count},
    SpeechRule,
};
use crate::json_text::fold_name;

/// The longest name of a model.
const LONGEST_MODEL: usize = 200;

/// A request whose text was found.
#[derive(Debug)]
pub(in super::super) struct SpeechRequest {
    /// Characters of the text, as Unicode counts them.
    pub(in super::super) characters: u64,
    /// The model in the JSON object. Empty: none is named.
    pub(in super::super) model: String,
    /// The body for the server.
    pub(in super::super) body: Bytes,
}

impl SpeechRequest {
    /// Finds the text, and sets the media type under which it was found.
    ///
    /// # Errors
    ///
    /// 400: the request has no text, or a body in which it cannot be found.
    pub(in super::super) fn read(
        rule: &SpeechRule,
        head: &mut Parts,
        raw: Bytes,
    ) -> Result<Self, Box<Rejection>> {
        let query = head.uri.query().unwrap_or_default();
        let in_query = count_in_pairs(query, &rule.text);
        let mut read = match body_kind(head, &raw)? {
            BodyKind::None => Self::without_model(0, raw),
            BodyKind::Form => {
                let text = String::from_utf8_lossy(&raw);
                Self::without_model(count_in_pairs(&text, &rule.text), raw)
            }
            BodyKind::Json => {
                let read = Self::from_json(rule, &raw)?;
                let json = HeaderValue::from_static("application/json");
                head.headers.insert(header::CONTENT_TYPE, json);
                read
            }
        };
        read.characters = read.characters.saturating_add(in_query);
        match read.characters {
            0 => Err(refusal::no_text(&rule.text)),
            _ => Ok(read),
        }
    }

    fn without_model(characters: u64, body: Bytes) -> Self {
        Self {
            characters,
            model: String::new(),
            body,
        }
    }

    /// # Errors
    ///
    /// 400: it is no JSON object, or its model is no text.
    fn from_json(rule: &SpeechRule, raw: &Bytes) -> Result<Self, Box<Rejection>> {
        check_value_count(raw)?;
        let document: Map<String, Value> = serde_json::from_slice(raw)
            .map_err(|_| refusal::unreadable_request("it is no JSON object, or too deep"))?;
        let folded = fold_name(&rule.text);
        let is_text = |(name, _): &(&String, &Value)| fold_name(name) == folded;
        let texts = document.iter().filter(is_text);
        let characters = texts.map(|(_, value)| count_in_value(value)).sum();
        let model = match document.get("model") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(model)) if model.len() <= LONGEST_MODEL => model.clone(),
            Some(_) => {
                return Err(refusal::unreadable_request(
                    "`model` is no text, or too long",
                ));
            }
        };
        // A map of strings and values can always be written.
        let body = serde_json::to_vec(&document).unwrap_or_default().into();
        Ok(Self {
            characters,
            model,
            body,
        })
    }
}

/// What kind of body a request has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum BodyKind {
    Form,
    Json,
    None,
}

/// Says by `Content-Type` how a body is read.
///
/// # Errors
///
/// 400: it is encoded, or of another type. No type is JSON: a server may take it for that.
fn body_kind(head: &Parts, raw: &Bytes) -> Result<BodyKind, Box<Rejection>> {
    if raw.is_empty() {
        return Ok(BodyKind::None);
    }
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refusal::unreadable_request("its content is encoded"));
    }
    let mut types = head.headers.get_all(header::CONTENT_TYPE).iter();
    let written = types
        .next()
        .map_or(Ok("application/json"), |value| value.to_str());
    let written = written.unwrap_or_default();
    let essence = written.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        _ if types.next().is_some() => Err(refusal::unreadable_request("it has two types")),
        "application/x-www-form-urlencoded" => Ok(BodyKind::Form),
        json if json == "application/json" || json.ends_with("+json") => Ok(BodyKind::Json),
        _ => Err(refusal::unreadable_request("it is neither JSON nor a form")),
    }
}

/// Returns whether a query or form has a field of this name.
pub(super) fn has_field(pairs: &str, name: &str) -> bool {
    pairs.split(['&', ';']).any(|pair| is_named(pair, name))
}

/// Counts the characters of all fields of this name.
fn count_in_pairs(pairs: &str, name: &str) -> u64 {
    let count = |pair: &str| match is_named(pair, name) {
        true => count_characters(&percent::decode_form(percent::split_pair(pair).1)),
        false => 0,
    };
    let counts = pairs.split('&').map(|pair| match is_named(pair, name) {
        // Up to the next `&`, since few servers separate by `;`.
        true => count(pair),
        false => pair.split(';').map(count).sum(),
    });
    counts.sum()
}

/// Compares a name in any case: some servers do.
fn is_named(pair: &str, name: &str) -> bool {
    let written = percent::decode_form(percent::split_pair(pair).0);
    fold_name(&String::from_utf8_lossy(&written)) == fold_name(name)
}

/// Counts characters; bytes that are no text count as one each, or more.
fn count_characters(bytes: &[u8]) -> u64 {
    String::from_utf8_lossy(bytes).chars().count() as u64
}

/// Counts the characters of all texts in a value. The depth is bounded by the parser.
fn count_in_value(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.chars().count() as u64,
        Value::Array(items) => items.iter().map(count_in_value).sum(),
        Value::Object(fields) => fields.values().map(count_in_value).sum(),
        // A number or a truth value is spoken as it is written.
        other => other.to_string().len() as u64,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pattern::Pattern;

    fn rule() -> SpeechRule {
        SpeechRule {
            path: Pattern::new("/tts"),
            text: "text".to_owned(),
            millis_each: 1000,
            price: None,
        }
    }

    fn read(
        target: &str,
        media_type: &str,
        body: &'static str,
    ) -> Result<SpeechRequest, Box<Rejection>> {
        let mut request = http::Request::post(target);
        if !media_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        let mut head = request.body(()).unwrap().into_parts().0;
        SpeechRequest::read(&rule(), &mut head, Bytes::from_static(body.as_bytes()))
    }

    #[track_caller]
    fn check(target: &str, media_type: &str, body: &'static str, expected: Option<u64>) {
        let characters = read(target, media_type, body).ok().map(|it| it.characters);
        assert_eq!(characters, expected, "{target} {body}");
    }

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    #[test]
    fn the_text_is_counted_wherever_it_is() {
        check("/tts?text=hello", "", "", Some(5));
        check("/tts?text=%E4%BD%A0%E5%A5%BD", "", "", Some(2));
        check("/tts", FORM, "voice=a&text=hello+you", Some(9));
        check("/tts", JSON, r#"{"text":"hello","voice":"a"}"#, Some(5));
        check(
            "/tts",
            "application/vnd.x+json; charset=utf-8",
            r#"{"text":"你好"}"#,
            Some(2),
        );
        check("/tts?text=ab", JSON, r#"{"text":"cde"}"#, Some(5));
    }

    #[test]
    fn no_second_reading_is_free() {
        check("/tts?text=a&text=bcd", "", "", Some(4));
        check("/tts?TEXT=abc", "", "", Some(3));
        check("/tts?%74ext=abc", "", "", Some(3));
        check("/tts?a=1;text=abc", "", "", Some(3));
        check("/tts?text=a;b=c", "", "", Some(5));
        check("/tts", JSON, r#"{"Text":"abc","text":"d"}"#, Some(4));
        let spoken = SpeechRule {
            text: "speech".to_owned(),
            ..rule()
        };
        let mut head = http::Request::post("/tts?%C5%BFpeech=abc")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let body = Bytes::from_static("{\"\u{17F}peech\":\"de\"}".as_bytes());
        let folded = SpeechRequest::read(&spoken, &mut head, body).unwrap();
        assert_eq!(folded.characters, 5);
        check("/tts", JSON, r#"{"text":["ab",{"c":"de"}]}"#, Some(4));
        check("/tts", JSON, r#"{"text":12345}"#, Some(5));
        let twice = read("/tts", JSON, r#"{"text":"long text","text":"a"}"#).unwrap();
        assert_eq!(
            (twice.characters, &*twice.body),
            (1, br#"{"text":"a"}"#.as_slice())
        );
    }

    #[test]
    fn what_has_no_text_or_cannot_be_read_is_refused() {
        check("/tts", "", "", None);
        check("/tts?voice=a", "", "", None);
        check("/tts?text=", "", "", None);
        check("/tts", "text/plain", "text=abc", None);
        check("/tts", "multipart/form-data; boundary=x", "--x", None);
        check("/tts", JSON, r#"["text"]"#, None);
        check("/tts", JSON, r#"{"text":"a""#, None);
        check("/tts?text=a", JSON, r#"{"text":"a","model":5}"#, None);
    }
}
