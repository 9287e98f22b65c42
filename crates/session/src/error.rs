//! What can go wrong with a session while the service runs.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use http::{HeaderValue, StatusCode};
use palisade_core::{CredentialFailure, Rejection};

/// There is no registered scheme for a cookie.
pub(crate) const CHALLENGE: HeaderValue = HeaderValue::from_static("Session");
/// How long a client is told to wait after a 503.
const RETRY: Duration = Duration::from_secs(1);
/// The same while all places are taken: sessions end by the minute, not by the second.
const RETRY_FULL: Duration = Duration::from_secs(60);

/// Why a session cannot be opened, found or ended.
///
/// It becomes a [`Rejection`], so a handler can refuse with it: 401 for what has ended or expired, 403
/// `credential_kind` for a session that would open another one, and 503 with `Retry-After` otherwise.
///
/// ```
/// use http::StatusCode;
/// use palisade_core::Rejection;
/// use palisade_session::SessionError;
///
/// let refusal = Rejection::from(SessionError::Full);
/// assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
/// ```
///
/// A handler answers with it. In axum, `palisade_core::extract::Refused` makes the response of it:
///
/// ```
/// use palisade_core::{Principal, Rejection};
/// use palisade_session::{OpenedSession, SessionError, Sessions};
///
/// /// A session, or the refusal to send.
/// async fn open(sessions: &Sessions, user: Principal) -> Result<OpenedSession, Rejection> {
///     sessions.open(user).await.map_err(Rejection::from)
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// The credential of the principal has expired, so it opens no session.
    CredentialExpired,
    /// The session has ended meanwhile, so it cannot be renewed.
    Ended,
    /// The store has no place for another session.
    Full,
    /// The operating system gives no random numbers.
    NoRandomNumbers,
    /// A session proved the principal, and a session opens no other one: it would never end.
    SignedIn,
    /// The store cannot be asked. The text is for operators.
    Unavailable(Cow<'static, str>),
}

impl SessionError {
    /// Says that a store cannot be asked, for stores of the application. The client gets 503, and never sees the
    /// reason: it is for the trail and the log.
    ///
    /// ```
    /// use palisade_session::SessionError;
    ///
    /// let error = SessionError::unavailable("the database did not answer within 250 ms");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the session store is unavailable: the database did not answer within 250 ms",
    /// );
    /// ```
    #[must_use]
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable(reason.into())
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CredentialExpired => f.write_str("the credential of the principal has expired"),
            Self::Ended => f.write_str("the session has ended"),
            Self::Full => f.write_str("the session store is full"),
            Self::NoRandomNumbers => f.write_str("the system gives no random numbers"),
            Self::SignedIn => f.write_str("a session cannot open another session"),
            Self::Unavailable(reason) => write!(f, "the session store is unavailable: {reason}"),
        }
    }
}

impl Error for SessionError {}

impl From<SessionError> for Rejection {
    fn from(error: SessionError) -> Self {
        let refusal = match error {
            SessionError::CredentialExpired | SessionError::Ended => {
                let expired = CredentialFailure::Expired;
                Self::credentials_invalid(CHALLENGE).with_credential_failure(expired)
            }
            SessionError::SignedIn => Self::new(
                StatusCode::FORBIDDEN,
                "credential_kind",
                "A session cannot open another session.",
            ),
            SessionError::Full => Self::unavailable(RETRY_FULL),
            SessionError::NoRandomNumbers | SessionError::Unavailable(_) => {
                Self::unavailable(RETRY)
            }
        };
        refusal.with_reason(error.to_string())
    }
}
