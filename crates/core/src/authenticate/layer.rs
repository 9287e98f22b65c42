//! The guard that calls authenticators, and decides whether a principal from an outer layer is
//! accepted.

use std::{fmt, sync::Arc};

use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request};

use super::{
    AuthenticateBuildError, Authenticator, Credential, Presence,
    challenge::with_parameters,
    find::{self, Found, NoChoice, Place, Registered, Shown},
};
use crate::{Guard, Mode, Principal, Rejection, SecurityContext, Verdict, context::Proven, layer};

/// Requires a credential, and stores its [`Principal`] for all guards and handlers further in.
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

/// What clones of a layer share: the authenticators and the prepared refusals.
pub(super) struct Shared {
    pub(super) all: Box<[Registered]>,
    /// 400: more than one credential.
    ambiguous: Rejection,
    /// 401: an `Authorization` that no authenticator reads.
    foreign: Rejection,
    /// 400: `Authorization` cannot be parsed.
    malformed: Rejection,
    /// 401: no credential.
    missing: Rejection,
    /// 403: the principal was proven by another kind of credential.
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
    ///
    /// Errors of its sources are not checked here; use [`any`](Self::any) to check them.
    pub fn single(authenticator: impl Authenticator) -> Self {
        Self::new([Registered::new(Arc::new(authenticator))].into())
    }

    /// Starts with the defaults: a credential is required, refusals are enforced.
    fn new(all: Box<[Registered]>) -> Self {
        Self {
            shared: Arc::new(Shared::new(all)),
            optional: false,
            mode: Mode::Enforce,
        }
    }

    /// Lets requests without a credential pass as
    /// [`Identity::Anonymous`](crate::Identity::Anonymous). Default: they are refused with 401. A
    /// wrong credential is refused in any case.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Records what would be refused and lets it pass. Default: off. Use it only while rolling out
    /// authentication: every request passes.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Returns the challenges of all authenticators, in their order, for
    /// [`AccessLayer`](crate::AccessLayer).
    #[must_use]
    pub fn challenges(&self) -> Vec<HeaderValue> {
        let all = self.shared.all.iter();
        all.map(|one| one.challenge.clone()).collect()
    }

    /// Returns the kinds of credential that are accepted, in the order of the authenticators.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.shared.all.iter().map(|one| one.kind).collect()
    }

    /// Verifies the credential of a request.
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

    /// Decides about a request that has no credential, or none any more.
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

    /// Verifies the credential that another instance further out accepted and removed.
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

/// Refuses if the second verification found another principal.
fn same_principal(cx: &SecurityContext, who: &Principal) -> Result<(), Box<Rejection>> {
    match cx.principal() == Some(who) {
        true => Ok(()),
        false => Err(two_principals()),
    }
}

/// The refusal of a credential that two authenticators read differently.
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
        cx.mark_authentication_attempted();
        let proven = cx.proof().map(|proof| proof.presence);
        match find::find(&self.shared.all, head) {
            // An explicit credential goes before a cookie, also one that an outer layer accepted.
            Ok(Shown::One(found)) if found.presence < proven.unwrap_or(Presence::Absent) => {
                self.without_credential(cx, head)
            }
            Ok(Shown::One(found)) => self.verify(cx, head, found),
            Ok(Shown::Nothing) => self.without_credential(cx, head),
            // A credential that no authenticator reads has failed: it is neither anonymous nor a cookie.
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

/// Which authenticator proved the principal of a request, and by which credential.
pub(crate) struct Proof {
    shared: Arc<Shared>,
    reader: usize,
    presence: Presence,
    /// Where it was found.
    pub(super) place: Place,
    /// The credential, removed from the request and kept until the response is over.
    pub(super) credential: Credential,
}

impl Proof {
    /// Returns the authenticator.
    pub(super) fn registered(&self) -> Option<&Registered> {
        self.shared.all.get(self.reader)
    }

    /// Returns the challenge of the authenticator that proved the principal.
    pub(crate) fn challenge(&self) -> Option<&HeaderValue> {
        Some(&self.registered()?.challenge)
    }

    /// Sets the principal, or refuses if another one is set already.
    fn accept(self, cx: &SecurityContext, who: Principal) -> Result<(), Box<Rejection>> {
        let proven = Proven {
            principal: who,
            proof: Some(self),
        };
        let Err(second) = cx.prove(proven) else {
            return Ok(());
        };
        // Another principal is set. Two credentials are the client's fault, one is the operator's.
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

    /// Records a failed credential and returns its refusal.
    fn refuse(&self, cx: &SecurityContext, rejection: Box<Rejection>) -> Box<Rejection> {
        let kind = self.registered().map_or("unknown", |one| one.kind);
        self.shared.failed(cx, kind, rejection)
    }
}

impl Shared {
    /// Prepares the refusals, each with the challenges of all authenticators.
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

    /// Returns whether one of these authenticators made a proof.
    fn has_proven(&self, proof: &Proof) -> bool {
        let by = proof.registered().map(|one| one.id);
        self.all.iter().any(|one| Some(one.id) == by)
    }

    /// Records a failed credential, for the audit trail and for limits on guessing. Failures of the
    /// server (500, 503) are not charged to the client.
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

    /// Adds every challenge to a plain 401, so that a wrong credential and none have the same
    /// response. A challenge with more parameters (`error` of RFC 6750) is kept.
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
