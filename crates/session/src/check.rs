//! Asks, with each request, whether the principal of a session is still what it was.

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc, time::Duration};

use palisade_core::{MaybeReady, Principal};

use crate::record::SessionRecord;

/// What a [`PrincipalCheck`] returns.
pub type CheckReply = MaybeReady<Result<Principal, CheckError>>;

/// Knows whether a principal that signed in may still use the service: its key was not revoked, its
/// account not closed.
///
/// Asked with each request of a session, so a revocation ends all its sessions with their next
/// request. It must not block, and has a deadline of its own if it asks a network.
///
/// ```
/// use std::net::IpAddr;
/// use palisade_core::MaybeReady;
/// use palisade_session::{CheckError, CheckReply, PrincipalCheck, SessionRecord};
///
/// #[derive(Debug)]
/// struct Accounts;
///
/// impl PrincipalCheck for Accounts {
///     fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
///         MaybeReady::Ready(match session.principal.id() {
///             "mallory" => Err(CheckError::ended("the account is closed")),
///             _ => Ok(session.principal.clone()),
///         })
///     }
/// }
/// ```
///
/// Sessions that are older than the last change of the password end:
///
/// ```
/// use std::{collections::HashMap, net::IpAddr, sync::Mutex, time::Duration};
/// use palisade_core::MaybeReady;
/// use palisade_session::{CheckError, CheckReply, PrincipalCheck, SessionRecord};
///
/// /// When each user last changed the password, since the Unix epoch.
/// #[derive(Debug, Default)]
/// struct PasswordChanges(Mutex<HashMap<String, Duration>>);
///
/// impl PrincipalCheck for PasswordChanges {
///     fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
///         let Ok(changes) = self.0.lock() else {
///             return MaybeReady::Ready(Err(CheckError::unavailable("the table of changes is damaged")));
///         };
///         let changed = changes.get(session.principal.id());
///         MaybeReady::Ready(match changed {
///             Some(time) if session.opened < *time => Err(CheckError::ended("the password was changed")),
///             _ => Ok(session.principal.clone()),
///         })
///     }
/// }
/// ```
pub trait PrincipalCheck: fmt::Debug + Send + Sync + 'static {
    /// Returns the principal of a session as it is now. `client` is the address of the client, if it is known.
    ///
    /// [`SessionRecord::opened`] tells which sessions are older than a new password, a rotation of the key or another
    /// reason to sign in again.
    ///
    /// The new principal has the same kind, id and owner, and at most the scopes that it had when it
    /// signed in ([`Principal::with_scopes_of`]). With more scopes the session ends: rights that grow need a
    /// new session.
    ///
    /// # Errors
    ///
    /// [`CheckError::Ended`] ends the session: 401. [`CheckError::Refused`] refuses this request with 401 and
    /// keeps the session. [`CheckError::Unavailable`] refuses it with 503.
    fn check(&self, session: &SessionRecord, client: Option<IpAddr>) -> CheckReply;
}

impl<C: PrincipalCheck + ?Sized> PrincipalCheck for Arc<C> {
    fn check(&self, session: &SessionRecord, client: Option<IpAddr>) -> CheckReply {
        (**self).check(session, client)
    }
}

/// Why a principal may not use its session. The text is for operators.
///
/// | variant | response | the session |
/// |---|---|---|
/// | [`Ended`](Self::Ended) | 401 | ends |
/// | [`Refused`](Self::Refused) | 401 | stays: it may be used from elsewhere, or later |
/// | [`Unavailable`](Self::Unavailable) | 503 with `Retry-After` | stays |
///
/// ```
/// use std::net::IpAddr;
/// use palisade_session::CheckError;
///
/// /// An administrator uses the session from the network of the office alone.
/// fn check_network(client: Option<IpAddr>) -> Result<(), CheckError> {
///     match client {
///         None => Err(CheckError::unavailable("the address of the client is not known")),
///         Some(IpAddr::V4(ip)) if ip.is_private() => Ok(()),
///         Some(_) => Err(CheckError::refused("outside of the network of the office")),
///     }
/// }
/// assert_eq!(check_network("192.0.2.7".parse().ok()).unwrap_err().to_string(), "outside of the network of the office");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CheckError {
    /// It may never use the service with this session again.
    Ended(Cow<'static, str>),
    /// It may not use the service now or from there: another network, a configuration that is being repaired.
    Refused(Cow<'static, str>),
    /// It cannot be decided now.
    Unavailable(Cow<'static, str>),
}

impl CheckError {
    /// Says that the principal may never use the service with this session again.
    #[must_use]
    pub fn ended(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Ended(reason.into())
    }

    /// Says that the principal may not use the service now or from there.
    #[must_use]
    pub fn refused(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(reason.into())
    }

    /// Says that it cannot be decided now.
    #[must_use]
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable(reason.into())
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(reason) | Self::Refused(reason) | Self::Unavailable(reason) => {
                f.write_str(reason)
            }
        }
    }
}

impl std::error::Error for CheckError {}

/// The check of a service that has none: the principal stays what it was.
#[derive(Debug)]
pub(crate) struct Unchecked;

impl PrincipalCheck for Unchecked {
    fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
        MaybeReady::Ready(Ok(session.principal.clone()))
    }
}

/// Returns why a principal is not the one that signed in. `None`: it is.
pub(crate) fn principal_difference(
    before: &Principal,
    now: &Principal,
    time: Duration,
) -> Option<&'static str> {
    let identity = |who: &Principal| {
        (
            who.kind(),
            who.id().to_owned(),
            who.owner().map(str::to_owned),
        )
    };
    if identity(before) != identity(now) {
        return Some("the principal of the session is another one now");
    }
    if now.expires().is_some_and(|end| time >= end) {
        return Some("the credential of the principal has expired");
    }
    let grew = now.scopes().any(|scope| !before.has_scope(scope));
    grew.then_some("the principal has more scopes than when it signed in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_may_be_fewer_and_never_more() {
        let who = |scopes: &[&'static str]| {
            Principal::builder("user", "ann")
                .scopes(scopes.iter().copied())
                .build()
        };
        let before = who(&["a", "b"]);
        let difference = |before: &Principal, now: &Principal| {
            principal_difference(before, now, Duration::from_secs(10))
        };
        assert_eq!(difference(&before, &who(&["b"])), None);
        assert_eq!(difference(&before, &who(&["b", "a"])), None);
        assert!(difference(&before, &who(&["a", "c"])).is_some());
        let of_another = Principal::builder("user", "ann").owner("acme").build();
        assert!(difference(&before, &of_another).is_some());
        assert!(difference(&before, &Principal::builder("user", "bob").build()).is_some());
        let until = |end| {
            let scopes = Principal::builder("user", "ann").scopes(["a"]);
            scopes.expires(Duration::from_secs(end)).build()
        };
        assert_eq!(difference(&before, &until(11)), None);
        assert!(difference(&before, &until(10)).is_some());
    }
}
