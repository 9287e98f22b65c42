//! Counts the frames of an HTTP/2 connection, below hyper.
//!
//! hyper and h2 answer control frames without limit, count resets in one case only, and report
//! neither. So the socket reads the nine bytes of each frame header (RFC 9113, section 4.1), in
//! both directions. Payloads are not read, and no HPACK state is kept. A flood ends the
//! connection.
//!
//! # Budgets
//!
//! | budget | spent by | earned by |
//! |---|---|---|
//! | control frames | PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown frames | 2 for each request and for each DATA frame that is sent |
//! | resets | RST_STREAM of either side, a request whose head is too large | 1 for each complete response to any other request |
//!
//! Both refill with time: see `Limits::control_frames` and `Limits::resets`. So a client that
//! behaves never reaches them, however long its connection lives.
//!
//! # Unread responses
//!
//! A response that hyper has given to h2 whole can wait there forever, if the client opens no window.
//! Such streams are counted by their last DATA frame; more of them than open requests, for longer than
//! the write timeout, count as a flood.

mod responses;
mod budget;
mod frame;
#[cfg(test)]
mod tests;

use self::{
    budget::Budget,
    frame::{
        ACK, CONTINUATION, DATA, END_STREAM, FrameHeader, FrameReader, GOAWAY, HEADER, HEADERS,
        PING, PREFACE, RST_STREAM, UNASSIGNED,
    },
    responses::OpenResponses,
};
use crate::server::{deadlines::RequestCounts, limits::Limits};

/// Control frames that one request, or one DATA frame of a response, allows in addition.
///
/// The client may send a window update for the stream and one for the connection.
const EARNED: u32 = 2;

/// Which limit of frames a connection exceeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flood {
    /// More control frames than [`Limits::control_frames`] allows.
    ControlFrames,
    /// More resets than [`Limits::resets`] allows.
    Resets,
    /// Responses that were produced to their end, but that the client does not read.
    UnreadResponses,
}

/// Counts the frames of one connection, in both directions.
#[derive(Debug)]
pub(crate) struct FrameWatch {
    received: FrameReader,
    sent: FrameReader,
    /// `None` for a trusted proxy: its connection carries the requests of many clients.
    budgets: Option<Budgets>,
    /// PING frames to which the client has not replied.
    pings_sent: u32,
    /// The highest stream that the client opened.
    last_stream: u32,
    /// Responses that were credited to the budget of resets.
    credited: u32,
    /// Requests with too large a head that were taken from the budget of resets.
    too_large: u32,
    /// Streams for which the head of a response was sent.
    answered: u32,
    responses: OpenResponses,
    /// The first limit that was exceeded.
    flood: Option<Flood>,
}

/// The budgets of a connection that is not a proxy's.
#[derive(Debug)]
struct Budgets {
    control_frames: Budget,
    resets: Budget,
}

impl FrameWatch {
    /// Starts before the preface of the client. A proxy has no budgets.
    pub(crate) fn new(limits: &Limits, is_proxy: bool) -> Self {
        let received = FrameReader {
            payload: PREFACE,
            ..FrameReader::default()
        };
        let budgets = (!is_proxy).then(|| Budgets {
            control_frames: Budget::new(limits.control_frames),
            resets: Budget::new(limits.resets),
        });
        Self {
            received,
            sent: FrameReader::default(),
            budgets,
            pings_sent: 0,
            last_stream: 0,
            credited: 0,
            too_large: 0,
            answered: 0,
            responses: OpenResponses::new(limits),
            flood: None,
        }
    }

    /// Reads what the client sent, and returns how many bytes from the front may go on now.
    ///
    /// An incomplete header is held back.
    ///
    /// The reply to a PING that was never sent becomes a frame without meaning: h2 writes a
    /// line to the log for each.
    pub(crate) fn receive(&mut self, bytes: &mut [u8], requests: RequestCounts) -> usize {
        self.settle_resets(requests);
        if self.responses.are_unread(requests.under_way) {
            self.flood.get_or_insert(Flood::UnreadResponses);
        }
        let mut position = 0;
        while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
            if self.received.payload == 0 && rest.len() < HEADER {
                self.keep_partial_header(rest);
                break;
            }
            let (count, header) = self.received.next(rest);
            if let Some(header) = header
                && self.admit(header) == Admitted::Hidden
                && let Some(kind) = bytes.get_mut(position + 3)
            {
                *kind = UNASSIGNED;
            }
            position += count;
        }
        position
    }

    /// Returns how many bytes of a header are missing, if a part is held back.
    pub(crate) fn missing(&self) -> Option<usize> {
        let filled = self.received.filled;
        (filled > 0).then(|| HEADER.saturating_sub(filled))
    }

    /// Adds bytes to a header that is held back. Returns the header once it is complete.
    pub(crate) fn receive_missing(&mut self, bytes: &[u8]) -> Option<[u8; HEADER]> {
        let (_, header) = self.received.next(bytes);
        let mut whole = self.received.header;
        if self.admit(header?) == Admitted::Hidden {
            let [_, _, _, kind, ..] = &mut whole;
            *kind = UNASSIGNED;
        }
        Some(whole)
    }

    /// Returns what was held back, when the client sends no more.
    pub(crate) fn take_held(&mut self) -> Vec<u8> {
        let filled = std::mem::take(&mut self.received.filled);
        self.received
            .header
            .get(..filled)
            .unwrap_or_default()
            .to_vec()
    }

    /// Reads what was sent to the client. Returns how many of the bytes belong to responses.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> usize {
        let mut of_responses = 0;
        while !bytes.is_empty() {
            let is_data = self.sent.payload > 0 && self.sent.kind == DATA;
            let (count, header) = self.sent.next(bytes);
            of_responses += if is_data { count } else { 0 };
            if let Some(header) = header {
                self.count_sent(header);
            }
            bytes = bytes.get(count..).unwrap_or_default();
        }
        of_responses
    }

    /// Returns the limit that the connection exceeded, if any.
    pub(crate) fn flood(&self) -> Option<Flood> {
        self.flood
    }

    /// Builds a GOAWAY frame (RFC 9113, section 6.8). `None` in the middle of another frame.
    pub(crate) fn goaway(&self, code: u32) -> Option<Vec<u8>> {
        self.sent.is_between_frames().then(|| {
            let mut frame = vec![0, 0, 8, GOAWAY, 0, 0, 0, 0, 0];
            frame.extend(self.last_stream.to_be_bytes());
            frame.extend(code.to_be_bytes());
            frame
        })
    }

    /// Holds back the first bytes of a header.
    fn keep_partial_header(&mut self, start_of_header: &[u8]) {
        let _ = self.received.next(start_of_header);
    }

    /// Counts a frame of the client.
    fn admit(&mut self, header: FrameHeader) -> Admitted {
        match header.kind {
            HEADERS => {
                // Those of a stream that is known are trailers.
                if header.stream > self.last_stream {
                    self.last_stream = header.stream;
                    self.responses.begin(header.stream);
                }
                self.earn_control_frames();
            }
            DATA if header.length > 0 || header.flags & END_STREAM != 0 => {}
            // h2 bounds these by the size of the head.
            CONTINUATION => {}
            RST_STREAM => {
                self.responses.progress(header.stream, true);
                self.spend_reset();
            }
            PING if header.flags & ACK != 0 && self.pings_sent > 0 => self.pings_sent -= 1,
            PING if header.flags & ACK != 0 => {
                self.spend_control_frame();
                return Admitted::Hidden;
            }
            _ => self.spend_control_frame(),
        }
        Admitted::AsItIs
    }

    /// Counts a frame of the server.
    fn count_sent(&mut self, header: FrameHeader) {
        match header.kind {
            DATA | HEADERS => {
                if header.kind == HEADERS && self.responses.is_first_head(header.stream) {
                    self.answered = self.answered.saturating_add(1);
                }
                let is_end = header.flags & END_STREAM != 0;
                self.responses.progress(header.stream, is_end);
                if header.kind == DATA {
                    self.earn_control_frames();
                }
            }
            RST_STREAM => {
                self.responses.progress(header.stream, true);
                self.spend_reset();
            }
            PING if header.flags & ACK == 0 => self.pings_sent = self.pings_sent.saturating_add(1),
            _ => {}
        }
    }

    /// Credits a request or a DATA frame.
    fn earn_control_frames(&mut self) {
        if let Some(budgets) = &mut self.budgets {
            budgets.control_frames.earn(EARNED);
        }
    }

    /// Credits the responses that were completed since the last call, and takes the requests with too
    /// large a head: each costs as much as one that is reset.
    fn settle_resets(&mut self, requests: RequestCounts) {
        let served = requests.served();
        let earned = served.saturating_sub(self.credited);
        self.credited = served;
        if let Some(budgets) = self.budgets.as_mut().filter(|_| earned > 0) {
            budgets.resets.earn(earned);
        }
        let too_large = requests.too_large(self.answered);
        for _ in self.too_large..too_large {
            self.spend_reset();
        }
        self.too_large = self.too_large.max(too_large);
    }

    /// Counts a control frame; notes a flood if none is left.
    fn spend_control_frame(&mut self) {
        if self
            .budgets
            .as_mut()
            .is_some_and(|budgets| !budgets.control_frames.spend())
        {
            self.flood.get_or_insert(Flood::ControlFrames);
        }
    }

    /// Counts a reset; notes a flood if none is left.
    fn spend_reset(&mut self) {
        if self
            .budgets
            .as_mut()
            .is_some_and(|budgets| !budgets.resets.spend())
        {
            self.flood.get_or_insert(Flood::Resets);
        }
    }
}

/// What happens to a frame of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Admitted {
    /// It is passed on.
    AsItIs,
    /// It is passed on as a frame without meaning.
    Hidden,
}
