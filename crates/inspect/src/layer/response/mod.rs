//! Responses, by option: which are read, how far, and what comes of it.
//!
//! The rules of phases 3 and 4 see the status, the headers, and the start of a body of text. They
//! also see the head of the request, whose rules of phase 1 run once more to set their variables;
//! the body of the request is no longer there.
//!
//! | Response | What the rules see |
//! |---|---|
//! | text, JSON, XML, JavaScript of a known length | the head, and the body up to the limit |
//! | the same without a known length | the head, and the body up to the limit or the first wait |
//! | a stream: `text/event-stream`, `application/grpc…`, `application/connect…`, `application/stream+json`, and plain text whose length is not known | the head |
//! | a compressed body | the head |
//! | any other type, a tunnel, an answer to `HEAD` | the head |
//!
//! A body is sent on as it came, frame by frame, after at most the limit was read. The handler's
//! stream is never waited for where a client would expect its first part at once.
//!
//! The handler gets the request without what would keep its response from the rules: it asks for no
//! coding and no range.

mod body;
mod coverage;
mod reading;

use std::sync::Arc;

use http::{Request, Response, request};
use http_body::Body;
use palisade_core::{GuardBody, SecurityContext, refuse_response};

pub use self::body::InspectBody;
use self::coverage::Coverage;
pub(super) use self::reading::ReadingResponse;
use super::settings::{NAME, Settings};

/// What is needed to inspect the response to a request.
pub(super) struct ResponseInspection {
    /// What decides.
    settings: Arc<Settings>,
    /// The record of the request.
    cx: SecurityContext,
    /// A copy of the head of the request, without its extensions.
    request: request::Parts,
}

/// What comes after the head of a response.
pub(super) enum Begun<B: Body> {
    /// Its body is read first.
    Reading(Box<ReadingResponse<B>>),
    /// It is sent.
    Done(Response<GuardBody<InspectBody<B>>>),
}

impl ResponseInspection {
    /// Keeps the head of a request. `None`: responses are not inspected.
    pub(super) fn prepare(
        settings: &Arc<Settings>,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Option<Box<Self>> {
        settings.responses?;
        let (mut request, ()) = Request::new(()).into_parts();
        request.method = head.method.clone();
        request.uri = head.uri.clone();
        request.version = head.version;
        request.headers = head.headers.clone();
        Some(Box::new(Self {
            settings: Arc::clone(settings),
            cx: cx.clone(),
            request,
        }))
    }

    /// Starts with a response: reads its body first if the rules see it.
    pub(super) fn begin<B: Body>(self: Box<Self>, response: Response<B>) -> Begun<B> {
        let most = self.settings.responses.unwrap_or_default();
        let (head, body) = response.into_parts();
        match coverage::of(&self.request, &head, &body) {
            Coverage::Body => {
                Begun::Reading(Box::new(ReadingResponse::new(self, head, body, most)))
            }
            Coverage::Head(reason) => {
                if let Some(reason) = reason {
                    self.settings.note_response(&self.cx, reason);
                }
                let body = InspectBody::passed(body);
                Begun::Done(self.decide(Response::from_parts(head, body), b""))
            }
        }
    }

    /// Runs the rules. The response is sent, or a refusal in its place.
    fn decide<B: Body>(
        &self,
        response: Response<InspectBody<B>>,
        text: &[u8],
    ) -> Response<GuardBody<InspectBody<B>>> {
        let (head, body) = response.into_parts();
        let checked = self
            .settings
            .inspect_response(&self.cx, &self.request, &head, text);
        match checked {
            Ok(()) => Response::from_parts(head, GuardBody::inner(body)),
            Err(rejection) => refuse_response(&self.cx, NAME, *rejection),
        }
    }
}
