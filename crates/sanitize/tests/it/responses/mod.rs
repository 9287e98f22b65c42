//! Responses on their way to the client: cleaned, masked, placeholders restored.

mod attacks;
mod heads;
mod placeholders;
mod streams;
mod unjoined;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use palisade_core::testing::TestBody;
use palisade_core::{Fact, RequestBody, SecurityContext};
use palisade_sanitize::{
    Field, PersonalData, ResponseRules, SanitizeLayer, SanitizeLayerBuilder, Sanitizer,
};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::json;

/// What a handler sends: fields of the head, then frames.
pub(super) struct Sent {
    pub(super) head: Vec<(&'static str, String)>,
    pub(super) status: u16,
    pub(super) frames: Vec<Result<Frame<Bytes>, &'static str>>,
}

impl Sent {
    pub(super) fn new(content_type: &str, chunks: &[&str]) -> Self {
        Self::bytes(content_type, chunks.iter().map(|chunk| chunk.as_bytes()))
    }

    pub(super) fn bytes<'c>(content_type: &str, chunks: impl Iterator<Item = &'c [u8]>) -> Self {
        let frame = |chunk: &[u8]| Ok(Frame::data(Bytes::copy_from_slice(chunk)));
        Self {
            head: vec![("content-type", content_type.to_owned())],
            status: 200,
            frames: chunks.map(frame).collect(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.head.push((name, value.to_owned()));
        self
    }
}

/// What the client got, and what the handler had got.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) frames: Vec<String>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) error: Option<&'static str>,
    pub(super) facts: Vec<Fact>,
    pub(super) asked: (HeaderMap, String),
}

impl Got {
    pub(super) fn text(&self) -> String {
        self.frames.concat()
    }

    /// The note about the response.
    pub(super) fn note(&self) -> Option<String> {
        self.facts.iter().find_map(|fact| match fact {
            Fact::Noted {
                key: "response_text",
                value,
            } => Some(value.to_string()),
            _ => None,
        })
    }
}

/// Cleans the field `text` as a prompt, and responses by these rules.
pub(super) fn layer(rules: ResponseRules) -> SanitizeLayerBuilder {
    SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::prompt()))
        .responses(rules)
}

pub(super) fn masking() -> SanitizeLayerBuilder {
    layer(ResponseRules::new().mask(PersonalData::new()))
}

/// Sends a request with a text, and has the handler respond.
pub(super) async fn ask(layer: SanitizeLayerBuilder, text: &str, sent: Sent) -> Got {
    let body = serde_json::json!({ "text": text }).to_string();
    ask_with(layer, json(body), sent).await
}

pub(super) async fn ask_with(
    layer: SanitizeLayerBuilder,
    request: Request<TestBody>,
    sent: Sent,
) -> Got {
    let seen = Arc::new(Mutex::new((HeaderMap::new(), String::new())));
    let (noted, sent) = (Arc::clone(&seen), Arc::new(Mutex::new(Some(sent))));
    let handler = move |request: Request<RequestBody<TestBody>>| {
        let (noted, sent) = (Arc::clone(&noted), sent.lock().unwrap().take().unwrap());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            *noted.lock().unwrap() = (head.headers, String::from_utf8(body.to_vec()).unwrap());
            let mut response = Response::builder().status(sent.status);
            for (name, value) in sent.head {
                response = response.header(name, value);
            }
            let frames = futures_util::stream::iter(sent.frames);
            Ok::<_, Infallible>(response.body(StreamBody::new(frames)).unwrap())
        }
    };
    let service = ServiceBuilder::new()
        .layer(layer.build().unwrap())
        .service_fn(handler);
    let (mut head, body) = request.into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let response = service
        .oneshot(Request::from_parts(head, body))
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let mut got = Got {
        status: head.status.as_u16(),
        headers: head.headers,
        frames: Vec::new(),
        trailers: None,
        error: None,
        facts: Vec::new(),
        asked: seen.lock().unwrap().clone(),
    };
    read(body, &mut got).await;
    got.facts = cx.facts();
    got
}

/// Reads a body frame by frame.
async fn read<B>(body: B, got: &mut Got)
where
    B: Body<Data = Bytes, Error = &'static str>,
{
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        match frame {
            Err(error) => got.error = Some(error),
            Ok(frame) => match frame.into_data() {
                Ok(data) => {
                    assert!(!data.is_empty(), "an empty frame");
                    let text = String::from_utf8(data.to_vec()).unwrap();
                    got.frames.push(text);
                }
                Err(frame) => got.trailers = frame.into_trailers().ok(),
            },
        }
    }
    assert!(body.is_end_stream());
}

/// The data of the events of a stream, which must be well formed.
pub(super) fn data_of(stream: &str) -> Vec<String> {
    assert!(stream.is_empty() || stream.ends_with("\n\n"), "{stream:?}");
    let events = stream.split_terminator("\n\n");
    events
        .filter_map(|event| {
            let lines: Vec<&str> = event
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        })
        .collect()
}

/// The texts of a stream of chat completions, one for each choice.
pub(super) fn choices_of(stream: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for data in data_of(stream) {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(&data) else {
            continue;
        };
        for choice in event["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or(0) as usize;
            texts.resize(texts.len().max(index + 1), String::new());
            texts[index] += choice["delta"]["content"].as_str().unwrap_or_default();
        }
    }
    texts
}

/// An event of a chat completion.
pub(super) fn delta(index: usize, text: &str) -> String {
    let event = serde_json::json!({"id": "c1", "object": "chat.completion.chunk",
        "choices": [{"index": index, "delta": {"content": text}, "finish_reason": null}]});
    format!("data: {event}\n\n")
}

/// The events that end a chat completion.
pub(super) fn end(index: usize) -> String {
    let event = serde_json::json!({"id": "c1", "object": "chat.completion.chunk",
        "choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]});
    format!("data: {event}\n\n")
}
