//! The lines of a chunked body (RFC 9112 section 7.1): sizes with extensions, and the trailer section.
//!
//! The states are those of hyper's decoder, which ends each line at CR LF. RFC 9112 section 2.2 lets a
//! recipient end a line at LF alone, and another one in front may do so. Then the two see different
//! requests in the same bytes. hyper refuses LF without CR before it in the line of a size. In a trailer
//! hyper takes it for a part of the field: there the caller makes it invalid.
//!
//! | state | goes on with | ends with |
//! |---|---|---|
//! | `Size` | hexadecimal digits, at least one | blank, `;`, CR |
//! | `Blank` | blanks | `;`, CR |
//! | `Extension` | anything else | CR |
//! | `SizeLf` | | LF: data, or the trailer section after size 0 |
//! | `TrailerBegin` | | CR: the empty line; anything else: a trailer |
//! | `Trailer` | anything else | CR |
//! | `TrailerLf` | | LF: the next trailer |
//! | `EndLf` | | LF: the end of the message |

/// Where in a line of a chunked body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { has_digit: bool },
    Blank,
    Extension,
    SizeLf,
    TrailerBegin,
    Trailer,
    TrailerLf,
    EndLf,
}

/// Follows the lines before and after the data of the chunks.
#[derive(Debug)]
pub(super) struct ChunkLines {
    size: u64,
    state: State,
}

/// What a byte means for the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The lines go on.
    Line,
    /// Data begins: this many bytes, with the CR LF after them.
    Data(u64),
    /// The message is over.
    End,
    /// No line has this byte here. hyper refuses it too.
    Invalid,
    /// LF without CR before it in a trailer. hyper takes it.
    BareLf,
}

impl ChunkLines {
    /// Before the size of a chunk.
    pub(super) const fn new() -> Self {
        Self {
            size: 0,
            state: State::Size { has_digit: false },
        }
    }

    /// Takes one byte.
    pub(super) fn take(&mut self, byte: u8) -> Meaning {
        match self.next(byte) {
            Ok(state) => {
                self.state = state;
                Meaning::Line
            }
            Err(meaning) => meaning,
        }
    }

    /// Returns the state after a byte.
    ///
    /// # Errors
    ///
    /// The lines end with this byte: data begins, the message is over, or the byte is invalid.
    fn next(&mut self, byte: u8) -> Result<State, Meaning> {
        Ok(match (self.state, byte) {
            (State::Size { .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.add_digit(byte).ok_or(Meaning::Invalid)?
            }
            (State::Size { has_digit: true } | State::Blank, b' ' | b'\t') => State::Blank,
            (State::Size { has_digit: true } | State::Blank, b';') => State::Extension,
            (State::Size { has_digit: true } | State::Blank | State::Extension, b'\r') => {
                State::SizeLf
            }
            (State::SizeLf, b'\n') if self.size == 0 => State::TrailerBegin,
            (State::SizeLf, b'\n') => return Err(self.data()),
            (State::TrailerBegin, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => State::TrailerBegin,
            (State::EndLf, b'\n') => return Err(Meaning::End),
            (State::Extension, byte) if byte != b'\n' => State::Extension,
            (State::TrailerBegin | State::Trailer, b'\n') => return Err(Meaning::BareLf),
            (State::TrailerBegin | State::Trailer, _) => State::Trailer,
            _ => return Err(Meaning::Invalid),
        })
    }

    /// Adds a hexadecimal digit to the size. `None` if the size is too large.
    fn add_digit(&mut self, byte: u8) -> Option<State> {
        let digit = char::from(byte).to_digit(16)?;
        let size = self.size.checked_mul(16)?;
        self.size = size.checked_add(u64::from(digit))?;
        Some(State::Size { has_digit: true })
    }

    /// The data of the chunk, and the two bytes of the end of its line.
    fn data(&self) -> Meaning {
        self.size
            .checked_add(2)
            .map_or(Meaning::Invalid, Meaning::Data)
    }
}
