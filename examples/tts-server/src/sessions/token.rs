//! What a session is known by: a random token in the cookie, its digest in memory, and a second
//! token against forgery that is computed from it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use palisade::core::Secret;
use sha2::{Digest, Sha256};

const LENGTH: usize = 32;

/// A digest of a token. The store holds these alone, so that its memory opens no session.
pub(crate) type TokenDigest = [u8; 32];

/// Draws a new token, as it stands in the cookie.
pub(crate) fn draw() -> Result<String, getrandom::Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Draws a key for [`csrf`].
pub(crate) fn draw_key() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(bytes))
}

/// Digests what a cookie shows, if it has the shape of a token.
pub(crate) fn digest(shown: &[u8]) -> Option<TokenDigest> {
    let decoded = URL_SAFE_NO_PAD.decode(shown).ok()?;
    (decoded.len() == LENGTH).then(|| Sha256::digest(&decoded).into())
}

/// Computes the token against forgery that belongs to a session. A page of ours learns it in an
/// response; a page of another site cannot read that response.
pub(crate) fn csrf(key: &Secret, session: &TokenDigest) -> String {
    URL_SAFE_NO_PAD.encode(tag(key, session).finalize().into_bytes())
}

/// Compares a shown token against forgery in constant time.
pub(crate) fn csrf_matches(key: &Secret, session: &TokenDigest, shown: &[u8]) -> bool {
    let Ok(decoded) = URL_SAFE_NO_PAD.decode(shown) else {
        return false;
    };
    tag(key, session).verify_slice(&decoded).is_ok()
}

fn tag(key: &Secret, session: &TokenDigest) -> Hmac<Sha256> {
    let mut tag = Hmac::<Sha256>::new_from_slice(key.expose())
        .expect("HMAC takes keys of every length (RFC 2104)");
    tag.update(b"palisade tts csrf");
    tag.update(session);
    tag
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_of_another_session_or_another_start_is_refused() {
        let (key, other_key) = (draw_key().unwrap(), draw_key().unwrap());
        let session = digest(draw().unwrap().as_bytes()).unwrap();
        let other = digest(draw().unwrap().as_bytes()).unwrap();
        let shown = csrf(&key, &session);
        assert!(csrf_matches(&key, &session, shown.as_bytes()));
        assert!(!csrf_matches(&key, &other, shown.as_bytes()));
        assert!(!csrf_matches(&other_key, &session, shown.as_bytes()));
        assert!(!csrf_matches(&key, &session, b""));
        assert!(!csrf_matches(&key, &session, &shown.as_bytes()[1..]));
    }

    #[test]
    fn what_has_not_the_shape_of_a_token_is_none() {
        for shown in [
            "",
            "x",
            "____",
            &"A".repeat(44),
            &"A".repeat(42),
            "../../etc/passwd",
        ] {
            assert!(digest(shown.as_bytes()).is_none(), "{shown}");
        }
    }
}
