//! Sound as an answer: whole with its length, or as it is made.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_TYPE, TRAILER},
};
use http_body::{Frame, SizeHint};
use palisade::{Rejection, SecurityContext, extract::Refused};

use super::{
    ask::Wish,
    fault::{self, Field},
};
use crate::{
    encoding::Format,
    metrics,
    state::App,
    synthesis::{Delivery, Listener, SpeechError, Words},
};

const AUDIO_SECONDS: HeaderName = HeaderName::from_static("x-audio-seconds");
/// What a text cost, for the audit trail and for limits that count sound.
const UNIT: &str = "audio_milliseconds";

/// A text that is being spoken, and whose answer can begin.
pub(crate) struct Sound {
    meter: Meter,
    format: Format,
    sample_rate: u32,
    delivery: Delivery,
}

/// Settles what was computed, also when the client leaves half-way.
struct Meter {
    cx: SecurityContext,
    listener: Listener,
}

impl Meter {
    fn settle(&self) {
        let milliseconds = self.listener.made().sounds.as_millis();
        self.cx
            .settle(UNIT, u64::try_from(milliseconds).unwrap_or(u64::MAX));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Sound {
    /// Waits for the voice. When the client leaves, this future is dropped, and the listener with it: the
    /// voice stops, or the place in the queue is free again. `input` is where the words came in.
    pub(crate) async fn begin(
        app: &App,
        cx: &SecurityContext,
        wish: Wish,
        input: Field,
    ) -> Result<Self, Refused> {
        let Wish { order, format } = wish;
        let (sample_rate, delivery) = (order.sample_rate, order.delivery);
        let input = match order.utterance.words {
            Words::Plain(_) => input,
            Words::Ssml(_) => Field::Ssml,
        };
        let refused = |rejection: Rejection| Refused::new(cx, rejection);
        let listener = app.queue.submit(order).map_err(|full| {
            metrics::turned_away();
            refused(fault::busy(full))
        })?;
        let meter = Meter {
            cx: cx.clone(),
            listener,
        };
        let ready = meter.listener.ready().await;
        ready.map_err(|why| refused(fault::unspoken(why, input)))?;
        Ok(Self {
            meter,
            format,
            sample_rate,
            delivery,
        })
    }

    /// Answers with a file: of known length, or in pieces with the seconds behind them.
    pub(crate) fn file(self) -> Response {
        let kind = HeaderValue::try_from(self.format.content_type(self.sample_rate));
        let seconds = self.seconds();
        let whole = self.delivery == Delivery::Whole;
        let mut answer = Body::new(self.body()).into_response();
        let headers = answer.headers_mut();
        if let Ok(kind) = kind {
            headers.insert(CONTENT_TYPE, kind);
        }
        match whole {
            true => headers.insert(AUDIO_SECONDS, seconds),
            false => headers.insert(TRAILER, HeaderValue::from_static("x-audio-seconds")),
        };
        answer
    }

    /// Gives the bytes of the file.
    pub(crate) fn body(self) -> SoundBody {
        let made = self.meter.listener.made();
        let whole = (self.delivery == Delivery::Whole).then_some(made);
        let header = self
            .format
            .header(self.sample_rate, whole.map(|made| made.samples));
        SoundBody {
            left: whole.map(|made| made.bytes + header.len() as u64),
            header: header.into(),
            meter: self.meter,
            over: false,
        }
    }

    fn seconds(&self) -> HeaderValue {
        seconds(&self.meter.listener)
    }
}

fn seconds(listener: &Listener) -> HeaderValue {
    let seconds = format!("{:.3}", listener.made().sounds.as_secs_f64());
    HeaderValue::try_from(seconds).unwrap_or(HeaderValue::from_static("0"))
}

/// The bytes of a sound file on their way to a client.
pub(crate) struct SoundBody {
    meter: Meter,
    header: Bytes,
    /// How many bytes there are still to come, where that is known.
    left: Option<u64>,
    over: bool,
}

impl SoundBody {
    /// Returns how long that sounds which was made so far.
    pub(crate) fn sounds(&self) -> Duration {
        self.meter.listener.made().sounds
    }

    fn frame(&mut self, bytes: Bytes) -> Frame<Bytes> {
        self.left = self
            .left
            .map(|left| left.saturating_sub(bytes.len() as u64));
        self.meter.settle();
        Frame::data(bytes)
    }

    /// Ends: behind a stream it is known how long it sounds.
    fn end(&mut self) -> Option<Frame<Bytes>> {
        self.over = true;
        self.left.is_none().then(|| {
            let listener = &self.meter.listener;
            Frame::trailers(HeaderMap::from_iter([(AUDIO_SECONDS, seconds(listener))]))
        })
    }
}

impl http_body::Body for SoundBody {
    type Data = Bytes;
    type Error = SpeechError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SpeechError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if !self.header.is_empty() {
            let header = std::mem::take(&mut self.header);
            return Poll::Ready(Some(Ok(self.frame(header))));
        }
        Poll::Ready(match ready!(self.meter.listener.poll_take(task)) {
            Some(Ok(bytes)) => Some(Ok(self.frame(bytes))),
            Some(Err(why)) => {
                self.over = true;
                Some(Err(why))
            }
            None => self.end().map(Ok),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
