//! The guard that asks authenticators, and decides what a principal that is known already is worth.

use std::{fmt, sync::Arc};

use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request};

use super::{
    AuthenticateBuildError, Authenticator, Credential, Presence,
    challenge::with_parameters,
    find::{self, Found, NoChoice, Place, Registered, Shown},
};
use crate::{Guard, Mode, Principal, Rejection, SecurityContext, Verdict, context::Proven, layer};

/// Asks for a credential, and leaves its [`Principal`] for all guards and handlers further in.
///
/// The one credential in the request decides: an explicit one goes before an ambient one (a cookie), two
/// explicit ones are refused with 400, and a failed one is never retried as another. An `Authorization`
/// that no authenticator reads counts as a failed credential: alone it is 401, beside another explicit
/// credential it is 400.
///
/// # Several layers
///
/// Authenticators in one list are *or*; layers inside each other are *and*. A layer accepts a principal that
/// an outer layer found only if **one of its own authenticators** proved it (clones count as one). Otherwise
/// its own authenticator verifies the credential again, and must find the same principal:
///
/// | the outer layer accepted | this layer |
/// |---|---|
/// | a credential that one of its own instances proved | admits |
/// | a credential that it reads too (another issuer, another store) | verifies it again |
/// | a credential of another kind | 403 `credential_kind` |
/// | a principal of its kind whose credential is not there to be verified | 500 `misconfigured` |
///
/// A request has one principal: if two layers find two, it is refused, with 400 if the client sent two
/// credentials, and with 500 `misconfigured` if they read one credential differently.
#[derive(Clone)]
#[must_use]
pub struct AuthenticateLayer {
    pub(super) shared: Arc<Shared>,
    optional: bool,
    mode: Mode,
}

pub(super) struct Shared {
    pub(super) all: Box<[Registered]>,
    ambiguous: Rejection,
    foreign: Rejection,
    malformed: Rejection,
    missing: Rejection,
    other_kind: Rejection,
}

layer!(AuthenticateLayer);

impl AuthenticateLayer {
    /// Accepts any one of several kinds of credential.
    ///
    /// # Errors
    /// The list is empty, or two authenticators read the same credential; see [`AuthenticateBuildError`].
    pub fn any(
        all: impl IntoIterator<Item = Arc<dyn Authenticator>>,
    ) -> Result<Self, AuthenticateBuildError> {
        let all: Box<[_]> = all.into_iter().map(Registered::new).collect();
        check(&all)?;
        Ok(Self::new(all))
    }

    /// Accepts one kind of credential.
    pub fn single(authenticator: impl Authenticator) -> Self {
        Self::new([Registered::new(Arc::new(authenticator))].into())
    }

    fn new(all: Box<[Registered]>) -> Self {
        Self {
            shared: Arc::new(Shared::new(all)),
            optional: false,
            mode: Mode::Enforce,
        }
    }

    /// Lets requests without a credential pass as [`Identity::Anonymous`](crate::Identity::Anonymous); a
    /// wrong credential is still refused.
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
        let all = self.shared.all.iter();
        all.map(|one| one.challenge.clone()).collect()
    }

    /// Returns the kinds of credential that are accepted.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.shared.all.iter().map(|one| one.kind).collect()
    }

    /// Verifies a credential that the request shows.
    fn verify(&self, cx: &SecurityContext, head: &mut request::Parts, found: Found) -> Verdict<()> {
        let Some(one) = self.shared.all.get(found.reader) else {
            return Rejection::misconfigured("an authenticator that is not listed").into();
        };
        let mut copy;
        let head = match self.mode {
            Mode::Enforce => head,
            // In shadow nothing may be taken out, so the authenticator gets a copy.
            Mode::Shadow => {
                copy = head.clone();
                &mut copy
            }
        };
        let credential = find::take(one, found.place, head);
        let verdict = one.authenticator.authenticate(cx, head, &credential);
        let proof = Proof {
            shared: Arc::clone(&self.shared),
            reader: found.reader,
            presence: found.presence,
            place: found.place,
            credential,
        };
        match verdict {
            Verdict::Admit(who) => proof.accept(cx, who).into(),
            Verdict::Refuse(rejection) => proof.refuse(cx, rejection).into(),
            Verdict::Later(decision) => {
                let cx = cx.clone();
                Verdict::later(async move {
                    match decision.await {
                        Ok(who) => proof.accept(&cx, who),
                        Err(rejection) => Err(proof.refuse(&cx, rejection)),
                    }
                })
            }
        }
    }

    /// Decides about a request that shows no credential any more.
    fn without_credential(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        let Some(who) = cx.principal() else {
            return match self.optional {
                true => Verdict::Admit(()),
                false => self.shared.missing.clone().into(),
            };
        };
        let proof = cx.proof();
        if proof.is_some_and(|proof| self.shared.has_proven(proof)) {
            return Verdict::Admit(());
        }
        if let Some(proof) = proof
            && let Some(reader) = find::reader_of_kept(&self.shared.all, proof)
        {
            return self.verify_again(cx, head, proof, reader);
        }
        if self.shared.all.iter().any(|one| one.kind == who.kind()) {
            let reason = "another authenticator of this kind proved the principal, and its credential \
                          is not there to be verified again: use the same authenticator in both layers";
            return Rejection::misconfigured(reason).into();
        }
        self.shared.other_kind.clone().into()
    }

    /// Verifies what another instance further out accepted and took out.
    fn verify_again(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        proof: &Proof,
        reader: usize,
    ) -> Verdict<()> {
        let Some(one) = self.shared.all.get(reader) else {
            return Rejection::misconfigured("an authenticator that is not listed").into();
        };
        let mut copy;
        let head = match self.mode {
            Mode::Enforce => head,
            Mode::Shadow => {
                copy = head.clone();
                &mut copy
            }
        };
        let (kind, shared) = (one.kind, Arc::clone(&self.shared));
        let verdict = one.authenticator.authenticate(cx, head, &proof.credential);
        match verdict {
            Verdict::Admit(who) => same_principal(cx, &who).into(),
            Verdict::Refuse(rejection) => shared.failed(cx, kind, rejection).into(),
            Verdict::Later(decision) => {
                let cx = cx.clone();
                Verdict::later(async move {
                    match decision.await {
                        Ok(who) => same_principal(&cx, &who),
                        Err(rejection) => Err(shared.failed(&cx, kind, rejection)),
                    }
                })
            }
        }
    }
}

fn same_principal(cx: &SecurityContext, who: &Principal) -> Result<(), Box<Rejection>> {
    match cx.principal() == Some(who) {
        true => Ok(()),
        false => Err(two_principals()),
    }
}

fn two_principals() -> Box<Rejection> {
    let reason = "two authenticators read one credential as two principals: \
                  let both read the same claims, or use one of them";
    Box::new(Rejection::misconfigured(reason))
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
        cx.asked();
        let proven = cx.proof().map(|proof| proof.presence);
        match find::find(&self.shared.all, head) {
            // A cookie yields to what was shown on purpose, also further out.
            Ok(Shown::One(found)) if found.presence < proven.unwrap_or(Presence::Absent) => {
                self.without_credential(cx, head)
            }
            Ok(Shown::One(found)) => self.verify(cx, head, found),
            Ok(Shown::Nothing) => self.without_credential(cx, head),
            // A credential that cannot be read here is a failed one: neither a guest nor a cookie.
            Ok(Shown::Foreign) => {
                let foreign = Box::new(self.shared.foreign.clone());
                self.shared.failed(cx, "authorization", foreign).into()
            }
            Err(NoChoice::Ambiguous) => self.shared.ambiguous.clone().into(),
            Err(NoChoice::Malformed) => self.shared.malformed.clone().into(),
            Err(NoChoice::Refused(rejection)) => rejection.into(),
        }
    }
}

/// Who proved the principal of a request, and by which credential.
pub(crate) struct Proof {
    shared: Arc<Shared>,
    reader: usize,
    presence: Presence,
    pub(super) place: Place,
    pub(super) credential: Credential,
}

impl Proof {
    pub(super) fn registered(&self) -> Option<&Registered> {
        self.shared.all.get(self.reader)
    }

    /// Returns the challenge of the authenticator that proved the principal.
    pub(crate) fn challenge(&self) -> Option<&HeaderValue> {
        Some(&self.registered()?.challenge)
    }

    fn accept(self, cx: &SecurityContext, who: Principal) -> Result<(), Box<Rejection>> {
        let proven = Proven {
            principal: who,
            proof: Some(self),
        };
        let Err(second) = cx.prove(proven) else {
            return Ok(());
        };
        // Another principal is known. Two credentials are the client's doing, one is the operator's.
        match (cx.proof(), second.proof) {
            (Some(first), Some(second))
                if first.credential.as_bytes() != second.credential.as_bytes() =>
            {
                let ambiguous = second.shared.ambiguous.clone();
                Err(Box::new(
                    ambiguous.with_reason("two credentials name two principals"),
                ))
            }
            _ => Err(two_principals()),
        }
    }

    fn refuse(&self, cx: &SecurityContext, rejection: Box<Rejection>) -> Box<Rejection> {
        let kind = self.registered().map_or("unknown", |one| one.kind);
        self.shared.failed(cx, kind, rejection)
    }
}

impl Shared {
    fn new(all: Box<[Registered]>) -> Self {
        let unauthenticated =
            Rejection::unauthenticated(all.iter().map(|one| one.challenge.clone())).prerendered();
        let invalid_request = |rejection: Rejection| {
            let challenges = all
                .iter()
                .map(|one| with_parameters(&one.challenge, "error=\"invalid_request\""));
            let add = |it: Rejection, challenge| it.with_header(WWW_AUTHENTICATE, challenge);
            challenges.fold(rejection, add).prerendered()
        };
        let other_kind = Rejection::new(
            StatusCode::FORBIDDEN,
            "credential_kind",
            "This needs another kind of credential.",
        );
        Self {
            ambiguous: invalid_request(Rejection::credentials_ambiguous()),
            foreign: unauthenticated
                .clone()
                .with_reason("no authenticator reads this kind of Authorization"),
            malformed: invalid_request(Rejection::authorization_malformed()),
            missing: unauthenticated.with_reason("no credential"),
            other_kind: other_kind.prerendered(),
            all,
        }
    }

    fn has_proven(&self, proof: &Proof) -> bool {
        let by = proof.registered().map(|one| one.id);
        self.all.iter().any(|one| Some(one.id) == by)
    }

    /// Notes a failed credential, for the audit trail and for limits on guessing. What is the server's own
    /// fault (500, 503) is not held against the client.
    fn failed(
        &self,
        cx: &SecurityContext,
        kind: &'static str,
        rejection: Box<Rejection>,
    ) -> Box<Rejection> {
        if rejection.status().is_client_error() {
            cx.credential_failed(kind, &rejection);
        }
        self.with_all_challenges(rejection)
    }

    /// Gives a plain 401 every challenge, so that a wrong credential and none look alike. One whose
    /// challenge says more (RFC 6750's `error`) keeps it.
    fn with_all_challenges(&self, mut rejection: Box<Rejection>) -> Box<Rejection> {
        let mut headers = rejection.headers();
        let plain = match (headers.next(), headers.next()) {
            (Some((name, value)), None) => {
                *name == WWW_AUTHENTICATE && self.all.iter().any(|one| one.challenge == *value)
            }
            _ => false,
        };
        drop(headers);
        if plain && rejection.code() == self.missing.code() {
            let reason = rejection.take_reason().unwrap_or_default();
            *rejection = self.missing.clone().with_reason(reason);
        }
        rejection
    }
}

/// Finds what would make every request ambiguous.
fn check(all: &[Registered]) -> Result<(), AuthenticateBuildError> {
    if all.is_empty() {
        return Err(AuthenticateBuildError::NoAuthenticator);
    }
    for (index, one) in all.iter().enumerate() {
        let (kind, mut sources) = (one.kind, one.sources.iter());
        if let Some(source) = sources.find(|source| source.is_reserved()) {
            let source = source.clone();
            return Err(AuthenticateBuildError::ReservedHeader { kind, source });
        }
        for other in all.iter().skip(index + 1) {
            let shared = |source: &&_| other.sources.iter().any(|same| same.overlaps(source));
            if let Some(source) = one.sources.iter().find(shared) {
                let (kinds, source) = ([kind, other.kind], source.clone());
                return Err(AuthenticateBuildError::SameSource { kinds, source });
            }
        }
    }
    Ok(())
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
