//! Completes the challenges of refusals: where a client finds the authorization server, and which
//! scopes it should ask for.

use std::{fmt, sync::Arc};

use http::{
    HeaderValue,
    header::{Entry, WWW_AUTHENTICATE},
    request, response,
};
use palisade_core::{Access, Guard, SecurityContext, Verdict, layer};

use super::{Resource, find};
use crate::claims::is_scope;

/// Adds `resource_metadata` (RFC 9728 section 5.1) and the wanted `scope` (RFC 6750 section 3) to
/// the `Bearer` and `DPoP` challenges of refusals. Made by
/// [`ResourceServer::challenges`](super::ResourceServer::challenges).
///
/// It refuses nothing. It stands outside authentication and access, so that it completes the
/// refusals of both. Responses of handlers are left as they are.
///
/// The scopes are those of the rule of the route, or else
/// [`ResourceServerBuilder::initial_scopes`](super::ResourceServerBuilder::initial_scopes).
#[derive(Clone)]
#[must_use]
pub struct ResourceChallenges(pub(super) Arc<[Resource]>);

layer!(ResourceChallenges);

impl Guard for ResourceChallenges {
    /// The index of the resource that the path belongs to.
    type Pass = Option<usize>;

    fn name(&self) -> &'static str {
        "resource_challenges"
    }

    fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<Option<usize>> {
        Verdict::Admit(find(&self.0, head.uri.path()))
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Option<usize>,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let resource = pass.and_then(|index| self.0.get(index));
        if let Some(resource) = resource
            && cx.refusal().is_some()
            && let Entry::Occupied(mut challenges) = head.headers.entry(WWW_AUTHENTICATE)
        {
            for challenge in challenges.iter_mut() {
                if let Some(complete) = complete(challenge, resource, cx) {
                    *challenge = complete;
                }
            }
        }
        Verdict::Admit(())
    }
}

/// Returns a challenge for tokens with what it lacks. `None` for challenges of other schemes, and for
/// one that is complete.
fn complete(
    challenge: &HeaderValue,
    resource: &Resource,
    cx: &SecurityContext,
) -> Option<HeaderValue> {
    let text = challenge.to_str().ok()?;
    let (scheme, parameters) = text.split_once(' ').unwrap_or((text, ""));
    let ours = ["Bearer", "DPoP"];
    let is_ours = ours.iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
    if !is_ours || parameters.contains("resource_metadata=") {
        return None;
    }
    let mut complete = text.to_owned();
    let mut add = |parameter: &str| {
        complete.push_str(if complete.contains(' ') { ", " } else { " " });
        complete.push_str(parameter);
    };
    add(&resource.metadata_parameter);
    // A malformed request is not cured by another token.
    let is_malformed = parameters.contains("error=\"invalid_request\"");
    if !parameters.contains("scope=")
        && !is_malformed
        && let Some(scopes) = wanted_scopes(resource, cx)
    {
        add(&scopes);
    }
    HeaderValue::try_from(complete).ok()
}

/// Writes the scopes that a token should have. `None` if there are none, or if one could end the
/// quotes.
fn wanted_scopes(resource: &Resource, cx: &SecurityContext) -> Option<String> {
    let scopes: &[Box<str>] = match cx.rule().map(palisade_core::Rule::access) {
        Some(Access::Scopes(scopes)) if !scopes.is_empty() => scopes,
        _ => &resource.initial_scopes,
    };
    let quotable = !scopes.is_empty() && scopes.iter().all(|scope| is_scope(scope));
    quotable.then(|| format!("scope=\"{}\"", scopes.join(" ")))
}

impl fmt::Debug for ResourceChallenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uris = self.0.iter().map(|resource| resource.uri.as_str());
        f.debug_list().entries(uris).finish()
    }
}
