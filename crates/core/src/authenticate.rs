//! Authentication: several ways to prove who one is, of which the credential present decides.

use std::{fmt, sync::Arc};

use http::{
    HeaderValue, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
    request,
};

use crate::{Fact, Guard, Identity, Mode, Principal, Rejection, SecurityContext, Verdict, layer};

/// A way to prove who one is: an API key, a token, a session, a client certificate.
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the kind of credential, stable and loggable. Principals carry it.
    fn kind(&self) -> &'static str;

    /// Looks whether a request shows a credential of this kind; verifies nothing.
    ///
    /// # Errors
    /// A refusal where one kind is shown twice, or in a shape that can only be a mistake.
    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>>;

    /// Verifies the credential, and strips it from what the handler will see.
    fn authenticate(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Principal>;

    /// Returns the challenge for `WWW-Authenticate` (RFC 9110, 11.6.1).
    fn challenge(&self) -> HeaderValue;
}

/// Whether a request shows a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // The choice among credentials must know every kind of presence.
pub enum Presence {
    /// It shows none.
    Absent,
    /// It shows one that clients send without meaning to: a cookie, a client certificate.
    Ambient,
    /// It shows one on purpose.
    Explicit,
}

/// Asks who is there. The one credential that is present decides: an explicit one goes before an
/// ambient one, two explicit ones are refused, and a failed one is never retried as another.
#[derive(Clone)]
#[must_use]
pub struct AuthenticateLayer {
    shared: Arc<Shared>,
    optional: bool,
    mode: Mode,
}

/// One of the ways, and how its credential is shown.
type Chosen<'a> = (&'a dyn Authenticator, Presence);

struct Shared {
    all: Box<[Arc<dyn Authenticator>]>,
    ambiguous: Rejection,
    missing: Rejection,
    unclaimed: Rejection,
    other_kind: Rejection,
}

layer!(AuthenticateLayer);

impl AuthenticateLayer {
    /// Accepts any one of several kinds of credential.
    pub fn any(all: impl IntoIterator<Item = Arc<dyn Authenticator>>) -> Self {
        let all: Box<[_]> = all.into_iter().collect();
        let refused = Rejection::unauthenticated(all.iter().map(|one| one.challenge()));
        let refused = refused.prerendered();
        let other_kind = Rejection::new(
            StatusCode::FORBIDDEN,
            "credential_kind",
            "This needs another kind of credential.",
        );
        Self {
            shared: Arc::new(Shared {
                all,
                ambiguous: Rejection::credentials_ambiguous().prerendered(),
                missing: refused.clone().with_reason("no credential"),
                unclaimed: refused.with_reason("nobody reads this kind of Authorization"),
                other_kind: other_kind.prerendered(),
            }),
            optional: false,
            mode: Mode::Enforce,
        }
    }

    /// Lets guests pass as [`Identity::Anonymous`]; a wrong credential is still refused.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Records what would be refused and lets it pass. For the days of a roll-out only.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Returns the challenges of all kinds, for [`AccessLayer`](crate::AccessLayer).
    #[must_use]
    pub fn challenges(&self) -> Vec<HeaderValue> {
        self.shared.all.iter().map(|one| one.challenge()).collect()
    }

    /// Returns the kinds of credential that are accepted.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.shared.all.iter().map(|one| one.kind()).collect()
    }

    /// Finds the one that the request means; judged before anything is verified.
    fn choose(&self, head: &request::Parts) -> Result<Option<Chosen<'_>>, Box<Rejection>> {
        let mut chosen: Option<Chosen<'_>> = None;
        for one in &self.shared.all {
            let presence = one.presence(head)?;
            chosen = match (chosen, presence) {
                (Some((_, Presence::Explicit)), Presence::Explicit) => {
                    return Err(Box::new(self.shared.ambiguous.clone()));
                }
                (_, Presence::Explicit) | (None, Presence::Ambient) => Some((&**one, presence)),
                (before, _) => before,
            };
        }
        Ok(chosen)
    }

    fn verify(
        &self,
        one: &dyn Authenticator,
        cx: &SecurityContext,
        head: &mut request::Parts,
    ) -> Verdict<Principal> {
        match self.mode {
            Mode::Enforce => one.authenticate(cx, head),
            // In shadow nothing may be stripped, so the authenticator gets a copy.
            Mode::Shadow => one.authenticate(cx, &mut head.clone()),
        }
    }
}

impl Guard for AuthenticateLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "authenticate"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        if let Identity::Known(who) = cx.identity() {
            // Proven further out: good here only if this layer would have accepted that kind.
            let ours = self.shared.all.iter().any(|one| one.kind() == who.kind());
            return match ours {
                true => Verdict::Admit(()),
                false => self.shared.other_kind.clone().into(),
            };
        }
        cx.asked();
        let one = match self.choose(head) {
            Ok(Some((one, Presence::Explicit))) => one,
            // A credential that nobody here can read is a failed one: neither a guest nor a cookie saves it.
            Ok(_) if head.headers.contains_key(AUTHORIZATION) => {
                let unclaimed = Box::new(self.shared.unclaimed.clone());
                return failed(cx, "authorization", unclaimed).into();
            }
            Ok(Some((one, _))) => one,
            Ok(None) if self.optional => return Verdict::Admit(()),
            Ok(None) => return self.shared.missing.clone().into(),
            Err(rejection) => return rejection.into(),
        };
        let kind = one.kind();
        match self.verify(one, cx, head) {
            Verdict::Admit(who) => cx.identify(who).into(),
            Verdict::Refuse(rejection) => failed(cx, kind, self.shared.dress(rejection)).into(),
            Verdict::Later(decision) => {
                let (cx, shared) = (cx.clone(), Arc::clone(&self.shared));
                Verdict::later(async move {
                    match decision.await {
                        Ok(who) => cx.identify(who),
                        Err(rejection) => Err(failed(&cx, kind, shared.dress(rejection))),
                    }
                })
            }
        }
    }
}

impl Shared {
    /// Gives a plain 401 every challenge, so that a wrong credential and none look alike. One whose
    /// challenge says more (RFC 6750's `error`) keeps it.
    fn dress(&self, mut rejection: Box<Rejection>) -> Box<Rejection> {
        let mut headers = rejection.headers();
        let plain = match (headers.next(), headers.next()) {
            (Some((name, value)), None) => {
                name == WWW_AUTHENTICATE && self.all.iter().any(|one| one.challenge() == value)
            }
            _ => false,
        };
        drop(headers);
        if !plain || rejection.code() != self.missing.code() {
            return rejection;
        }
        let reason = rejection.take_reason().unwrap_or_default();
        *rejection = self.missing.clone().with_reason(reason);
        rejection
    }
}

/// Notes a failed credential, for the audit trail and for the penalty of those who guess. What is
/// our own fault (500, 503) is not held against the client.
fn failed(cx: &SecurityContext, kind: &'static str, rejection: Box<Rejection>) -> Box<Rejection> {
    if rejection.status().is_client_error() {
        let code = rejection.code();
        cx.record(Fact::CredentialFailed { kind, code });
    }
    rejection
}

impl fmt::Debug for AuthenticateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateLayer")
            .field("kinds", &self.kinds())
            .field("optional", &self.optional)
            .field("mode", &self.mode)
            .finish()
    }
}
