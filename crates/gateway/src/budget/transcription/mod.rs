//! Requests whose sound is written down: `[[transcriptions]]`, for budgets of seconds of audio and of money.
//!
//! How long a sound is, only its decoder knows. So its bytes are the bound ([`request`]): with 1,000 bytes for a second, as
//! the strongest codecs of speech have, a second is reserved for each 1,000 bytes. Afterwards the length that the response
//! tells is charged, and the reserve where it tells none.

mod form;
mod request;

pub(super) use self::request::TranscriptionRequest;
use crate::pattern::Pattern;

/// Which requests send sound, and the most that they can cost.
#[derive(Clone, Debug)]
pub(super) struct TranscriptionRule {
    /// The path; a star stands for any text.
    pub(super) path: Pattern,
    /// The fewest bytes of one second.
    pub(super) bytes_per_second: u64,
    /// The longest body, in bytes.
    pub(super) max_body: usize,
    /// The price of a minute, in millionths. `None`: a budget of money cannot count it.
    pub(super) price: Option<u64>,
}

impl TranscriptionRule {
    /// Returns the most milliseconds that so many bytes can have.
    pub(super) fn most_millis(&self, bytes: u64) -> u64 {
        bytes
            .saturating_mul(1000)
            .div_ceil(self.bytes_per_second.max(1))
    }
}
