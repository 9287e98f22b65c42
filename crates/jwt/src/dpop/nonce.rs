//! Nonces of the server (RFC 9449 section 9): a proof with one was made in the last minutes, by
//! whatever clock the client has.
//!
//! They are computed and not stored: the number of a span of time, and a code of it (HMAC-SHA256)
//! under a secret of the server.

use std::{fmt, time::Duration};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac::{self, HMAC_SHA256},
    rand,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A nonce is accepted in its span and in the next.
const SPAN: Duration = Duration::from_secs(300);
/// In bytes.
pub(super) const LEAST_SECRET: usize = 32;

/// Makes and checks nonces.
#[derive(Clone)]
pub(super) struct Nonces(hmac::Key);

impl Nonces {
    /// Takes the secret that the replicas of a fleet share.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, secret))
    }

    /// Draws a secret for this process. `None` if there is no randomness.
    pub(super) fn of_process() -> Option<Self> {
        let mut secret = [0; LEAST_SECRET];
        rand::fill(&mut secret).ok()?;
        Some(Self::of_secret(&secret))
    }

    /// Returns the nonce of this moment.
    pub(super) fn current(&self, now: Duration) -> String {
        URL_SAFE_NO_PAD.encode(self.of_span(now.as_secs() / SPAN.as_secs()))
    }

    /// Tells whether a nonce is of this span of time or of the one before.
    pub(super) fn accepts(&self, nonce: &str, now: Duration) -> bool {
        let Ok(sent) = URL_SAFE_NO_PAD.decode(nonce) else {
            return false;
        };
        let span = now.as_secs() / SPAN.as_secs();
        let is_of = |span| verify_slices_are_equal(&sent, &self.of_span(span)).is_ok();
        is_of(span) || span.checked_sub(1).is_some_and(is_of)
    }

    fn of_span(&self, span: u64) -> Vec<u8> {
        let span = span.to_be_bytes();
        let code = hmac::sign(&self.0, &span);
        let code = code.as_ref().get(..16).unwrap_or_default();
        [&span[..], code].concat()
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_accepted_for_its_span_and_the_next() {
        let nonces = Nonces::of_secret(&[7; 32]);
        let at = Duration::from_secs;
        let nonce = nonces.current(at(3000));
        for (now, expected) in [(2999, false), (3000, true), (3599, true), (3600, false)] {
            assert_eq!(nonces.accepts(&nonce, at(now)), expected, "{now}");
        }
        let other = Nonces::of_process().unwrap();
        assert!(!other.accepts(&nonce, at(3000)));
        for odd in ["", "a", "====", &nonce[1..], &format!("{nonce}A")] {
            assert!(!nonces.accepts(odd, at(3000)), "{odd}");
        }
    }
}
