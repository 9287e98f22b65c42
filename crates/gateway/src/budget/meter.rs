//! Reads a response on its way to the client, and settles its reserve.
//!
//! A whole document is copied up to a bound and read at its end. A stream is read event by event. A body
//! that is encoded, or longer than the bound, cannot be read: its reserve is charged.
//!
//! | body | what is read | memory |
//! |---|---|---|
//! | `text/event-stream`, JSON lines | each event as it passes | one event, at most 1 MiB |
//! | anything else | the whole document, at its end | at most 4 MiB |
//! | with a `Content-Encoding` | nothing | none |
//! | of a request that speaks a text | how many bytes of samples | the header of a WAV file |

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};
use serde_json::Value;

use super::{
    api::Api,
    charge::Charge,
    charged_usage::{Ending, ran_nothing},
    speech::AudioLength,
    usage::Usage,
};
use crate::records::{Fate, Form, Records};

/// The longest document that is read.
const LONGEST: usize = 4 << 20;

/// Reads one response. Dropped before its end and without a usage, it charges the reserve.
#[derive(Debug)]
pub(crate) struct Meter {
    /// The reserve that is settled when the body ends.
    charge: Charge,
    /// Where the usage stands in a document. `None`: the response is sound.
    api: Option<Api>,
    /// What was read of the usage so far.
    usage: Usage,
    /// How the body is read.
    content: Content,
    /// Whether the usage of a stream is left out.
    hides_usage: bool,
}

/// How a body is read, and what of it is kept.
#[derive(Debug)]
enum Content {
    /// Sound, of which the length is counted.
    Audio(AudioLength),
    /// A document, as far as it has passed.
    Document(Vec<u8>),
    /// A model did not run: nothing is read.
    Nothing,
    /// A stream, of which at most one incomplete event is kept.
    Stream(Records),
    /// The body is encoded or longer than [`LONGEST`]: it passes as it is.
    Unreadable,
}

impl Meter {
    /// Counts the sound of this response.
    ///
    /// A response that says that no model ran, such as a 401 or a 429 of the upstream, is not read: the reserve is given back.
    pub(super) fn of_speech(charge: Charge, head: &response::Parts) -> Self {
        let content = match ran_nothing(head.status) {
            true => Content::Nothing,
            false => Content::Audio(AudioLength::for_response(head.status, &head.headers)),
        };
        Self {
            charge,
            api: None,
            usage: Usage::default(),
            content,
            hides_usage: false,
        }
    }

    /// Reads the usage in the body of this response.
    ///
    /// Where the client did not ask for a usage, the event with it is left out of a stream. Then the head loses its
    /// `Content-Length`, since the client gets fewer bytes than the upstream sends.
    pub(super) fn of_document(charge: Charge, api: Api, head: &mut response::Parts) -> Self {
        let content = Content::for_response(head.status, &head.headers);
        let hides_usage = charge.hides_usage() && matches!(content, Content::Stream(_));
        if hides_usage {
            // The client gets fewer bytes than the upstream sends.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        let usage = Usage {
            has_one_choice: charge.has_one_choice(),
            ..Usage::default()
        };
        Self {
            charge,
            api: Some(api),
            usage,
            content,
            hides_usage,
        }
    }

    /// Returns whether it may change the length of the body.
    pub(crate) const fn changes_length(&self) -> bool {
        self.hides_usage
    }

    /// Takes a part, and returns what the client gets of it.
    ///
    /// It is the part itself, without a copy, unless a usage is left out. Then an incomplete event is held back until its end
    /// has come, so the result may be empty. A document that grows beyond 4 MiB is not read any further and passes all the same.
    pub(crate) fn pass_part(&mut self, part: Bytes) -> Bytes {
        let (api, usage, hides_usage) = (self.api, &mut self.usage, self.hides_usage);
        match &mut self.content {
            Content::Audio(audio) => audio.take_part(&part),
            Content::Document(document) if document.len() + part.len() > LONGEST => {
                self.content = Content::Unreadable;
            }
            Content::Document(document) => document.extend_from_slice(&part),
            Content::Nothing | Content::Unreadable => {}
            Content::Stream(records) => {
                let out =
                    records.pass_part(&part, |event| read_event(api, usage, event, hides_usage));
                if hides_usage {
                    return out;
                }
            }
        }
        part
    }

    /// Takes the last part, settles, and returns what the client gets of it and of what was held back.
    ///
    /// Call it only where the body ended as it should: a document counts as complete then. A meter that is dropped instead
    /// settles as for a body that was cut.
    pub(crate) fn finish(mut self, part: Bytes) -> Bytes {
        let last = self.pass_part(part);
        let (api, usage, hides_usage) = (self.api, &mut self.usage, self.hides_usage);
        let mut rest = Bytes::new();
        if let Content::Stream(records) = &mut self.content {
            rest = records.finish(|event| read_event(api, usage, event, hides_usage));
        }
        self.settle_charge(Ending::Complete);
        match hides_usage && !rest.is_empty() {
            true => [last, rest].concat().into(),
            false => last,
        }
    }

    /// Settles the reserve. `ending` is how the body ended; what could be read of it decides too. A second call does nothing.
    fn settle_charge(&mut self, ending: Ending) {
        let ending = match &self.content {
            Content::Audio(audio) => {
                self.usage.audio_millis = audio.millis();
                match audio.is_complete() {
                    true => Ending::Complete,
                    false => ending,
                }
            }
            Content::Document(document) => {
                // A document that was cut cannot be read. One that can be read was complete, even if its
                // end was not asked for. Without a usage, its whole length counts as text.
                let length = document.len() as u64;
                let read = serde_json::from_slice(document);
                if let (Ok(document), Some(api)) = (&read, self.api) {
                    self.usage.read_document(api, document);
                }
                if self.usage.tokens_out.is_none() {
                    self.usage.text = self.usage.text.max(length);
                }
                match read.is_ok() {
                    true => Ending::Complete,
                    false => ending,
                }
            }
            Content::Nothing => Ending::NothingRan,
            Content::Stream(records) if records.is_unreadable => Ending::Unreadable,
            Content::Stream(records) => {
                self.usage.is_final |= records.is_done;
                // Nothing of it could be read, so all of it counts as text.
                if self.usage.tokens_out.is_none() && self.usage.text == 0 {
                    self.usage.text = records.length;
                }
                ending
            }
            Content::Unreadable => Ending::Unreadable,
        };
        self.charge.settle_usage(&self.usage, ending);
        self.content = Content::Nothing;
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.settle_charge(Ending::Cut);
    }
}

impl Content {
    /// Chooses by status, `Content-Encoding` and `Content-Type`.
    fn for_response(status: StatusCode, headers: &HeaderMap) -> Self {
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let encoding = value(header::CONTENT_ENCODING).unwrap_or("identity");
        let media_type = value(header::CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            _ if ran_nothing(status) => Self::Nothing,
            _ if !encoding.eq_ignore_ascii_case("identity") => Self::Unreadable,
            "text/event-stream" => Self::Stream(Records::new(Form::Events)),
            "application/x-ndjson" | "application/jsonl" => Self::Stream(Records::new(Form::Lines)),
            _ => Self::Document(Vec::new()),
        }
    }
}

/// Reads an event, and decides what the client gets of it.
///
/// A last event that has nothing but the usage is left out. Others lose the field `usage`.
fn read_event(api: Option<Api>, usage: &mut Usage, event: &Value, hides_usage: bool) -> Fate {
    if let Some(api) = api {
        usage.read_document(api, event);
    }
    let Some(fields) = event.as_object().filter(|_| hides_usage) else {
        return Fate::Keep;
    };
    let Some(told) = fields.get("usage") else {
        return Fate::Keep;
    };
    let choices = fields.get("choices").and_then(Value::as_array);
    if choices.is_none_or(Vec::is_empty) && told.is_object() {
        return Fate::LeaveOut;
    }
    let mut fields = fields.clone();
    fields.remove("usage");
    Fate::Replace(Value::Object(fields))
}
