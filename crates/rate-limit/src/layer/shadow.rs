//! Policies in shadow beside policies that refuse.
//!
//! They are a layer of their own inside the other one: all policies of a layer are decided together, and one that would
//! refuse must not keep the others from charging.

use http::request;
use palisade_core::{Guard as _, SecurityContext, Verdict};

use super::{ConfiguredLimit, RateLimitLayer, settle::ChargedRequest};

impl RateLimitLayer {
    /// Charges a request to the policies in shadow, and records what they would refuse. The verdict stays.
    pub(super) fn watch(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        verdict: Verdict<ChargedRequest>,
    ) -> Verdict<ChargedRequest> {
        let watched = self.admit(cx, head);
        match (verdict, watched) {
            (Verdict::Refuse(rejection), _) => Verdict::Refuse(rejection),
            (Verdict::Admit(pass), Verdict::Admit(own)) => Verdict::Admit(pass.with_shadow(own)),
            (Verdict::Admit(pass), Verdict::Refuse(rejection)) => {
                cx.would_refuse(self.name(), &rejection);
                Verdict::Admit(pass)
            }
            (verdict, watched) => {
                let (cx, name) = (cx.clone(), self.name());
                Verdict::later(async move {
                    let pass = verdict.get().await?;
                    Ok(match watched.get().await {
                        Ok(own) => pass.with_shadow(own),
                        Err(rejection) => {
                            cx.would_refuse(name, &rejection);
                            pass
                        }
                    })
                })
            }
        }
    }

    /// Returns all limits: those that refuse, and those in shadow.
    pub(super) fn limits_with_shadow(&self) -> impl Iterator<Item = &ConfiguredLimit> {
        let shadow = self.0.shadow.iter().flat_map(|shadow| &shadow.0.limits);
        self.0.limits.iter().chain(shadow)
    }
}
