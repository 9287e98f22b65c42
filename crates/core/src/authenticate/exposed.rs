//! Credentials that were sent in clear.

use std::borrow::Cow;

use http::request;

use super::{
    AuthenticateLayer,
    find::{self, Found, Shown},
};
use crate::{Fact, SecurityContext};

impl AuthenticateLayer {
    /// Records the credentials of a request that was sent in clear and will be refused, and takes out the
    /// one that can be read. Returns whether there were any. For guards outside this layer.
    ///
    /// What cannot be read, and more than one, is recorded as a credential without an id.
    #[must_use]
    pub fn record_exposed(&self, cx: &SecurityContext, head: &mut request::Parts) -> bool {
        let (kind, id) = match find::find(&self.shared.all, head) {
            Ok(Shown::Nothing) => return false,
            Ok(Shown::One(found)) => self.exposed(cx, head, found),
            Ok(Shown::Foreign) => ("authorization", None),
            Err(_) => ("credential", None),
        };
        let kind = Cow::Borrowed(kind);
        cx.record(Fact::CredentialExposed { kind, id });
        true
    }

    fn exposed(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        found: Found,
    ) -> (&'static str, Option<Box<str>>) {
        let Some(one) = self.shared.all.get(found.reader) else {
            return ("credential", None);
        };
        let credential = find::take(one, found.place, head);
        (one.kind, one.authenticator.exposed(cx, &credential))
    }
}
