//! How services that are not guards refuse.

use http::Response;

use super::body::{GuardBody, refusal};
use crate::{context::SecurityContext, rejection::Rejection};

/// Refuses as a guard would: in the same form, and recorded in the audit trail.
///
/// For services that are not guards because they read the body. `guard` is the name in the audit
/// record. The request counts as [refused before the handler](SecurityContext::refused_before_handler). In shadow, call
/// [`SecurityContext::would_refuse`] in place of this.
#[must_use]
pub fn refuse<B>(
    cx: &SecurityContext,
    guard: &'static str,
    mut rejection: Rejection,
) -> Response<GuardBody<B>> {
    cx.refuse(guard, &mut rejection);
    cx.mark_refused_before_handler();
    refusal(cx.render(rejection))
}
