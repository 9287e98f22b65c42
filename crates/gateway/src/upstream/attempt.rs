//! One request to one server, from the choice to the end of the response.
//!
//! An attempt is held by the body of the response, so that a long stream counts as pending to its last
//! byte. It reports to the breaker at the head of the response: a body that breaks off may be the
//! client's doing.
//!
//! | what happens | breaker |
//! |---|---|
//! | a head with a status other than 502, 503 and 504 | success |
//! | a head with 502, 503 or 504 | failure |
//! | no connection, no head in time, a connection that broke | failure |
//! | the client left, or its body failed | no outcome; another request may try |

use std::{fmt, sync::Arc};

use palisade::core::SharedClock;

use super::{breaker::Passage, client::Client, connections::Stream, server::Server};

/// A request that was given to a server. It counts as pending until it is dropped, at the end of the
/// response.
///
/// Its outcome is reported once, at the head of the response. Without one the client left, which says
/// nothing about the server.
pub(crate) struct Attempt {
    /// Kept alive over a reload that removes the server.
    server: Arc<Server>,
    /// Its place on a connection of the server.
    stream: Stream,
    /// The position of the server in its upstream.
    index: usize,
    /// Whether the outcome decides about an open breaker.
    passage: Passage,
    /// The same clock as that of the upstream, so that times can be compared.
    clock: SharedClock,
    /// Whether one of the two outcomes was reported. Otherwise dropping it reports that there is none.
    is_reported: bool,
}

impl Attempt {
    /// Counts the request.
    ///
    /// The server has let the request pass already.
    pub(super) fn new(
        server: Arc<Server>,
        stream: Stream,
        index: usize,
        passage: Passage,
        clock: SharedClock,
    ) -> Self {
        server.count_begin();
        Self {
            server,
            stream,
            index,
            passage,
            clock,
            is_reported: false,
        }
    }

    /// Returns the position of the server in its upstream.
    ///
    /// Used to choose another server for a second attempt.
    pub(crate) const fn index(&self) -> usize {
        self.index
    }

    /// Returns the server.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Returns what an ordinary request is sent with.
    pub(crate) const fn client(&self) -> &Client {
        &self.stream.client
    }

    /// Notes that the server responded.
    ///
    /// Call it once, at the head of the response.
    pub(crate) fn note_success(&mut self) {
        self.is_reported = true;
        self.server.note_success(self.passage);
    }

    /// Notes that the server failed.
    ///
    /// It is counted in `palisade_upstream_failures_total`, and may open the breaker.
    pub(crate) fn note_failure(&mut self) {
        self.is_reported = true;
        self.server
            .note_failure(self.passage, self.clock.monotonic());
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.server.count_end();
        if !self.is_reported {
            let now = self.clock.monotonic();
            self.server.record_abandoned(self.passage, now);
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("index", &self.index)
            .field("passage", &self.passage)
            .finish_non_exhaustive()
    }
}
