//! The socket of a connection, and how it is closed.

use std::{io, sync::Arc, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{
    budgets::{Flood, FrameWatch},
    connection::stream::Stream,
    deadlines::Activity,
    slots::Slot,
};

/// How long a client that still sends is read after its response.
///
/// Closing at once could discard the response before the client reads it (RFC 9112, section
/// 9.6).
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(1);
/// How many bytes are read at most for that.
///
/// A client that sends a large file to a handler that refused it is cut off then, and may see a reset
/// in place of the refusal. More would let a client hold a connection after its end.
pub(crate) const DRAIN_BYTES: usize = 256 * 1024;

/// A socket and its slot. The slot is free when the last owner drops it, also after an upgrade.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) stream: Stream,
    pub(crate) activity: Arc<Activity>,
    /// HTTP/2 only.
    pub(crate) frames: Option<FrameWatch>,
    _slot: Slot,
}

impl Socket {
    pub(crate) fn new(
        stream: Stream,
        activity: Arc<Activity>,
        frames: Option<FrameWatch>,
        slot: Slot,
    ) -> Self {
        Self {
            stream,
            activity,
            frames,
            _slot: slot,
        }
    }

    /// Returns the limit of frames that the client exceeded.
    pub(crate) fn flood(&self) -> Option<Flood> {
        self.frames.as_ref().and_then(FrameWatch::flood)
    }

    /// Sends a GOAWAY frame, so that an HTTP/2 client knows that the connection ends.
    ///
    /// The frame names the last stream that was begun, so the client may repeat later requests on
    /// another connection (RFC 9113, section 6.8). Does nothing on HTTP/1.
    pub(crate) async fn send_goaway(&mut self, code: u32) {
        let frames = self.frames.as_ref();
        let Some(frame) = frames.and_then(|frames| frames.goaway(code)) else {
            return;
        };
        let sent = async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        };
        let _ = tokio::time::timeout(DRAIN_TIME, sent).await;
    }

    /// Closes the sending half, and reads what the client still sends, within limits.
    ///
    /// So the client can read the last response.
    pub(crate) async fn drain(self) {
        let mut socket = match self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.into_inner().0,
        };
        let drained = async {
            let _ = socket.shutdown().await;
            let mut buffer = [0; 8 * 1024];
            let mut drained_bytes = 0;
            while drained_bytes < DRAIN_BYTES {
                match socket.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => drained_bytes += count,
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
    }

    /// Fails if the client exceeded a limit of frames.
    pub(crate) fn end_if_flooded(&self) -> io::Result<()> {
        match self.flood() {
            None => Ok(()),
            Some(_) => Err(io::Error::other("more frames than the budget allows")),
        }
    }
}
