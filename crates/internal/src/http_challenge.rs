//! Requests of an ACME authority for http-01 challenges (RFC 8555, section 8.3).
//!
//! Three places look at them: the layer that responds, the route that serves the folder of another
//! client, and the layer that lets them pass without TLS. They must agree on what such a request is.

/// The path of challenges; the token follows.
pub const CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// Returns the token, if a path is that of a challenge. The path is that of the request, not decoded.
///
/// ```
/// use palisade_internal::http_challenge::challenge_token;
///
/// let path = "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
/// assert_eq!(challenge_token(path), Some("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
/// assert_eq!(challenge_token("/.well-known/acme-challenge/../../admin"), None);
/// ```
#[must_use]
pub fn challenge_token(path: &str) -> Option<&str> {
    let token = path.strip_prefix(CHALLENGE_PATH)?;
    is_challenge_token(token).then_some(token)
}

/// Returns whether a token has the form that the standard demands: base64url without padding, of at
/// least 128 bits.
///
/// That is 22 characters. More than 128 are refused too: authorities send 43. A token of this form
/// names a file of a folder, and none elsewhere.
///
/// ```
/// use palisade_internal::http_challenge::is_challenge_token;
///
/// assert!(is_challenge_token("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"));
/// assert!(!is_challenge_token("too-short"));
/// assert!(!is_challenge_token("evaGxfADs6pSRb2LAv9IZf17Dt3juxG="));
/// ```
#[must_use]
pub fn is_challenge_token(token: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (22..=128).contains(&token.len()) && token.bytes().all(is_base64url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_in_its_place_is_a_challenge() {
        let token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
        assert_eq!(
            challenge_token(&format!("{CHALLENGE_PATH}{token}")),
            Some(token)
        );
        for path in [
            CHALLENGE_PATH.to_owned(),
            format!("{CHALLENGE_PATH}{token}/b"),
            format!("{CHALLENGE_PATH}../../{token}"),
            format!("{CHALLENGE_PATH}%2e%2e{token}"),
            format!("/x{CHALLENGE_PATH}{token}"),
            format!("/.well-known/acme-challenge{token}"),
            format!("{CHALLENGE_PATH}{}", "a".repeat(21)),
            format!("{CHALLENGE_PATH}{}", "a".repeat(129)),
        ] {
            assert_eq!(challenge_token(&path), None, "{path}");
        }
    }
}
