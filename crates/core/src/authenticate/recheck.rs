//! Checks the credential of a request again, long after the request was admitted.
//!
//! For connections that outlive the decision: a WebSocket, a stream of events. Nothing is recorded, and
//! no proof that can be used once is asked for again.

use super::{AuthenticateLayer, select};
use crate::{
    context::SecurityContext,
    credential::{CredentialState, Proof},
    guard::Mode,
    principal::Principal,
    rejection::Rejection,
};

impl AuthenticateLayer {
    /// Tells whether the credential of a request that was admitted may still be used.
    ///
    /// A WebSocket or a long stream asks from time to time, and ends if the credential has ended. The
    /// layer need not be the one that admitted the request: after a reload, that of the new
    /// configuration decides.
    ///
    /// | the credential | result |
    /// |---|---|
    /// | is valid, for the same principal with all its scopes | [`Valid`](CredentialState::Valid) |
    /// | expired, was revoked, or has fewer scopes | [`Ended`](CredentialState::Ended) |
    /// | is of a kind that this layer does not read | [`Ended`](CredentialState::Ended) |
    /// | belongs to a store or issuer that cannot be asked | [`Unknown`](CredentialState::Unknown) |
    /// | cannot be checked again, see [`Authenticator::recheck`](super::Authenticator::recheck) | [`Valid`](CredentialState::Valid) |
    /// | is not there: a guest, or a principal that another guard set | [`Valid`](CredentialState::Valid) |
    ///
    /// In shadow mode it is always valid.
    ///
    /// ```
    /// use http::Request;
    /// use palisade_core::{AuthenticateLayer, CredentialState, SecurityContext, testing::TestAuthenticator};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (mut head, ()) = Request::new(()).into_parts();
    /// let guest = SecurityContext::find_or_create(&mut head);
    /// let layer = AuthenticateLayer::new(TestAuthenticator::new());
    /// assert_eq!(layer.recheck(&guest).await, CredentialState::Valid);
    /// # });
    /// ```
    pub async fn recheck(&self, cx: &SecurityContext) -> CredentialState {
        let (Some(before), Some(proof)) = (cx.principal(), cx.proof()) else {
            return CredentialState::Valid;
        };
        if self.mode == Mode::Shadow {
            return CredentialState::Valid;
        }
        let Some(reader) = self.find_reader(proof) else {
            return CredentialState::other_kind();
        };
        let Some(one) = self.shared.all.get(reader) else {
            return CredentialState::other_kind();
        };
        let now = cx.for_recheck();
        let Some(verdict) = one.authenticator.recheck(&now, &proof.credential) else {
            return CredentialState::Valid;
        };
        state_of(before, verdict.get().await)
    }

    /// Returns which authenticator reads the credential: the one that proved it, or one of a new
    /// configuration.
    fn find_reader(&self, proof: &Proof) -> Option<usize> {
        let mut all = self.shared.all.iter();
        let same = all.position(|one| one.info.id == proof.authenticator.id);
        same.or_else(|| select::reader_of_proven(&self.shared.all, proof))
    }
}

/// Returns what a second verification says about the first.
fn state_of(before: &Principal, again: Result<Principal, Box<Rejection>>) -> CredentialState {
    match again {
        Ok(who) if still_covers(&who, before) => CredentialState::Valid,
        Ok(_) => CredentialState::other_kind(),
        Err(rejection) if rejection.status().is_server_error() => CredentialState::Unknown,
        Err(rejection) => CredentialState::Ended(rejection.credential_failure()),
    }
}

/// Returns whether a principal is the same as before and may do all that it might before.
fn still_covers(now: &Principal, before: &Principal) -> bool {
    let same = (now.kind(), now.id(), now.owner()) == (before.kind(), before.id(), before.owner());
    same && before.scopes().all(|scope| now.has_scope(scope))
}
