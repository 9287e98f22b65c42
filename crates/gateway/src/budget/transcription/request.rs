//! A request whose sound is written down: how many bytes it has, and which model.
//!
//! | body | what counts as sound |
//! |---|---|
//! | `audio/…`, `video/…`, `application/octet-stream` | the whole body |
//! | `multipart/form-data` | the whole body, with its other fields |
//! | anything else, an encoded body, none | refused: the sound could not be found |
//!
//! A request that only names a sound, by an address, is refused too: its length is not known.

use bytes::Bytes;
use http::{header, request::Parts};
use palisade::core::Rejection;
use palisade_internal::percent;

use super::{
    super::{
        field_names::{NameMatch, all_pairs, is_model_name, names_further_models},
        refusal,
    },
    form::{read_boundary, read_parts},
};

/// A request that was read whole.
#[derive(Debug)]
pub(in super::super) struct TranscriptionRequest {
    /// Bytes of the body: at least as many as of its sound.
    pub(in super::super) bytes: u64,
    /// The model. Empty: none is named.
    pub(in super::super) model: String,
    /// Whether it names further models, which the server may use in place of the first.
    pub(in super::super) names_further_models: bool,
}

impl TranscriptionRequest {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// 400: it has no sound, or a body or names that servers could read in different ways.
    pub(in super::super) fn read(head: &Parts, raw: &Bytes) -> Result<Self, Box<Rejection>> {
        let mut model = None;
        let mut names_further = false;
        for (name, value) in all_pairs(head.uri.query().unwrap_or_default()) {
            let decoded = |text| percent::decode_form_strictly(text).map_err(|_| refused(BROKEN));
            names_further |= names_further_models(&decoded(name)?);
            read_field(&decoded(name)?, decoded(value)?.as_bytes(), &mut model)?;
        }
        if let Some(parameters) = form_parameters(head, raw)? {
            let boundary = read_boundary(parameters).map_err(refused)?;
            for part in read_parts(raw, boundary).map_err(refused)? {
                names_further |= names_further_models(part.name);
                match part.is_file {
                    true if is_near(part.name, "model")? => return Err(refused(BROKEN)),
                    true => {}
                    false => read_field(part.name, part.content, &mut model)?,
                }
            }
        }
        Ok(Self {
            bytes: raw.len() as u64,
            model: model.unwrap_or_default(),
            names_further_models: names_further,
        })
    }
}

/// The reason for a field that cannot be read.
const BROKEN: &str = "a field is broken or is not UTF-8";

/// The refusal of a request whose sound cannot be counted.
fn refused(reason: &'static str) -> Box<Rejection> {
    refusal::unreadable_sound(reason)
}

/// Takes one field: the model, or one that names no sound.
///
/// # Errors
///
/// 400: it names a sound, or another model than one before.
fn read_field(name: &str, value: &[u8], model: &mut Option<String>) -> Result<(), Box<Rejection>> {
    let folded = name.to_ascii_lowercase();
    let begin = value.trim_ascii_start().get(..4).unwrap_or_default();
    let names_sound = ["url", "uri"].iter().any(|part| folded.contains(part));
    if names_sound || begin.eq_ignore_ascii_case(b"http") {
        return Err(refused("send the sound itself, not its address"));
    }
    if !is_near(name, "model")? {
        return Ok(());
    }
    let value = std::str::from_utf8(value).map_err(|_| refused(BROKEN))?;
    match model.replace(value.to_owned()) {
        _ if !is_model_name(value) => {
            Err(refused("`model` is too long, or has control characters"))
        }
        Some(before) if before != value => Err(refused("two models are named")),
        _ => Ok(()),
    }
}

/// Returns whether a field has exactly this name.
///
/// # Errors
///
/// 400: only some servers take it for that name.
fn is_near(name: &str, wanted: &str) -> Result<bool, Box<Rejection>> {
    match NameMatch::of(name, wanted) {
        NameMatch::Exact => Ok(true),
        NameMatch::Other => Ok(false),
        NameMatch::Near | NameMatch::OtherCase => Err(refused(
            "a field has nearly the name of the model; write `model`",
        )),
    }
}

/// Returns the parameters of a `multipart/form-data` type. `None`: the whole body is sound.
///
/// # Errors
///
/// 400: the body is empty, encoded, or of another type.
fn form_parameters<'h>(head: &'h Parts, raw: &Bytes) -> Result<Option<&'h str>, Box<Rejection>> {
    if raw.is_empty() || head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refused("it has no body, or an encoded one"));
    }
    let mut types = head.headers.get_all(header::CONTENT_TYPE).iter();
    let (written, further) = (types.next(), types.next());
    let written = written
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (essence, parameters) = written.split_once(';').unwrap_or((written, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let is_sound = ["audio/", "video/"]
        .iter()
        .any(|begin| essence.starts_with(begin));
    match essence.as_str() {
        _ if further.is_some() => Err(refused("it has two types")),
        "multipart/form-data" => Ok(Some(parameters)),
        "application/octet-stream" => Ok(None),
        _ if is_sound => Ok(None),
        _ => Err(refused(
            "send the sound as multipart/form-data or as audio/…",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(target: &str, media_type: &str, body: &str, expected: Option<(u64, &str)>) {
        let mut request = http::Request::post(target);
        if !media_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let read = TranscriptionRequest::read(&head, &Bytes::from(body.to_owned())).ok();
        let read = read.map(|read| (read.bytes, read.model));
        let expected = expected.map(|(bytes, model)| (bytes, model.to_owned()));
        assert_eq!(read, expected, "{target} {media_type} {body}");
    }

    fn form(parts: &[(&str, &str)]) -> String {
        let part = |(name, value): &(&str, &str)| {
            format!("--xy\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts: String = parts.iter().map(part).collect();
        format!("{parts}--xy--\r\n")
    }

    const FORM: &str = "multipart/form-data; boundary=xy";

    #[test]
    fn every_byte_of_the_body_counts_as_sound() {
        let body = form(&[("model", "m"), ("language", "en")]);
        check("/t", FORM, &body, Some((body.len() as u64, "m")));
        check("/t?model=m", FORM, &body, Some((body.len() as u64, "m")));
        check("/t", "audio/wav", "RIFF", Some((4, "")));
        check("/t?model=m", "Audio/L16; rate=8000", "RIFF", Some((4, "m")));
    }

    #[test]
    fn sound_that_cannot_be_counted_is_refused() {
        check("/t", FORM, "", None);
        check("/t", "", "RIFF", None);
        check("/t", "application/json", r#"{"url":"http://a"}"#, None);
        check("/t?url=a", "audio/wav", "RIFF", None);
        check("/t?callback=https%3A%2F%2Fa", "audio/wav", "RIFF", None);
        for (name, value) in [
            ("audio_url", "a"),
            ("file", " HTTP://a"),
            ("Model", "m"),
            ("model[]", "m"),
            ("model", "n"),
            ("model", "m\0"),
        ] {
            check("/t", FORM, &form(&[("model", "m"), (name, value)]), None);
        }
        let file =
            form(&[("model", "m")]).replace("name=\"model\"", "name=\"model\"; filename=\"a\"");
        check("/t", FORM, &file, None);
    }
}
