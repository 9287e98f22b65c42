//! The settings of responses, and what happens with one of them.

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_LENGTH, ETAG, IF_RANGE, RANGE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request, response};
use http_body::Body;
use palisade_core::{Fact, GuardBody, Rejection, SecurityContext, refuse_response};

use super::body::SanitizeBody;
use super::cleaning::TextCleaning;
use super::coverage::{self, Coverage};
use super::delta_fields::DeltaFields;
use super::format::{BodyText, Format};
use crate::body_digests::remove_digests;
use crate::personal_data::{PersonalData, Placeholders};

/// The name of the layer in refusals.
const NAME: &str = "sanitize";

/// The longest event or line that is held: one with an image in Base64.
const LONGEST_EVENT: usize = 4 * 1024 * 1024;

/// How the text of responses is cleaned. Given to
/// [`SanitizeLayerBuilder::responses`](crate::SanitizeLayerBuilder::responses).
///
/// Control characters, direction controls, tags and other hidden characters are dropped, as
/// [`ResponseText`](crate::ResponseText) does. By option, personal data is masked. Placeholders of the
/// request are restored.
///
/// # What is cleaned
///
/// | type | text |
/// |---|---|
/// | `text/event-stream` | strings of JSON in the data of events, or the data itself |
/// | `application/x-ndjson`, `application/jsonl`, `application/json-seq` | strings of JSON |
/// | `application/json`, and what ends with `+json` | strings of JSON |
/// | `text/plain`, `text/markdown` | all of it |
///
/// Names of members, numbers, and lines of events that are no data stay. Other types pass as they are,
/// also HTML. Nothing is refused once a response has begun.
///
/// Streams of models send a text word by word. The texts of OpenAI, Anthropic, Ollama, Gemini, Text
/// Generation Inference and llama.cpp are joined, so a number or a placeholder that is divided over
/// events is found. What is held back then comes with the next event of the text.
///
/// With a finder, lists and objects in `logprobs` and similar members become `null`, because they repeat
/// the text token by token, and texts that cannot be joined are masked whole.
///
/// # Default
///
/// Only responses of routes with text fields are cleaned. The handler is asked for no compression and
/// no range, and a text that cannot be read nevertheless is refused with 502 (`response_unreadable`).
///
/// ```
/// use palisade_sanitize::{Fields, PersonalData, ResponseRules, SanitizeLayer};
///
/// let layer = SanitizeLayer::builder()
///     .fields(Fields::openai_chat())
///     .responses(ResponseRules::new().mask(PersonalData::new()))
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ResponseRules {
    finder: Option<PersonalData>,
    every_route: bool,
    joined: Vec<Arc<str>>,
    joins_plain: bool,
    max_event: usize,
    pass_unreadable: bool,
}

impl Default for ResponseRules {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseRules {
    /// Drops hidden characters and restores placeholders, and does nothing else.
    pub const fn new() -> Self {
        Self {
            finder: None,
            every_route: false,
            joined: Vec::new(),
            joins_plain: false,
            max_event: LONGEST_EVENT,
            pass_unreadable: false,
        }
    }

    /// Masks personal data with `*`. Default: off.
    ///
    /// That includes what the client has sent itself, unless the layer replaces it by placeholders: what
    /// they restore is not masked.
    pub fn mask(mut self, finder: PersonalData) -> Self {
        self.finder = Some(finder);
        self
    }

    /// Cleans the responses of all routes. Default: of those with text fields.
    pub const fn every_route(mut self) -> Self {
        self.every_route = true;
        self
    }

    /// Joins the strings at a path of the events of a stream to one text, beside those of the common
    /// model servers.
    ///
    /// `*` is every element or member. Events whose members `index`, `output_index`, `content_index`,
    /// `summary_index` or `item_id` differ belong to different texts.
    ///
    /// ```
    /// use palisade_sanitize::ResponseRules;
    ///
    /// let rules = ResponseRules::new().joined_text("/tokens/*/word");
    /// # let _ = rules;
    /// ```
    pub fn joined_text(mut self, path: impl Into<Arc<str>>) -> Self {
        self.joined.push(path.into());
        self
    }

    /// Joins the data of events that is not JSON to one text. Default: each event is a text.
    ///
    /// For services that send a text word by word without JSON. An event is then held back until the
    /// next one if its end may go on.
    pub const fn join_plain_events(mut self) -> Self {
        self.joins_plain = true;
        self
    }

    /// Limits the event or line that is held until it is complete, in bytes. Default: 4 MiB.
    ///
    /// A longer one is cleaned as it arrives, string by string, and no text goes over its borders.
    pub const fn max_event(mut self, bytes: usize) -> Self {
        self.max_event = bytes;
        self
    }

    /// Passes texts that are compressed, partial or not in UTF-8 as they are. Default: 502.
    ///
    /// Hidden characters and personal data then reach the client. The audit record says so.
    pub const fn dangerously_pass_unreadable(mut self) -> Self {
        self.pass_unreadable = true;
        self
    }

    /// Returns a path of [`joined_text`](Self::joined_text) that cannot be found.
    pub(crate) fn wrong_path(&self) -> Option<&Arc<str>> {
        self.joined.iter().find(|path| !path.starts_with('/'))
    }

    /// Tells whether the response to a request is cleaned.
    pub(crate) const fn applies(&self, has_fields: bool) -> bool {
        self.every_route || has_fields
    }

    /// Asks the handler for a response that can be read: no coding, no range.
    pub(crate) fn ask_for_readable(&self, headers: &mut HeaderMap) {
        if !self.pass_unreadable {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
    }
}

/// What is needed to clean the response to one request.
#[derive(Debug)]
pub(crate) struct ResponseCleaning {
    rules: Arc<ResponseRules>,
    cx: SecurityContext,
    method: Method,
    placeholders: Option<Arc<Placeholders>>,
}

/// A response behind the layer.
pub(crate) type Answered<B> = Response<GuardBody<SanitizeBody<B>>>;

impl ResponseCleaning {
    /// Keeps what a request tells about its response.
    pub(crate) fn new(
        rules: &Arc<ResponseRules>,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Self {
        Self {
            rules: Arc::clone(rules),
            cx: cx.clone(),
            method: head.method.clone(),
            placeholders: None,
        }
    }

    /// Restores these placeholders.
    pub(crate) fn restore(&mut self, placeholders: Arc<Placeholders>) {
        self.placeholders = Some(placeholders);
    }

    /// Returns the response with a body that is cleaned on its way, or a refusal.
    pub(crate) fn begin<B: Body>(self, response: Response<B>) -> Answered<B> {
        let (mut head, body) = response.into_parts();
        let body = match coverage::of(&self.method, &head, body.is_end_stream()) {
            Coverage::Clean(format) => {
                describe_anew(&mut head);
                let (text, cx) = self.into_text(format);
                SanitizeBody::cleaned(body, text, cx)
            }
            Coverage::Described => {
                describe_anew(&mut head);
                SanitizeBody::passed(body)
            }
            Coverage::Unreadable(why) if !self.rules.pass_unreadable => {
                return refuse_response(&self.cx, NAME, unreadable(why));
            }
            Coverage::Unreadable(why) => {
                self.note_unreadable(why);
                SanitizeBody::passed(body)
            }
            Coverage::Pass => SanitizeBody::passed(body),
        };
        Response::from_parts(head, GuardBody::inner(body))
    }

    /// Makes the text of a body.
    fn into_text(self, format: Format) -> (BodyText, SecurityContext) {
        let rules = &self.rules;
        let cleaning = TextCleaning::new(rules.finder.clone(), self.placeholders);
        let fields = DeltaFields::new(rules.joined.iter().cloned(), rules.joins_plain);
        let text = BodyText::new(format, cleaning, fields, rules.max_event);
        (text, self.cx)
    }

    fn note_unreadable(&self, why: &'static str) {
        self.cx.record(Fact::Noted {
            key: "response_text",
            value: format!("passed: {why}").into(),
        });
    }
}

/// Removes what was said about a body that is changed: its length, digests, ranges. A validator of its
/// bytes becomes weak (RFC 9110, section 8.8.1).
fn describe_anew(head: &mut response::Parts) {
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.remove(ACCEPT_RANGES);
    remove_digests(&mut head.headers);
    let etag = head.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
    let weak = etag.filter(|etag| etag.starts_with('"'));
    if let Some(weak) = weak.and_then(|etag| HeaderValue::try_from(format!("W/{etag}")).ok()) {
        head.headers.insert(ETAG, weak);
    }
}

/// Refuses a response whose text cannot be read.
fn unreadable(why: &'static str) -> Rejection {
    let words = "The response of the service cannot be checked.";
    Rejection::new(StatusCode::BAD_GATEWAY, "response_unreadable", words).with_reason(why)
}
