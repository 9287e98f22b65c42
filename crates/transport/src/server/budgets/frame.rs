//! Finds where the frames of HTTP/2 begin (RFC 9113, section 4.1).

/// Bytes of a frame header.
pub(super) const HEADER: usize = 9;
/// Bytes of the connection preface, which come before the first frame (RFC 9113, section 3.4).
pub(super) const PREFACE: usize = 24;

/// A part of a body (RFC 9113, section 6.1).
pub(super) const DATA: u8 = 0x0;
/// The begin of a request or response, or trailers (section 6.2).
pub(super) const HEADERS: u8 = 0x1;
/// The end of a stream before it is complete (section 6.4).
pub(super) const RST_STREAM: u8 = 0x3;
/// A question that the other side must answer (section 6.7).
pub(super) const PING: u8 = 0x6;
/// The end of the connection, with the reason (section 6.8).
pub(super) const GOAWAY: u8 = 0x7;
/// More of a HEADERS frame (section 6.10).
pub(super) const CONTINUATION: u8 = 0x9;
/// A frame type without a meaning: such frames are ignored (RFC 9113, section 5.5).
pub(super) const UNASSIGNED: u8 = 0xff;

/// The flag of a PING or SETTINGS frame that is a response.
pub(super) const ACK: u8 = 0x1;
/// The flag of a DATA or HEADERS frame after which the stream has no further body.
pub(super) const END_STREAM: u8 = 0x1;

/// The header of a frame (RFC 9113, section 4.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHeader {
    /// Bytes of the payload.
    pub(super) length: usize,
    /// The type of the frame.
    pub(super) kind: u8,
    /// Their meaning depends on the type.
    pub(super) flags: u8,
    /// The stream; 0 for the connection.
    pub(super) stream: u32,
}

impl FrameHeader {
    /// Every nine bytes are a header; nothing is checked here.
    pub(super) fn parse(bytes: [u8; HEADER]) -> Self {
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
pub(super) struct FrameReader {
    /// Bytes of the last frame's payload that are still to come.
    pub(super) payload: usize,
    /// The type of the last frame.
    pub(super) kind: u8,
    /// The next header, as far as it was read.
    pub(super) header: [u8; HEADER],
    /// Bytes of the next header that were read already.
    pub(super) filled: usize,
}

impl FrameReader {
    /// Reads a part of these bytes. Returns how many, and a header that is complete with them.
    pub(super) fn next(&mut self, bytes: &[u8]) -> (usize, Option<FrameHeader>) {
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
    pub(super) fn is_between_frames(&self) -> bool {
        self.payload == 0 && self.filled == 0
    }
}
