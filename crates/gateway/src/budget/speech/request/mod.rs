//! The text of a request: in its query, its form, or its JSON object.
//!
//! A server may read it in one of these places and by its own rules. So the characters of all places are added up, with two
//! more between them, since some servers join texts:
//!
//! - every field of the name, in any case, also if it is there twice
//! - in a query and a form, fields that are separated by `;` too
//!
//! What servers read in different ways is refused: a text that is no string, bytes that are not UTF-8, another character
//! set, and fields that only some servers take for the text (`text[]`; see [`NameMatch`]). The model may be in each of the
//! places, but must be the same in all.
//!
//! A JSON body is written again from what was parsed: a key that is there twice reaches the server with the value that
//! was counted. A body of another kind is refused, since its text could not be found.

mod lengths;

use bytes::Bytes;
use http::{HeaderValue, header, request::Parts};
use palisade::core::Rejection;
use palisade_internal::percent;
use serde_json::{Map, Value};

use self::lengths::Lengths;
use super::{
    super::{
        field_names::{NameMatch, all_pairs, is_model_name, names_further_models},
        refusal,
        value_count::check_value_count,
    },
    SpeechRule,
};

/// Characters that a server may put between two texts: a comma and a space.
const BETWEEN_TEXTS: u64 = 2;
/// The mark of a form in ISO 8859-1, as some parsers look for it in the field `utf8`.
const LATIN_MARK: &str = "&#10003;";

/// A request whose text was found.
#[derive(Debug)]
pub(in super::super) struct SpeechRequest {
    /// Characters of the text, as Unicode counts them, for each sound that is asked for.
    pub(in super::super) characters: u64,
    /// The model. Empty: none is named.
    pub(in super::super) model: String,
    /// Whether it names further models, which the server may use in place of the first.
    pub(in super::super) names_further_models: bool,
    /// How often the sound of normal speed its sound may be. `None`: it sets a length that is not known.
    pub(in super::super) slowness: Option<u64>,
    /// The body for the server.
    pub(in super::super) body: Bytes,
}

impl SpeechRequest {
    /// Finds the text, and sets the media type under which it was found.
    ///
    /// # Errors
    ///
    /// 400: the request has no text, or one that servers could read in different ways.
    pub(in super::super) fn read(
        rule: &SpeechRule,
        head: &mut Parts,
        raw: Bytes,
    ) -> Result<Self, Box<Rejection>> {
        let mut found = Found::new(rule);
        found.read_pairs(head.uri.query().unwrap_or_default())?;
        let (media_type, body) = match body_kind(head, &raw)? {
            BodyKind::None => (None, raw),
            BodyKind::Form => {
                let text = std::str::from_utf8(&raw)
                    .map_err(|_| refusal::unreadable_text("the form is not UTF-8"))?;
                found.read_pairs(text)?;
                (Some("application/x-www-form-urlencoded"), raw)
            }
            BodyKind::Json => (Some("application/json"), found.read_json(&raw)?),
        };
        // Without parameters: a server must read the body as it was counted.
        if let Some(media_type) = media_type {
            let value = HeaderValue::from_static(media_type);
            head.headers.insert(header::CONTENT_TYPE, value);
        }
        match found.characters {
            0 => Err(refusal::no_text(&rule.text)),
            _ => Ok(Self {
                characters: found.total().saturating_mul(found.lengths.sounds),
                model: found.model.unwrap_or_default(),
                names_further_models: found.names_further_models,
                slowness: found.lengths.slowness,
                body,
            }),
        }
    }
}

/// What was found in all places of a request.
struct Found<'r> {
    rule: &'r SpeechRule,
    /// Characters of all texts.
    characters: u64,
    /// How many texts there are.
    texts: u64,
    /// The model, if one is named.
    model: Option<String>,
    names_further_models: bool,
    /// How many sounds it asks for, and how slow they are.
    lengths: Lengths,
}

impl<'r> Found<'r> {
    const fn new(rule: &'r SpeechRule) -> Self {
        Self {
            rule,
            characters: 0,
            texts: 0,
            model: None,
            names_further_models: false,
            lengths: Lengths::new(),
        }
    }

    /// Returns the characters, with those between texts.
    const fn total(&self) -> u64 {
        let between = self.texts.saturating_sub(1) * BETWEEN_TEXTS;
        self.characters.saturating_add(between)
    }

    /// Reads a query or form.
    ///
    /// # Errors
    ///
    /// 400: a field could be read in different ways.
    fn read_pairs(&mut self, pairs: &str) -> Result<(), Box<Rejection>> {
        for (name, value) in all_pairs(pairs) {
            let name = decode(name)?;
            match name.as_str() {
                "_charset_" if !decode(value)?.eq_ignore_ascii_case("utf-8") => {
                    return Err(refusal::unreadable_text(
                        "the form names another character set",
                    ));
                }
                "utf8" if decode(value)? == LATIN_MARK => {
                    return Err(refusal::unreadable_text(
                        "the form names another character set",
                    ));
                }
                name if self.is_text(name)? => self.add_text(&decode(value)?),
                name if is_model(name)? => self.add_model(decode(value)?)?,
                name => {
                    self.names_further_models |= names_further_models(name);
                    self.lengths.read_field(name, &decode(value)?)?;
                }
            }
        }
        Ok(())
    }

    /// Reads a JSON object, and returns it as it was read.
    ///
    /// # Errors
    ///
    /// 400: it is no JSON object, or a member could be read in different ways.
    fn read_json(&mut self, raw: &Bytes) -> Result<Bytes, Box<Rejection>> {
        check_value_count(raw)?;
        let document: Map<String, Value> = serde_json::from_slice(raw)
            .map_err(|_| refusal::unreadable_text("it is no JSON object, or too deep"))?;
        for (name, value) in &document {
            if self.is_text(name)? {
                // Servers write lists, objects and numbers in different ways, with names and marks of their own.
                let text = value.as_str();
                let no_string = || refusal::unreadable_text("send the text as one string");
                self.add_text(text.ok_or_else(no_string)?);
            } else if is_model(name)? && !value.is_null() {
                let no_string = || refusal::unreadable_text("`model` is no string");
                let model = value.as_str().ok_or_else(no_string)?;
                self.add_model(model.to_owned())?;
            } else if !value.is_null() {
                self.names_further_models |= names_further_models(name);
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                self.lengths.read_field(name, &text)?;
            }
        }
        // A map of strings and values can always be written.
        Ok(serde_json::to_vec(&document).unwrap_or_default().into())
    }

    /// Returns whether a field is the text.
    ///
    /// # Errors
    ///
    /// 400: only some servers take it for the text.
    fn is_text(&self, name: &str) -> Result<bool, Box<Rejection>> {
        match NameMatch::of(name, &self.rule.text) {
            NameMatch::Exact | NameMatch::OtherCase => Ok(true),
            NameMatch::Near => Err(refusal::unreadable_text(
                "a field has nearly the name of the text; send the text as one string",
            )),
            NameMatch::Other => Ok(false),
        }
    }

    fn add_text(&mut self, text: &str) {
        let count = text.chars().count() as u64;
        self.characters = self.characters.saturating_add(count);
        self.texts = self.texts.saturating_add(1);
    }

    /// Takes a model.
    ///
    /// # Errors
    ///
    /// 400: it is no name, or another one is named too.
    fn add_model(&mut self, model: String) -> Result<(), Box<Rejection>> {
        if !is_model_name(&model) {
            return Err(refusal::unreadable_text(
                "`model` is too long, or has control characters",
            ));
        }
        match self.model.replace(model) {
            Some(before) if self.model.as_ref() != Some(&before) => {
                Err(refusal::unreadable_text("two models are named"))
            }
            _ => Ok(()),
        }
    }
}

/// Returns whether a field is the model.
///
/// # Errors
///
/// 400: only some servers take it for the model.
fn is_model(name: &str) -> Result<bool, Box<Rejection>> {
    match NameMatch::of(name, "model") {
        NameMatch::Exact => Ok(true),
        NameMatch::Other => Ok(false),
        NameMatch::Near | NameMatch::OtherCase => Err(refusal::unreadable_text(
            "a field has nearly the name of the model; write `model`",
        )),
    }
}

/// Decodes a name or value.
///
/// # Errors
///
/// 400: it has an incomplete escape, or is not UTF-8. Servers read both in different ways.
fn decode(written: &str) -> Result<String, Box<Rejection>> {
    let decoded = percent::decode_form_strictly(written);
    let refused = |_| refusal::unreadable_text("a field has a broken escape or is not UTF-8");
    decoded.map(Into::into).map_err(refused)
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
/// 400: it is encoded, in another character set, or of another type. No type is JSON: a server may take it for that.
fn body_kind(head: &Parts, raw: &Bytes) -> Result<BodyKind, Box<Rejection>> {
    if raw.is_empty() {
        return Ok(BodyKind::None);
    }
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refusal::unreadable_text("its content is encoded"));
    }
    let mut types = head.headers.get_all(header::CONTENT_TYPE).iter();
    let written = types
        .next()
        .map_or(Ok("application/json"), |value| value.to_str());
    let written = written.unwrap_or_default().to_ascii_lowercase();
    let mut parts = written.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_utf8 = |parameter: &str| {
        let charset = parameter.strip_prefix("charset");
        let value = charset.map(|rest| rest.trim_start().trim_start_matches('=').trim());
        value.is_none_or(|value| matches!(value.trim_matches('"'), "utf-8" | "utf8" | ""))
    };
    if types.next().is_some() {
        return Err(refusal::unreadable_text("it has two types"));
    }
    if !parts.all(is_utf8) {
        return Err(refusal::unreadable_text("send it in UTF-8"));
    }
    match essence {
        "application/x-www-form-urlencoded" => Ok(BodyKind::Form),
        json if json == "application/json" || json.ends_with("+json") => Ok(BodyKind::Json),
        _ => Err(refusal::unreadable_text("it is neither JSON nor a form")),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
