//! Repeats requests that the authority refused for their nonce.
//!
//! Every request carries a number that the authority gave out before and accepts once. Numbers
//! expire, and an authority of several machines may not know those of another one. A refused number
//! costs nothing (RFC 8555, section 6.5): the request is made again with a new one.

use instant_acme::Error;

/// How often a request is repeated because of its nonce. The library repeats each one three times;
/// with nine of ten nonces refused, 60 repetitions fail once in 10⁸ requests.
pub(super) const MAX_NONCES: u32 = 60;

/// Returns whether the authority refused the nonce of a request (RFC 8555, section 6.5).
pub(super) fn is_bad_nonce(error: &Error) -> bool {
    is_problem(error, "badNonce")
}

/// Returns whether the error is a problem of this type (RFC 8555, section 6.7).
pub(super) fn is_problem(error: &Error, name: &str) -> bool {
    let Error::Api(problem) = error else {
        return false;
    };
    let kind = problem.r#type.as_deref().unwrap_or_default();
    kind.strip_prefix("urn:ietf:params:acme:error:") == Some(name)
}

/// Awaits a request, and makes it again while its nonce is refused. The result is that of the last
/// request.
macro_rules! with_nonces {
    ($request:expr) => {{
        let mut repetitions = $crate::tls::acme::request::MAX_NONCES;
        loop {
            match $request.await {
                Err(error)
                    if repetitions > 0 && $crate::tls::acme::request::is_bad_nonce(&error) =>
                {
                    repetitions -= 1;
                }
                result => break result,
            }
        }
    }};
}

pub(super) use with_nonces;
