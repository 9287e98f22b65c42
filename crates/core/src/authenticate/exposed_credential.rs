//! Credentials that were sent without TLS.

use std::borrow::Cow;

use http::request;

use super::{
    layer::AuthenticateLayer,
    select::{self, FoundCredential, SelectedCredential},
};
use crate::context::{Fact, SecurityContext};

impl AuthenticateLayer {
    /// Records the credentials of a request that came without TLS and will be refused. Returns
    /// whether there were any.
    ///
    /// For guards outside this layer, such as the one that requires TLS. It removes the credential
    /// that can be read and calls [`Authenticator::on_exposed`](super::Authenticator::on_exposed), which
    /// may revoke it. A credential that cannot be read, or more than one, is recorded without an
    /// id.
    #[must_use]
    pub fn record_exposed(&self, cx: &SecurityContext, head: &mut request::Parts) -> bool {
        let (kind, id) = match select::select_credential(&self.shared.all, head) {
            Ok(FoundCredential::None) => return false,
            Ok(FoundCredential::One(found)) => self.take_exposed(cx, head, found),
            Ok(FoundCredential::Unread) => ("authorization", None),
            Err(_) => ("credential", None),
        };
        let kind = Cow::Borrowed(kind);
        cx.record(Fact::CredentialExposed { kind, id });
        true
    }

    /// Removes the credential and returns its kind and its public id.
    fn take_exposed(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        found: SelectedCredential,
    ) -> (&'static str, Option<Box<str>>) {
        let Some(one) = self.shared.all.get(found.reader) else {
            return ("credential", None);
        };
        let credential = select::take(one, found.place, head);
        (one.info.kind, one.authenticator.on_exposed(cx, &credential))
    }
}
