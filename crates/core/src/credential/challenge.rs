//! `WWW-Authenticate` of refusals that say more than "a credential is needed" (RFC 6750, 3).

use http::HeaderValue;

/// Adds parameters to a challenge: `Bearer realm="api"` and `error="invalid_request"`.
///
/// Returns the challenge as it was if the result is no header value.
pub(crate) fn with_parameters(challenge: &HeaderValue, parameters: &str) -> HeaderValue {
    let extended = challenge.to_str().ok().and_then(|challenge| {
        // The first parameter follows the scheme and a space, the others follow a comma.
        let separator = if challenge.contains(' ') { ", " } else { " " };
        HeaderValue::try_from(format!("{challenge}{separator}{parameters}")).ok()
    });
    extended.unwrap_or_else(|| challenge.clone())
}

/// Writes the parameters that tell a client which scopes it lacks (RFC 6750, 3.1).
///
/// `scope` is left out if a name holds a character that RFC 6749 (3.3) forbids: it could end the quotes.
pub(crate) fn insufficient_scope(scopes: &[&str]) -> String {
    const ERROR: &str = "error=\"insufficient_scope\"";
    let plain = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    let quotable = |scope: &str| !scope.is_empty() && scope.bytes().all(plain);
    if !scopes.iter().copied().all(quotable) {
        return ERROR.to_owned();
    }
    format!("{ERROR}, scope=\"{}\"", scopes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_follow_the_scheme_or_the_other_parameters() {
        let check = |challenge: &'static str, expected: &str| {
            let extended = with_parameters(&HeaderValue::from_static(challenge), "error=\"x\"");
            assert_eq!(extended, expected);
        };
        check("Bearer", "Bearer error=\"x\"");
        check("Bearer realm=\"api\"", "Bearer realm=\"api\", error=\"x\"");
    }

    #[test]
    fn a_scope_cannot_end_the_quotes() {
        assert_eq!(
            insufficient_scope(&["a", "b:c"]),
            "error=\"insufficient_scope\", scope=\"a b:c\""
        );
        for odd in ["a\"", "a\\", "a b", "", "a\r\n", "é"] {
            assert_eq!(
                insufficient_scope(&["a", odd]),
                "error=\"insufficient_scope\"",
                "{odd}"
            );
        }
    }
}
