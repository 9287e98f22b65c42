//! What the body of a response is made of, and how its text is found.

use super::cleaning::TextCleaning;
use super::delta_fields::DeltaFields;
use super::json_strings::JsonStrings;
use super::records::{Framing, Records};
use super::response_text::ResponseText;
use super::utf8::Utf8Chunks;

/// The kinds of bodies that are cleaned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// `text/event-stream`.
    Events,
    /// `application/json`, and what ends with `+json`.
    Json,
    /// Documents of JSON, one a line.
    Lines,
    /// `text/plain`, `text/markdown`.
    Text,
}

/// Cleans the bytes of one body.
#[derive(Debug)]
pub(super) struct BodyText {
    /// Joins characters that two chunks share.
    characters: Utf8Chunks,
    /// How the text is in the bytes.
    content: Content,
    /// What is done with the text.
    cleaning: TextCleaning,
}

/// The state of one body.
#[derive(Debug)]
enum Content {
    Json(Box<JsonStrings>),
    Records(Box<Records>),
    Text(Box<ResponseText<'static>>),
}

impl BodyText {
    /// `longest_event` is the limit of an event or a line that is held, in bytes.
    pub(super) fn new(
        format: Format,
        cleaning: TextCleaning,
        fields: DeltaFields,
        longest_event: usize,
    ) -> Self {
        let records = |framing| Box::new(Records::new(framing, longest_event, fields));
        let content = match format {
            Format::Events => Content::Records(records(Framing::Events)),
            Format::Json => Content::Json(Box::default()),
            Format::Lines => Content::Records(records(Framing::Lines)),
            Format::Text => Content::Text(Box::new(cleaning.text(false))),
        };
        Self {
            characters: Utf8Chunks::default(),
            content,
            cleaning,
        }
    }

    /// Takes a chunk and returns what is certain.
    pub(super) fn push(&mut self, chunk: &[u8]) -> String {
        let part = self.characters.push(chunk);
        let mut out = String::with_capacity(part.len());
        self.push_text(&part, &mut out);
        out
    }

    /// Passes whole characters to the reader of the format.
    fn push_text(&mut self, part: &str, out: &mut String) {
        match &mut self.content {
            Content::Json(strings) => strings.push(part, &mut self.cleaning, out),
            Content::Records(records) => records.push(part, &mut self.cleaning, out),
            Content::Text(text) => out.push_str(&text.push(part)),
        }
    }

    /// Returns what was held back.
    pub(super) fn finish(&mut self) -> String {
        let mut out = String::new();
        let last = self.characters.finish();
        self.push_text(last, &mut out);
        match &mut self.content {
            Content::Json(strings) => strings.finish(&mut self.cleaning, &mut out),
            Content::Records(records) => records.finish(&mut self.cleaning, &mut out),
            Content::Text(text) => out.push_str(&text.finish()),
        }
        out
    }

    /// Returns what was changed so far, in words. `None`: nothing since the last call.
    pub(super) fn take_note(&mut self) -> Option<String> {
        if let Content::Text(text) = &mut self.content {
            self.cleaning.count(text);
        }
        let counts = self.cleaning.take_counts();
        (!counts.is_empty()).then(|| counts.to_string())
    }
}
