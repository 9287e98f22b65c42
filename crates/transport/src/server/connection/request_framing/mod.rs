//! Refuses HTTP/1 requests that declare two lengths, `Content-Length` and `Transfer-Encoding`, and those whose
//! `Transfer-Encoding` is anything but `chunked`, once.
//!
//! RFC 9112 section 6.3 lets a server take the encoding and drop the length, or refuse the request. A
//! proxy in front may have taken the length. Then the two see different requests in the same bytes
//! (request smuggling), so this server refuses. hyper drops the length before the service sees the
//! head, so the bytes are read here, before hyper.
//!
//! Another encoding, `chunked` twice or in a list, and two fields are what proxies read in different ways too. hyper accepts
//! each that ends with `chunked`, and leaves the other encodings in the body, where no reader expects them.
//!
//! Nothing is stored or held back: the bytes are followed from head to body to the next head. When a
//! head has both names, the colon of the second becomes a byte that no field name may have, and the first byte of
//! another encoding one that no value may have. hyper then
//! answers 400 and closes the connection, as for any other head that is invalid.
//!
//! | part of a message | what is followed |
//! |---|---|
//! | head | the two names, the digits of a length, the encoding, the empty line at its end |
//! | body with a length | the number of bytes |
//! | chunked body | the sizes of the chunks, the lines of the trailer section |
//!
//! Bytes that are invalid end the tracking: hyper refuses them too, and reads nothing after them. A
//! trailer that ends with LF alone is made invalid, since others end the line there and hyper does not
//! (`chunked`).

mod chunked;
#[cfg(test)]
mod hyper_agrees;
#[cfg(test)]
mod tests;

use self::chunked::{ChunkLines, Meaning};

/// The only encoding, in any case.
const CHUNKED: &[u8] = b"chunked";

/// The longer of the two names has 17 bytes. A longer name is neither of them.
const NAME_BYTES: usize = 18;
/// What replaces a byte. No field name and no value may have it (RFC 9110 sections 5.5 and 5.6.2).
const INVALID: u8 = 0;

/// Follows the requests of one HTTP/1 connection.
#[derive(Debug, Default)]
pub(crate) struct RequestFraming {
    part: Part,
}

/// The part of the messages that the next byte belongs to.
#[derive(Debug)]
enum Part {
    /// A request line and fields.
    Head(Head),
    /// This many bytes of a body, or of a chunk with the end of its line.
    Body { left: u64, is_chunk: bool },
    /// The lines before the data of a chunk, or after the last one.
    Chunked(ChunkLines),
    /// The head was refused, or is invalid. hyper reads no further request.
    Ended,
}

/// What is known of a head so far.
#[derive(Debug, Default)]
struct Head {
    /// The request line has begun. Empty lines before it are skipped (RFC 9112 section 2.2).
    has_line: bool,
    length: Option<u64>,
    is_chunked: bool,
    line: Line,
}

/// The current line of a head.
#[derive(Debug)]
enum Line {
    /// The begin of the line, in lower case, up to its colon.
    Name {
        bytes: [u8; NAME_BYTES],
        count: usize,
    },
    /// The value of `Content-Length`.
    Length { value: Option<u64>, has_ended: bool },
    /// The value of `Transfer-Encoding`: how many letters of `chunked` came.
    Encoding { letters: usize, has_ended: bool },
    /// Anything else.
    Other,
}

impl Default for Part {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::Name {
            bytes: [0; NAME_BYTES],
            count: 0,
        }
    }
}

impl RequestFraming {
    /// Follows bytes in the order in which hyper gets them. Makes a head with two lengths invalid.
    ///
    /// Bodies are skipped by their length, so the cost is that of the heads.
    pub(crate) fn receive(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let skipped = self.skip_body(bytes.len() - at);
            at += skipped;
            if let Some(byte) = bytes.get_mut(at).filter(|_| skipped == 0) {
                self.take(byte);
                at += 1;
            }
        }
    }

    /// Skips bytes of a body, at most `most`. 0 outside of bodies.
    fn skip_body(&mut self, most: usize) -> usize {
        let (skipped, is_over, is_chunk) = match &mut self.part {
            Part::Ended => return most,
            Part::Body { left, is_chunk } => {
                let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(most);
                *left -= skipped as u64;
                (skipped, *left == 0, *is_chunk)
            }
            _ => return 0,
        };
        if is_over && is_chunk {
            self.part = Part::Chunked(ChunkLines::new());
        } else if is_over {
            self.part = Part::default();
        }
        skipped
    }

    /// Takes one byte of a head, a chunk size or a trailer section.
    fn take(&mut self, byte: &mut u8) {
        let next = match &mut self.part {
            Part::Head(head) => head.take(byte),
            Part::Chunked(lines) => chunk_line(lines, byte),
            Part::Body { .. } | Part::Ended => None,
        };
        if let Some(next) = next {
            self.part = next;
        }
    }
}

impl Part {
    /// The body after a head. Without one the next head begins.
    fn body_after(head: &Head) -> Self {
        match head.length {
            _ if head.is_chunked => Self::Chunked(ChunkLines::new()),
            Some(left) if left > 0 => Self::Body {
                left,
                is_chunk: false,
            },
            _ => Self::default(),
        }
    }
}

/// Takes one byte of the lines of a chunked body. Makes LF without CR before it in a trailer invalid.
fn chunk_line(lines: &mut ChunkLines, byte: &mut u8) -> Option<Part> {
    match lines.take(*byte) {
        Meaning::Line => None,
        Meaning::Data(left) => Some(Part::Body {
            left,
            is_chunk: true,
        }),
        Meaning::End => Some(Part::default()),
        // Left as it is: in an extension hyper takes `INVALID`, and refuses LF.
        Meaning::Invalid => Some(Part::Ended),
        Meaning::BareLf => {
            *byte = INVALID;
            Some(Part::Ended)
        }
    }
}

impl Head {
    /// Takes one byte. Returns the part that follows, if this byte is the last one of the head.
    fn take(&mut self, byte: &mut u8) -> Option<Part> {
        if *byte == b'\n' {
            return self.end_line(byte);
        }
        match &mut self.line {
            Line::Name { bytes, count } if *byte == b':' && self.has_line => {
                let name = bytes.get(..*count).unwrap_or_default();
                let is_length = name == b"content-length";
                let is_encoding = name == b"transfer-encoding";
                if is_length && self.is_chunked
                    || is_encoding && (self.length.is_some() || self.is_chunked)
                {
                    *byte = INVALID;
                    return Some(Part::Ended);
                }
                self.is_chunked |= is_encoding;
                self.line = match (is_length, is_encoding) {
                    (true, _) => Line::Length {
                        value: None,
                        has_ended: false,
                    },
                    (_, true) => Line::Encoding {
                        letters: 0,
                        has_ended: false,
                    },
                    _ => Line::Other,
                };
            }
            Line::Name { .. } if *byte == b'\r' => {}
            Line::Name { bytes, count } => match bytes.get_mut(*count) {
                Some(place) => {
                    *place = byte.to_ascii_lowercase();
                    *count += 1;
                }
                None => self.line = Line::Other,
            },
            Line::Length { value, has_ended } => {
                if !length_digit(value, has_ended, *byte) {
                    return Some(Part::Ended);
                }
            }
            Line::Encoding { letters, has_ended } => {
                if !encoding_letter(letters, has_ended, *byte) {
                    *byte = INVALID;
                    return Some(Part::Ended);
                }
            }
            Line::Other => {}
        }
        None
    }

    /// Ends a line. An empty one ends the head, unless no line came before. Makes an encoding that is cut off invalid.
    fn end_line(&mut self, byte: &mut u8) -> Option<Part> {
        let line = std::mem::take(&mut self.line);
        if matches!(line, Line::Encoding { letters, .. } if letters < CHUNKED.len()) {
            *byte = INVALID;
            return Some(Part::Ended);
        }
        if let Line::Length { value, .. } = line {
            let Some(length) = value else {
                return Some(Part::Ended);
            };
            self.length = Some(length);
        }
        let is_empty = matches!(line, Line::Name { count: 0, .. });
        match (is_empty, self.has_line) {
            (true, true) => Some(Part::body_after(self)),
            (true, false) => None,
            (false, _) => {
                self.has_line = true;
                None
            }
        }
    }
}

/// Adds a byte to the value of `Content-Length`. Returns false if it is no number of one line.
fn length_digit(value: &mut Option<u64>, has_ended: &mut bool, byte: u8) -> bool {
    match byte {
        b'0'..=b'9' if !*has_ended => {
            let sum = value.unwrap_or(0).checked_mul(10);
            *value = sum.and_then(|sum| sum.checked_add(u64::from(byte - b'0')));
            value.is_some()
        }
        b' ' | b'\t' | b'\r' => {
            *has_ended = value.is_some();
            true
        }
        _ => false,
    }
}

/// Compares a byte of the value of `Transfer-Encoding`. Returns false if it is not `chunked` with blanks around it.
fn encoding_letter(letters: &mut usize, has_ended: &mut bool, byte: u8) -> bool {
    match byte {
        b' ' | b'\t' | b'\r' => {
            *has_ended = *letters > 0;
            !*has_ended || *letters == CHUNKED.len()
        }
        _ => {
            let expected = CHUNKED.get(*letters);
            *letters += 1;
            !*has_ended && expected == Some(&byte.to_ascii_lowercase())
        }
    }
}
