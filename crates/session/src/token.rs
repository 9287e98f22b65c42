//! What a session is known by: a random token in the cookie, its digest in the store, and a second
//! token against forged requests that is computed from the first.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use palisade_core::Secret;
use sha2::{Digest, Sha256};

/// Bytes of a token. 256 random bits cannot be guessed, whatever the number of sessions.
const LENGTH: usize = 32;
/// Bytes of a digest that are shown as the public id.
const ID_LENGTH: usize = 12;
/// Keeps what is computed here apart from other uses of the token.
const PURPOSE: &[u8] = b"palisade-session csrf 1";

/// The digest of a session's token: what a store knows a session by.
///
/// No one can compute the token from it, so what is read from a store opens no session. `Debug` shows
/// the public [`SessionId`] alone.
///
/// A store writes the bytes as they are, or as text, and reads them back:
///
/// ```
/// use palisade_session::SessionDigest;
///
/// let digest = SessionDigest::from_bytes([7; 32]);
/// assert_eq!(SessionDigest::from_bytes(*digest.as_bytes()), digest);
///
/// // A log shows the public id: 16 characters, which open nothing.
/// assert_eq!(format!("{digest:?}"), "SessionDigest(BwcHBwcHBwcHBwcH)");
/// assert_eq!(digest.id().as_str(), "BwcHBwcHBwcHBwcH");
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct SessionDigest([u8; 32]);

impl SessionDigest {
    /// Makes a digest from the bytes that [`as_bytes`](Self::as_bytes) returned, for stores outside
    /// this process.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, as the key of a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the public id of the session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        let start = self.0.iter().take(ID_LENGTH).copied();
        SessionId(URL_SAFE_NO_PAD.encode(start.collect::<Vec<u8>>()).into())
    }
}

impl fmt::Debug for SessionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionDigest({})", self.id())
    }
}

/// The public id of a session: 16 characters. It opens nothing, so pages, logs and audit records may
/// show it.
///
/// ```
/// use palisade_session::SessionId;
///
/// let sent_by_the_page = SessionId::from("q83vEjRWeJCrze8S");
/// assert_eq!(sent_by_the_page.as_str(), "q83vEjRWeJCrze8S");
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SessionId {
    /// Takes any text. One that is no id of a session belongs to none.
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret token of a session, decoded.
pub(crate) struct SessionToken(Secret);

impl SessionToken {
    /// Draws a new one from the operating system.
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = vec![0; LENGTH];
        getrandom::fill(&mut bytes)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// Reads what a cookie shows. `None` if it has not the shape of a token.
    pub(crate) fn parse(shown: &[u8]) -> Option<Self> {
        let decoded = Secret::new(URL_SAFE_NO_PAD.decode(shown).ok()?);
        (decoded.expose().len() == LENGTH).then_some(Self(decoded))
    }

    /// Returns it as it stands in the cookie.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.expose())
    }

    /// Returns what the store knows it by.
    pub(crate) fn digest(&self) -> SessionDigest {
        SessionDigest(Sha256::digest(self.0.expose()).into())
    }

    /// Returns the token against forged requests that belongs to it.
    pub(crate) fn csrf_token(&self) -> CsrfToken {
        let tag = self.csrf_tag().finalize().into_bytes();
        CsrfToken(URL_SAFE_NO_PAD.encode(tag).into())
    }

    /// Compares a token against forged requests in constant time.
    pub(crate) fn csrf_matches(&self, shown: &[u8]) -> bool {
        let Ok(decoded) = URL_SAFE_NO_PAD.decode(shown) else {
            return false;
        };
        self.csrf_tag().verify_slice(&decoded).is_ok()
    }

    /// The server stores the digest alone, so who reads its store can forge neither token.
    fn csrf_tag(&self) -> Hmac<Sha256> {
        let mut tag = Hmac::<Sha256>::new_from_slice(self.0.expose())
            .expect("HMAC takes keys of every length (RFC 2104)");
        tag.update(PURPOSE);
        tag
    }
}

/// The token against forged requests. A page of the service reads it from a response and sends it in
/// `X-CSRF-Token`; a page of another site cannot read that response.
#[derive(Clone)]
pub(crate) struct CsrfToken(Box<str>);

impl CsrfToken {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csrf_token_belongs_to_one_session() {
        let (one, other) = (SessionToken::draw().unwrap(), SessionToken::draw().unwrap());
        let shown = one.csrf_token();
        let shown = shown.as_str().as_bytes();
        assert!(one.csrf_matches(shown));
        assert!(!other.csrf_matches(shown));
        for wrong in [b"".as_slice(), &shown[1..], one.encode().as_bytes()] {
            assert!(!one.csrf_matches(wrong));
        }
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
            assert!(SessionToken::parse(shown.as_bytes()).is_none(), "{shown}");
        }
        let token = SessionToken::draw().unwrap();
        let again = SessionToken::parse(token.encode().as_bytes()).unwrap();
        assert_eq!(again.digest(), token.digest());
    }

    #[test]
    fn neither_digest_nor_id_is_the_token() {
        let token = SessionToken::draw().unwrap();
        let (digest, encoded) = (token.digest(), token.encode());
        assert!(SessionToken::parse(digest.id().as_str().as_bytes()).is_none());
        let of_digest = SessionToken::parse(URL_SAFE_NO_PAD.encode(digest.as_bytes()).as_bytes());
        assert_ne!(of_digest.unwrap().digest(), digest);
        assert!(!format!("{digest:?}").contains(&encoded));
    }
}
