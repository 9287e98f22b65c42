//! The body of a response, on its way to the client.
//!
//! Nothing is collected: a part is asked for when the client has taken the last one, so memory does not
//! grow with the body. What may be changed on the way is in [`filters`].
//!
//! Two times bound it. `idle` begins when the upstream has nothing to give, and ends with the next part;
//! while a slow client does not read, it does not run. `end` is fixed when the request begins. The timer
//! is made when the upstream is silent for the first time: most responses never need one. `end` is compared at each part too.
//!
//! | what ends it | what the client sees | what the audit record has |
//! |---|---|---|
//! | the last part | a complete body | the outcome of the response |
//! | silence longer than `idle` | a body that breaks off | `body_failed` |
//! | `end` has passed | a body that breaks off | `body_failed` |
//! | the upstream's connection breaks | a body that breaks off | `body_failed` |
//! | the client leaves | nothing | `body_dropped` |
//!
//! A body that breaks off is never made to look complete: over HTTP/1.1 the last chunk is missing (RFC
//! 9112 section 8), over HTTP/2 the stream is reset (RFC 9113 section 5.4.2).

mod filters;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use palisade::core::BoxError;
use tokio::time::{Instant, Sleep, sleep_until};

use self::filters::Filters;
use super::{
    bounds::{Bounds, TooLong, add_held_bytes},
    mask::Mask,
    trailers::Trailers,
};
use crate::{
    budget::Meter,
    credential_watch::{CredentialEnded, CredentialWatch},
    mcp::ToolListReader,
};

/// The body of an upstream's response, streamed as it arrives.
///
/// It fails if the upstream is silent for longer than `idle_timeout_seconds`, or if the exchange is
/// older than `total_timeout_seconds`. Time in which the client does not read does not count.
/// Dropping it ends the request at the upstream.
///
/// Defaults: 300 seconds of silence, no bound in all. Both are keys of `[[upstreams]]`.
///
/// Memory: one part at a time, plus fewer bytes than the credential has if one is masked.
pub struct UpstreamBody {
    /// What is read: the upstream's body, or one of the gateway.
    content: Content,
    /// Not used for a body of the gateway, which is ready at once.
    bounds: Bounds,
    /// Made when the upstream is silent for the first time.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the client began to wait for the next part. `None`: a part was there.
    silent_since: Option<Instant>,
    /// What looks at each part, and may change it.
    filters: Filters,
    /// Ends the body with the credential of the client.
    watch: Option<Box<CredentialWatch>>,
    /// What must live as long as the body, such as the count of requests of a server.
    held: Option<Box<dyn Send>>,
}

/// Where the bytes come from.
enum Content {
    /// A body that arrives over a connection to the upstream.
    Upstream(Incoming),
    /// A body of a test.
    #[cfg(test)]
    Test(tests::TestBody),
    /// The gateway's own; taken when it is sent.
    Own(Bytes),
}

/// What a body yields.
///
/// A part of the body or its trailers, or why the body breaks off.
type BodyFrame = Result<Frame<Bytes>, BoxError>;

impl UpstreamBody {
    /// Wraps the body of a response. Nothing is read before the first poll.
    pub(crate) fn new(body: Incoming, bounds: Bounds, trailers: Trailers) -> Self {
        Self::of_content(Content::Upstream(body), bounds, trailers)
    }

    fn of_content(content: Content, bounds: Bounds, trailers: Trailers) -> Self {
        Self {
            content,
            bounds,
            timer: None,
            silent_since: None,
            filters: Filters::new(trailers),
            watch: None,
            held: None,
        }
    }

    /// Makes a body of the gateway itself.
    ///
    /// It is one part, has no bounds and needs no trailers. Used for problem documents and for the
    /// empty body of a 101.
    pub(crate) fn from_gateway(bytes: Bytes) -> Self {
        let bounds = Bounds {
            idle: Duration::ZERO,
            end: None,
        };
        Self::of_content(Content::Own(bytes), bounds, Trailers::default())
    }

    /// Removes a secret from the bytes that pass.
    ///
    /// `None`: the upstream has no credential of the gateway, and nothing is searched.
    pub(crate) fn with_mask(mut self, mask: Option<Mask>) -> Self {
        self.filters.mask = mask;
        self
    }

    /// Counts what the response cost, and may leave out its usage.
    ///
    /// `None`: no budget counts this request.
    pub(crate) fn with_meter(mut self, meter: Option<Meter>) -> Self {
        self.filters.meter = meter;
        self
    }

    /// Hides tools from the client.
    ///
    /// `None`: nothing is hidden.
    pub(crate) fn with_tools(mut self, tools: Option<ToolListReader>) -> Self {
        self.filters.tools = tools.map(Box::new);
        self
    }

    /// Ends the body when the credential of the client has ended.
    ///
    /// `None`: there is nothing to check.
    pub(crate) fn with_watch(self, watch: Option<CredentialWatch>) -> Self {
        let watch = watch.map(Box::new);
        Self { watch, ..self }
    }

    /// Keeps something until the body ends: at its last part, at an error, or when it is dropped because
    /// the client left.
    ///
    /// For example the count of open requests of a server, which the choice of a server looks at.
    pub(crate) fn hold_until_end(mut self, held: impl Send + 'static) -> Self {
        self.held = Some(Box::new(held));
        self
    }

    /// Waits while nothing is there to read: until the upstream was silent for too long, all is over, or
    /// the credential has to be checked.
    ///
    /// The time begins with the first call after a part, so a client that does not read uses none of it.
    ///
    /// Ready with the reason why the body ends, or with `None` for a check.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Option<TooLong>> {
        let Bounds { idle, end } = self.bounds;
        let silent_until = *self.silent_since.get_or_insert_with(Instant::now) + idle;
        let check = self.watch.as_ref().and_then(|watch| watch.next_check());
        let times = [Some(silent_until), end, check];
        let deadline = times.into_iter().flatten().min().unwrap_or(silent_until);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        let now = Instant::now();
        Poll::Ready(match end {
            Some(end) if end <= now => Some(TooLong::Total),
            _ if silent_until <= now => Some(TooLong::Idle(idle)),
            _ => None,
        })
    }

    /// Ready when the credential of the client has ended.
    fn poll_credential(&mut self, cx: &mut Context<'_>) -> Poll<CredentialEnded> {
        match &mut self.watch {
            Some(watch) => watch.poll_ended(cx),
            None => Poll::Pending,
        }
    }

    /// Returns what is left when the upstream has nothing more. An error comes first.
    ///
    /// Bytes that were held back are not sent before an error: what is incomplete anyway needs no more
    /// bytes.
    fn last_frame(&mut self, end: Option<BodyFrame>) -> Option<BodyFrame> {
        if end.is_some() {
            return end;
        }
        let rest = self.filters.take_rest();
        if self.filters.has_failed() {
            return Some(Err(TooLong::List.into()));
        }
        (!rest.is_empty()).then(|| Ok(Frame::data(rest)))
    }

    /// Ends the body: what it held is free.
    ///
    /// Called at the last part and at every error. A later poll has nothing to release.
    fn release_held(&mut self) {
        self.held = None;
        self.timer = None;
        self.watch = None;
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BoxError;

    /// Reads frames until one of them has something to pass on. A frame that is dropped or held back
    /// completely does not wake the client.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(trailers) = self.filters.take_waiting() {
            return Poll::Ready(Some(Ok(trailers)));
        }
        loop {
            if let Poll::Ready(ended) = self.poll_credential(cx) {
                self.release_held();
                return Poll::Ready(Some(Err(ended.into())));
            }
            // A body of which something is always there reaches no timer.
            if self.bounds.end.is_some_and(|end| end <= Instant::now()) {
                self.release_held();
                return Poll::Ready(Some(Err(TooLong::Total.into())));
            }
            let polled = match &mut self.content {
                Content::Upstream(body) => Pin::new(body).poll_frame(cx),
                #[cfg(test)]
                Content::Test(body) => Pin::new(body).poll_frame(cx),
                Content::Own(bytes) => {
                    let bytes = std::mem::take(bytes);
                    let frame = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
                    return Poll::Ready(frame);
                }
            };
            let Poll::Ready(frame) = polled else {
                let Some(late) = ready!(self.poll_timer(cx)) else {
                    continue;
                };
                self.release_held();
                return Poll::Ready(Some(Err(late.into())));
            };
            self.silent_since = None;
            let frame = match frame {
                Some(Ok(frame)) => frame,
                end => {
                    self.release_held();
                    return Poll::Ready(self.last_frame(end.map(|end| end.map_err(Into::into))));
                }
            };
            let passed = self.filters.pass_frame(frame);
            if self.filters.has_failed() {
                self.release_held();
                return Poll::Ready(Some(Err(TooLong::List.into())));
            }
            if let Some(frame) = passed {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    /// False while bytes are held back, since they are still to be sent.
    fn is_end_stream(&self) -> bool {
        if self.filters.has_waiting_trailers() || self.filters.changes_length() {
            return false;
        }
        match &self.content {
            Content::Upstream(body) => self.filters.held_bytes() == 0 && body.is_end_stream(),
            #[cfg(test)]
            Content::Test(body) => self.filters.held_bytes() == 0 && body.is_end_stream(),
            Content::Own(bytes) => bytes.is_empty(),
        }
    }

    /// Masking keeps lengths, so the upstream's hint is right once the bytes that are held back are
    /// added.
    fn size_hint(&self) -> SizeHint {
        if self.filters.changes_length() {
            return SizeHint::default();
        }
        match &self.content {
            Content::Upstream(body) => add_held_bytes(body.size_hint(), self.filters.held_bytes()),
            #[cfg(test)]
            Content::Test(body) => add_held_bytes(body.size_hint(), self.filters.held_bytes()),
            Content::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamBody")
    }
}

#[cfg(test)]
mod tests;
