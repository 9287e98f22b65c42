//! Sound as a response: complete with its length, or in chunks while it is made.

mod body;
mod events;
mod meter;
mod range;
mod timed;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_RANGES, CONTENT_TYPE, TRAILER},
};
use palisade::core::{Rejection, SecurityContext, extract::Refused};

use self::meter::Meter;
pub(crate) use self::{
    body::SoundBody,
    events::Event,
    meter::{AUDIO_MILLISECONDS, LEAST_MILLISECONDS},
    timed::{Timed, WordTime},
};
use super::{
    request_error::{self, Field, RequestError},
    speech_request::{PreparedSpeech, Timing},
};
use crate::{
    encoding::Format,
    metrics,
    sound_cache::FinishedSound,
    state::App,
    synthesis::{Delivery, QueueFull, SpeechError, Words},
};

const AUDIO_SECONDS: HeaderName = HeaderName::from_static("x-audio-seconds");

/// Refuses a request whose text no voice has looked at. It costs no sound.
pub(crate) fn refuse(cx: &SecurityContext, fault: RequestError) -> Refused {
    meter::nothing(cx);
    Refused::new(cx, fault.rejection())
}

/// Responds to a request for the head alone: what the sound would be, and none of it. `parts` tells whether `GET` gives parts.
pub(crate) fn head(prepared: &PreparedSpeech, parts: bool) -> Response {
    let mut response = Response::new(Body::empty());
    describe(&mut response, prepared.format, prepared.sample_rate);
    if parts && prepared.is_plain_file() {
        let bytes = HeaderValue::from_static("bytes");
        response.headers_mut().insert(ACCEPT_RANGES, bytes);
    }
    response
}

/// Responds with a finished file from the cache, or with a part of it. No voice speaks, so it costs what a request costs
/// at least.
pub(crate) fn kept(
    app: &App,
    cx: &SecurityContext,
    sound: &FinishedSound,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let listener = app.queue.hold().map_err(|full| turned_away(cx, full))?;
    let meter = Meter::kept(cx.clone(), listener, sound.sounds);
    send_kept(cx, meter, sound, headers)
}

/// Sends a file that the cache keeps, or a part of it. The client has its place until it has read it.
fn send_kept(
    cx: &SecurityContext,
    meter: Meter,
    sound: &FinishedSound,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let body = |part: Bytes| {
        let share = part.len() as f64 / sound.file.len().max(1) as f64;
        let sounds = sound.sounds.mul_f64(share);
        Body::new(SoundBody::finished(meter, part, sounds))
    };
    range::respond(sound, headers, body).map_err(|refusal| Refused::new(cx, refusal))
}

/// Refuses a client that finds no place. Nothing was computed.
fn turned_away(cx: &SecurityContext, full: QueueFull) -> Refused {
    metrics::turned_away();
    meter::nothing(cx);
    Refused::new(cx, request_error::busy(full))
}

/// Adds the headers that say what kind of sound a response holds. There are no parts of it.
fn describe(response: &mut Response, format: Format, sample_rate: u32) {
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::try_from(format.content_type(sample_rate)) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
}

/// A text that is being spoken, and whose response can begin.
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
        prepared: PreparedSpeech,
        input: Field,
    ) -> Result<Self, Refused> {
        let PreparedSpeech {
            order,
            format,
            sample_rate,
            timing: _,
        } = prepared;
        let delivery = order.delivery;
        let input = match order.utterance.words {
            Words::Plain(_) => input,
            Words::Ssml(_) => Field::Ssml,
        };
        let refused = |rejection: Rejection| Refused::new(cx, rejection);
        let listener = app.queue.submit(order);
        let listener = listener.map_err(|full| turned_away(cx, full))?;
        let meter = Meter::new(cx.clone(), listener);
        let ready = meter.listener().ready().await;
        ready.map_err(|why| refused(request_error::unspoken(why, input)))?;
        Ok(Self {
            meter,
            format,
            sample_rate,
            delivery,
        })
    }

    /// Responds with a file: of known length, or in chunks with the seconds in a trailer.
    pub(crate) fn file(self) -> Response {
        let (format, sample_rate) = (self.format, self.sample_rate);
        let seconds = self.meter.seconds();
        let whole = self.delivery == Delivery::Whole;
        let mut response = Body::new(self.body()).into_response();
        describe(&mut response, format, sample_rate);
        let headers = response.headers_mut();
        match whole {
            true => headers.insert(AUDIO_SECONDS, seconds),
            false => headers.insert(TRAILER, HeaderValue::from_static("x-audio-seconds")),
        };
        response
    }

    /// Responds with server-sent events that hold the file and, where they are wanted, the times of the words. `input`
    /// are the characters that were sent.
    pub(crate) fn events(self, input: u64) -> Response {
        events::respond(self.body(), input)
    }

    /// Responds with the times of the words, and with the sound where the form has a place for it.
    pub(crate) async fn timed(
        self,
        timing: Timing,
        cx: &SecurityContext,
    ) -> Result<Response, Refused> {
        let (format, sample_rate, seconds) = (self.format, self.sample_rate, self.meter.seconds());
        let words = self.meter.listener().take_words();
        let sounds = self.meter.listener().made().sounds;
        let (meter, file) = self.whole(cx).await?;
        let send = |bytes: Bytes| Body::new(SoundBody::finished(meter, bytes, sounds));
        let mut response = timed::respond(timing, format, sample_rate, &file, &words, send);
        response.headers_mut().insert(AUDIO_SECONDS, seconds);
        Ok(response)
    }

    /// Waits for the whole file, which the cache keeps, and responds with it or with a part of it.
    pub(crate) async fn kept(
        self,
        cx: &SecurityContext,
        keep: impl FnOnce(&FinishedSound),
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let content_type = self.format.content_type(self.sample_rate);
        let seconds = self.meter.seconds();
        let sounds = self.meter.listener().made().sounds;
        let (meter, file) = self.whole(cx).await?;
        let sound = FinishedSound::new(file, content_type, sounds, seconds);
        keep(&sound);
        send_kept(cx, meter, &sound, headers)
    }

    /// Waits for the whole file. Its length is that of the text, which has a limit.
    async fn whole(self, cx: &SecurityContext) -> Result<(Meter, Bytes), Refused> {
        self.body().collect().await.map_err(|_| {
            let broken = request_error::unspoken(SpeechError::Broken, Field::Text);
            Refused::new(cx, broken)
        })
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
