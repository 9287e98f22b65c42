//! Finds responses that are complete, but that the client does not read.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::server::limits::Limits;

/// Time between two searches for unread responses.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// Streams whose response has not been sent to its end, with the time of the last progress.
///
/// hyper drops a body once its last part is in the buffers of h2, so the body cannot see that
/// this part is never sent. A client could leave a hundred such parts there, and keep its
/// connection open with one small request now and then.
#[derive(Debug)]
pub(super) struct OpenResponses {
    streams: HashMap<u32, OpenResponse>,
    /// The most streams that are remembered.
    most: usize,
    /// Time without progress after which a response counts as unread.
    stall: Option<Duration>,
    last_search: Instant,
}

/// One of these streams.
#[derive(Debug)]
struct OpenResponse {
    /// The time of the last progress.
    moved: Instant,
    has_head: bool,
}

impl OpenResponses {
    /// Starts without any stream.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            streams: HashMap::new(),
            most: usize::try_from(limits.streams)
                .unwrap_or(usize::MAX)
                .saturating_mul(2),
            stall: limits.response.stall,
            last_search: Instant::now(),
        }
    }

    /// Remembers a stream.
    pub(super) fn begin(&mut self, stream: u32) {
        if self.streams.len() < self.most {
            let open = OpenResponse {
                moved: Instant::now(),
                has_head: false,
            };
            self.streams.insert(stream, open);
        }
    }

    /// Notes that a part of a response was sent, or its end.
    pub(super) fn progress(&mut self, stream: u32, is_end: bool) {
        if is_end {
            self.streams.remove(&stream);
        } else if let Some(open) = self.streams.get_mut(&stream) {
            open.moved = Instant::now();
        }
    }

    /// Notes that a head was sent. Returns whether it is the first one of a stream that is remembered:
    /// others are informational responses and trailers.
    pub(super) fn is_first_head(&mut self, stream: u32) -> bool {
        let open = self.streams.get_mut(&stream);
        open.is_some_and(|open| !std::mem::replace(&mut open.has_head, true))
    }

    /// Returns whether more responses are unread than there are open requests.
    ///
    /// The bodies of open requests have deadlines. So some of the complete responses are unread
    /// then.
    pub(super) fn are_unread(&mut self, requests_under_way: u32) -> bool {
        let now = Instant::now();
        let Some(stall) = self.stall else {
            return false;
        };
        if now.duration_since(self.last_search) < SEARCH_INTERVAL.min(stall) {
            return false;
        }
        self.last_search = now;
        let is_unread = |open: &&OpenResponse| now.duration_since(open.moved) > stall;
        let unread = self.streams.values().filter(is_unread).count();
        u32::try_from(unread).unwrap_or(u32::MAX) > requests_under_way
    }
}
