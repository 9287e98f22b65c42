//! The bytes of a response, in the pieces in which they are made.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use sambert_hifigan::WordTiming;

use super::{AUDIO_SECONDS, Meter};
use crate::synthesis::SpeechError;

/// The bytes of a sound file on their way to a client.
pub(crate) struct SoundBody {
    meter: Meter,
    header: Bytes,
    /// How many bytes there are still to come, where that is known.
    left: Option<u64>,
    over: bool,
}

impl SoundBody {
    /// Sends the header and then what is made: `whole` bytes of it, where that is known.
    pub(super) fn new(meter: Meter, header: Bytes, whole: Option<u64>) -> Self {
        Self {
            left: whole.map(|bytes| bytes + header.len() as u64),
            header,
            meter,
            over: false,
        }
    }

    /// Sends bytes that are finished, and sound so long. The client keeps its place until it has taken them.
    pub(super) fn finished(meter: Meter, bytes: Bytes, sounds: Duration) -> Self {
        let whole = bytes.len() as u64;
        meter.listener().refill(bytes, sounds);
        Self::new(meter, Bytes::new(), Some(whole))
    }

    /// Waits for the whole file, and returns it with the meter, which has the place of the client.
    ///
    /// # Errors
    ///
    /// When the voice fails, or another client has got the place.
    pub(super) async fn collect(mut self) -> Result<(Meter, Bytes), SpeechError> {
        let mut file = Vec::new();
        while let Some(frame) = poll_fn(|task| Pin::new(&mut self).poll_frame(task)).await {
            if let Ok(bytes) = frame?.into_data() {
                file.extend_from_slice(&bytes);
            }
        }
        Ok((self.meter, file.into()))
    }

    /// Returns how long that sounds which was made so far.
    pub(crate) fn sounds(&self) -> Duration {
        self.meter.listener().made().sounds
    }

    /// Takes the times of the words that became known since the last call.
    pub(crate) fn take_words(&self) -> Vec<WordTiming> {
        self.meter.listener().take_words()
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
            let seconds = self.meter.seconds();
            Frame::trailers(HeaderMap::from_iter([(AUDIO_SECONDS, seconds)]))
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
        Poll::Ready(match ready!(self.meter.listener().poll_take(task)) {
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
