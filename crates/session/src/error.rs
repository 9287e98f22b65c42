//! What can go wrong with a session while the service runs.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use http::StatusCode;

use palisade_core::Rejection;

/// How long a client is told to wait after a 503.
const RETRY: Duration = Duration::from_secs(1);
/// The same while all places are taken: sessions end by the minute, not by the second.
const RETRY_FULL: Duration = Duration::from_secs(60);

/// Why a session cannot be opened, found or ended.
///
/// It becomes a [`Rejection`], so a handler can refuse with it: 401 for [`Ended`](Self::Ended), 403
/// `credential_kind` for [`SignedIn`](Self::SignedIn), otherwise 503.
///
/// ```
/// use http::StatusCode;
/// use palisade_core::Rejection;
/// use palisade_session::SessionError;
///
/// let refusal = Rejection::from(SessionError::Full);
/// assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// The session has ended meanwhile, so it cannot be renewed.
    Ended,
    /// The request has a session already, and a session cannot open another one.
    SignedIn,
    /// The store has no place for another session.
    Full,
    /// The operating system gives no random numbers.
    NoRandomNumbers,
    /// The store cannot be asked. The text is for operators.
    Unavailable(Cow<'static, str>),
}

impl SessionError {
    /// Says that a store cannot be asked, for stores of the application.
    #[must_use]
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable(reason.into())
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the session has ended"),
            Self::Full => f.write_str("the session store is full"),
            Self::NoRandomNumbers => f.write_str("the system gives no random numbers"),
            Self::SignedIn => f.write_str("a session cannot open another one"),
            Self::Unavailable(reason) => write!(f, "the session store is unavailable: {reason}"),
        }
    }
}

impl Error for SessionError {}

impl From<SessionError> for Rejection {
    fn from(error: SessionError) -> Self {
        let retry = match error {
            SessionError::Ended => {
                let challenge = http::HeaderValue::from_static("Session");
                return Self::credentials_invalid(challenge).with_reason(error.to_string());
            }
            SessionError::SignedIn => {
                let detail = "A session cannot open another one.";
                return Self::new(StatusCode::FORBIDDEN, "credential_kind", detail);
            }
            SessionError::Full => RETRY_FULL,
            _ => RETRY,
        };
        Self::unavailable(retry).with_reason(error.to_string())
    }
}
