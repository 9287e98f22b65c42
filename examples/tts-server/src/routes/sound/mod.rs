//! Sound as an answer: whole with its length, or as it is made.

mod body;
mod meter;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue,
    header::{ACCEPT_RANGES, CONTENT_TYPE, TRAILER},
};
use palisade::core::{Rejection, SecurityContext, extract::Refused};

use self::meter::Meter;
pub(crate) use self::{body::SoundBody, meter::AUDIO_MILLISECONDS};
use super::{
    ask::Wish,
    fault::{self, Fault, Field},
};
use crate::{
    encoding::Format,
    metrics,
    state::App,
    synthesis::{Delivery, Words},
};

const AUDIO_SECONDS: HeaderName = HeaderName::from_static("x-audio-seconds");

/// Refuses a request whose text no voice has looked at. It costs no sound.
pub(crate) fn refuse(cx: &SecurityContext, fault: Fault) -> Refused {
    meter::nothing(cx);
    Refused::new(cx, fault.rejection())
}

/// Answers a request that asks for the head alone: what the sound would be, and none of it.
pub(crate) fn head(wish: &Wish) -> Response {
    let mut answer = Response::new(Body::empty());
    describe(&mut answer, wish.format, wish.sample_rate);
    answer
}

/// Says what kind of sound an answer holds. Parts of it cannot be asked for.
fn describe(answer: &mut Response, format: Format, sample_rate: u32) {
    let headers = answer.headers_mut();
    if let Ok(kind) = HeaderValue::try_from(format.content_type(sample_rate)) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
}

/// A text that is being spoken, and whose answer can begin.
pub(crate) struct Sound {
    meter: Meter,
    format: Format,
    sample_rate: u32,
    delivery: Delivery,
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
        let Wish {
            order,
            format,
            sample_rate,
        } = wish;
        let delivery = order.delivery;
        let input = match order.utterance.words {
            Words::Plain(_) => input,
            Words::Ssml(_) => Field::Ssml,
        };
        let refused = |rejection: Rejection| Refused::new(cx, rejection);
        let listener = app.queue.submit(order).map_err(|full| {
            metrics::turned_away();
            meter::nothing(cx);
            refused(fault::busy(full))
        })?;
        let meter = Meter::new(cx.clone(), listener);
        let ready = meter.listener().ready().await;
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
        let (format, sample_rate) = (self.format, self.sample_rate);
        let seconds = self.meter.seconds();
        let whole = self.delivery == Delivery::Whole;
        let mut answer = Body::new(self.body()).into_response();
        describe(&mut answer, format, sample_rate);
        let headers = answer.headers_mut();
        match whole {
            true => headers.insert(AUDIO_SECONDS, seconds),
            false => headers.insert(TRAILER, HeaderValue::from_static("x-audio-seconds")),
        };
        answer
    }

    /// Gives the bytes of the file.
    pub(crate) fn body(self) -> SoundBody {
        let made = self.meter.listener().made();
        let whole = (self.delivery == Delivery::Whole).then_some(made);
        let samples = whole.map(|made| made.samples);
        let header = self.format.header(self.sample_rate, samples);
        SoundBody::new(self.meter, header.into(), whole.map(|made| made.bytes))
    }
}
