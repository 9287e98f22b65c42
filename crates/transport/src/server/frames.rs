//! Counts the frames of an HTTP/2 connection, below hyper.
//!
//! hyper and h2 answer control frames without limit, count resets in one case only, and report
//! neither. So the socket reads the nine bytes of each frame header (RFC 9113, section 4.1), in
//! both directions. Payloads are not read, and no HPACK state is kept. A flood ends the
//! connection.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::limits::{FrameLimit, Limits};

const HEADER: usize = 9;
const PREFACE: usize = 24;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;
/// A frame type without a meaning: such frames are ignored (RFC 9113, section 5.5).
const UNASSIGNED: u8 = 0xff;

const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;

/// Control frames that one request, or one DATA frame of a response, allows in addition.
///
/// The client may send a window update for the stream and one for the connection.
const EARNED: u32 = 2;

/// Time between two searches for unread responses.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// Which limit of frames a connection exceeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flood {
    /// More control frames than [`Limits::control_frames`] allows.
    ControlFrames,
    /// More resets than [`Limits::resets`] allows.
    Resets,
    /// Responses that were produced to their end, but that the client does not read.
    UnreadResponses,
}

/// The header of a frame (RFC 9113, section 4.1).
#[derive(Clone, Copy, Debug)]
struct FrameHeader {
    /// Bytes of the payload.
    length: usize,
    /// The type of the frame.
    kind: u8,
    flags: u8,
    /// The stream; 0 for the connection.
    stream: u32,
}

impl FrameHeader {
    fn parse(bytes: [u8; HEADER]) -> Self {
        let [l1, l2, l3, kind, flags, s1, s2, s3, s4] = bytes;
        Self {
            length: usize::from(l1) << 16 | usize::from(l2) << 8 | usize::from(l3),
            kind,
            flags,
            // The first bit is reserved.
            stream: u32::from_be_bytes([s1 & 0x7f, s2, s3, s4]),
        }
    }
}

/// Finds where frames begin.
#[derive(Debug, Default)]
struct FrameReader {
    /// Bytes of the last frame's payload that are still to come.
    payload: usize,
    kind: u8,
    header: [u8; HEADER],
    /// Bytes of the next header that were read already.
    filled: usize,
}

impl FrameReader {
    /// Reads a part of these bytes. Returns how many, and a header that is complete with them.
    fn next(&mut self, bytes: &[u8]) -> (usize, Option<FrameHeader>) {
        if self.payload > 0 {
            let skipped = self.payload.min(bytes.len());
            self.payload -= skipped;
            return (skipped, None);
        }
        let missing = self.header.get_mut(self.filled..).unwrap_or_default();
        let count = missing.len().min(bytes.len());
        for (to, from) in missing.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.filled += count;
        if self.filled < HEADER {
            return (count, None);
        }
        self.filled = 0;
        let header = FrameHeader::parse(self.header);
        self.payload = header.length;
        self.kind = header.kind;
        (count, Some(header))
    }

    /// Returns whether the last frame is complete.
    fn is_between_frames(&self) -> bool {
        self.payload == 0 && self.filled == 0
    }
}

/// A burst, a rate per second, and frames that were earned.
#[derive(Debug)]
struct Budget {
    limit: FrameLimit,
    /// In thousandths of a frame.
    left: u64,
    at: Instant,
}

impl Budget {
    fn new(limit: FrameLimit) -> Self {
        Self {
            limit,
            left: u64::from(limit.burst) * 1000,
            at: Instant::now(),
        }
    }

    /// Takes one frame from the budget. False if nothing is left.
    fn spend(&mut self) -> bool {
        if self.left < 1000 {
            self.refill();
        }
        let spent = self.left.checked_sub(1000);
        self.left = spent.unwrap_or(self.left);
        spent.is_some()
    }

    /// Adds frames, up to the burst.
    fn earn(&mut self, count: u32) {
        let full = u64::from(self.limit.burst) * 1000;
        self.left = self.left.saturating_add(u64::from(count) * 1000).min(full);
    }

    /// Adds what the rate allows. Called only when nothing is left, so that most frames need no
    /// clock.
    fn refill(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let full = u64::from(self.limit.burst) * 1000;
        let gained = passed.saturating_mul(u64::from(self.limit.per_second));
        self.left = self.left.saturating_add(gained).min(full);
        self.at = now;
    }
}

/// Counts the frames of one connection, in both directions.
#[derive(Debug)]
pub(super) struct FrameWatch {
    received: FrameReader,
    sent: FrameReader,
    /// `None` for a trusted proxy: its connection carries the requests of many clients.
    budgets: Option<Budgets>,
    /// PING frames to which the client has not replied.
    pings_sent: u32,
    /// The highest stream that the client opened.
    last_stream: u32,
    /// Complete responses that were credited to the budget of resets.
    completed: u32,
    responses: OpenResponses,
    /// The first limit that was exceeded.
    flood: Option<Flood>,
}

/// Streams whose response has not been sent to its end, with the time of the last progress.
///
/// hyper drops a body once its last part is in the buffers of h2, so the body cannot see that
/// this part is never sent. A client could leave a hundred such parts there, and keep its
/// connection open with one small request now and then.
#[derive(Debug)]
struct OpenResponses {
    streams: HashMap<u32, Instant>,
    /// The most streams that are remembered.
    most: usize,
    /// Time without progress after which a response counts as unread.
    stall: Option<Duration>,
    last_search: Instant,
}

impl OpenResponses {
    /// Remembers a stream.
    fn begin(&mut self, stream: u32) {
        if self.streams.len() < self.most {
            self.streams.insert(stream, Instant::now());
        }
    }

    /// Notes that a part of a response was sent, or its end.
    fn progress(&mut self, stream: u32, is_end: bool) {
        if is_end {
            self.streams.remove(&stream);
        } else if let Some(moment) = self.streams.get_mut(&stream) {
            *moment = Instant::now();
        }
    }

    /// Returns whether more responses are unread than there are open requests.
    ///
    /// The bodies of open requests have deadlines. So some of the complete responses are unread
    /// then.
    fn are_unread(&mut self, requests_under_way: u32) -> bool {
        let now = Instant::now();
        let Some(stall) = self.stall else {
            return false;
        };
        if now.duration_since(self.last_search) < SEARCH_INTERVAL.min(stall) {
            return false;
        }
        self.last_search = now;
        let is_unread = |moment: &&Instant| now.duration_since(**moment) > stall;
        let unread = self.streams.values().filter(is_unread).count();
        u32::try_from(unread).unwrap_or(u32::MAX) > requests_under_way
    }
}

/// The budgets of a connection that is not a proxy's.
#[derive(Debug)]
struct Budgets {
    control_frames: Budget,
    resets: Budget,
}

impl FrameWatch {
    /// Starts before the preface of the client. A proxy has no budgets.
    pub(super) fn new(limits: &Limits, is_proxy: bool) -> Self {
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
            completed: 0,
            responses: OpenResponses {
                streams: HashMap::new(),
                most: usize::try_from(limits.streams)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(2),
                stall: limits.response.stall,
                last_search: Instant::now(),
            },
            flood: None,
        }
    }

    /// Reads what the client sent, and returns how many bytes from the front may go on now.
    ///
    /// An incomplete header is held back. `completed` is the number of responses so far, and
    /// `under_way` that of requests without a complete response.
    ///
    /// The reply to a PING that was never sent becomes a frame without meaning: h2 writes a
    /// line to the log for each.
    pub(super) fn receive(&mut self, bytes: &mut [u8], completed: u32, under_way: u32) -> usize {
        self.earn_resets(completed);
        if self.responses.are_unread(under_way) {
            self.flood.get_or_insert(Flood::UnreadResponses);
        }
        let mut position = 0;
        while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
            if self.received.payload == 0 && rest.len() < HEADER {
                self.hold(rest);
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
    pub(super) fn missing(&self) -> Option<usize> {
        let filled = self.received.filled;
        (filled > 0).then(|| HEADER.saturating_sub(filled))
    }

    /// Adds bytes to a header that is held back. Returns the header once it is complete.
    pub(super) fn receive_missing(&mut self, bytes: &[u8]) -> Option<[u8; HEADER]> {
        let (_, header) = self.received.next(bytes);
        let mut whole = self.received.header;
        if self.admit(header?) == Admitted::Hidden {
            let [_, _, _, kind, ..] = &mut whole;
            *kind = UNASSIGNED;
        }
        Some(whole)
    }

    /// Returns what was held back, when the client sends no more.
    pub(super) fn take_held(&mut self) -> Vec<u8> {
        let filled = std::mem::take(&mut self.received.filled);
        self.received
            .header
            .get(..filled)
            .unwrap_or_default()
            .to_vec()
    }

    /// Reads what was sent to the client. Returns how many of the bytes belong to responses.
    pub(super) fn send(&mut self, mut bytes: &[u8]) -> usize {
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
    pub(super) fn flood(&self) -> Option<Flood> {
        self.flood
    }

    /// Builds a GOAWAY frame (RFC 9113, section 6.8). `None` in the middle of another frame.
    pub(super) fn goaway(&self, code: u32) -> Option<Vec<u8>> {
        self.sent.is_between_frames().then(|| {
            let mut frame = vec![0, 0, 8, GOAWAY, 0, 0, 0, 0, 0];
            frame.extend(self.last_stream.to_be_bytes());
            frame.extend(code.to_be_bytes());
            frame
        })
    }

    /// Holds back the first bytes of a header.
    fn hold(&mut self, start_of_header: &[u8]) {
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

    /// Credits the responses that were completed since the last call.
    fn earn_resets(&mut self, completed: u32) {
        let earned = completed.wrapping_sub(self.completed);
        self.completed = completed;
        if let Some(budgets) = self.budgets.as_mut().filter(|_| earned > 0) {
            budgets.resets.earn(earned);
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    fn watch() -> FrameWatch {
        let limits = Limits::default().control_frames(10, 1).resets(3, 1);
        let mut watch = FrameWatch::new(&limits, false);
        assert_eq!(watch.receive(&mut [b'P'; PREFACE], 0, 0), PREFACE);
        watch
    }

    fn receive(watch: &mut FrameWatch, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        assert_eq!(watch.receive(&mut bytes, 0, 0), bytes.len());
    }

    /// Passes bytes through in pieces, as the socket does.
    fn pass(watch: &mut FrameWatch, bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for part in bytes.chunks(piece) {
            let mut part = part.to_vec();
            while let Some(missing) = watch.missing().filter(|_| !part.is_empty()) {
                let rest = part.split_off(missing.min(part.len()));
                out.extend(watch.receive_missing(&part).into_iter().flatten());
                part = rest;
            }
            let count = watch.receive(&mut part, 0, 0);
            out.extend_from_slice(&part[..count]);
        }
        out
    }

    #[tokio::test(start_paused = true)]
    async fn control_frames_have_a_budget_that_refills() {
        let mut watch = watch();
        let ping = frame(PING, 0, 0, &[0; 8]);
        for _ in 0..10 {
            receive(&mut watch, &ping);
        }
        assert_eq!(watch.flood(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        receive(&mut watch, &ping);
        assert_eq!(watch.flood(), None, "one a second");
        receive(&mut watch, &ping);
        assert_eq!(watch.flood(), Some(Flood::ControlFrames));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_and_responses_earn_window_updates() {
        let mut watch = watch();
        let update = frame(8, 0, 1, &[0, 0, 0, 1]);
        for _ in 0..1000 {
            receive(&mut watch, &frame(HEADERS, 5, 1, b"xx"));
            receive(&mut watch, &update);
            receive(&mut watch, &update);
            assert_eq!(watch.send(&frame(DATA, 0, 1, b"abc")), 3);
            receive(&mut watch, &update);
            receive(&mut watch, &update);
        }
        assert_eq!(watch.flood(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn resets_of_both_sides_count_and_whole_responses_earn_them() {
        let mut watch = watch();
        let reset = frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]);
        for completed in 1..100 {
            assert_eq!(watch.receive(&mut reset.clone(), completed, 0), reset.len());
        }
        assert_eq!(watch.flood(), None, "as many responses as resets");
        for _ in 0..2 {
            watch.send(&reset);
        }
        assert_eq!(watch.flood(), None);
        assert_eq!(watch.receive(&mut reset.clone(), 99, 0), reset.len());
        assert_eq!(watch.flood(), Some(Flood::Resets));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trusted_proxy_has_no_budget() {
        let mut watch = FrameWatch::new(&Limits::default(), true);
        receive(&mut watch, &[b'P'; PREFACE]);
        for _ in 0..100_000 {
            receive(&mut watch, &frame(RST_STREAM, 0, 1, &[0; 4]));
        }
        assert_eq!(watch.flood(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_to_pings_that_were_never_sent_are_hidden_however_they_are_cut() {
        let ack = frame(PING, ACK, 0, &[7; 8]);
        let hidden = frame(UNASSIGNED, ACK, 0, &[7; 8]);
        let sent = [
            frame(4, 0, 0, &[]),
            ack.clone(),
            ack.clone(),
            frame(DATA, 1, 1, b"x"),
        ]
        .concat();
        let expected = [frame(4, 0, 0, &[]), ack, hidden, frame(DATA, 1, 1, b"x")].concat();
        for piece in 1..sent.len() {
            let mut watch = watch();
            watch.send(&frame(PING, 0, 0, &[7; 8]));
            assert_eq!(
                pass(&mut watch, &sent, piece),
                expected,
                "pieces of {piece}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_goaway_names_the_last_stream_and_never_cuts_a_frame() {
        let mut watch = watch();
        receive(&mut watch, &frame(HEADERS, 5, 0x8000_0007, b"xx"));
        watch.send(&frame(DATA, 0, 1, b"abc")[..10]);
        assert_eq!(watch.goaway(11), None);
        watch.send(b"bc");
        let expected = frame(GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 11]);
        assert_eq!(watch.goaway(11), Some(expected));
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_is_cut_off_is_given_back() {
        let mut watch = watch();
        let mut start = [0, 0, 8, PING];
        assert_eq!(watch.receive(&mut start, 0, 0), 0);
        assert_eq!(watch.take_held(), start);
        assert_eq!(watch.missing(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn responses_that_are_over_and_not_sent_are_found() {
        let mut watch = watch();
        for stream in [1, 3, 5] {
            receive(&mut watch, &frame(HEADERS, 5, stream, b"xx"));
            watch.send(&frame(HEADERS, 4, stream, b"xx"));
        }
        watch.send(&frame(DATA, END_STREAM, 1, b"whole"));
        receive(&mut watch, &frame(RST_STREAM, 0, 3, &[0; 4]));
        tokio::time::advance(Duration::from_secs(29)).await;
        receive(&mut watch, &frame(HEADERS, 5, 7, b"xx"));
        assert_eq!(watch.flood(), None);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(watch.receive(&mut [], 0, 1), 0);
        assert_eq!(watch.flood(), None, "its request may be under way still");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(watch.receive(&mut [], 0, 0), 0);
        assert_eq!(watch.flood(), Some(Flood::UnreadResponses));
    }
}
