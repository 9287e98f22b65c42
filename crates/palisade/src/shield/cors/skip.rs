//! Keeps guards of the application away from preflights.

use http::{request, response};
use palisade_core::{AnyGuard, Guard, Mode, Outcome, RouteMatch, SecurityContext, Verdict};

/// A guard that does not see preflights, to which the shield responds.
///
/// They carry no credential, so a guard that expects a principal would refuse them, and browsers
/// would not send the request itself.
pub(crate) struct SkipPreflight(pub(crate) AnyGuard);

impl Guard for SkipPreflight {
    type Pass = Option<<AnyGuard as Guard>::Pass>;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn mode(&self) -> Mode {
        self.0.mode()
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Self::Pass> {
        if matches!(cx.route(), Some(RouteMatch::Preflight)) {
            return Verdict::Admit(None);
        }
        match self.0.admit(cx, head) {
            Verdict::Admit(pass) => Verdict::Admit(Some(pass)),
            Verdict::Refuse(rejection) => Verdict::Refuse(rejection),
            Verdict::Later(decision) => Verdict::later(async { decision.await.map(Some) }),
        }
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Self::Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        match pass {
            None => Verdict::Admit(()),
            Some(pass) => self.0.finish(cx, pass, head),
        }
    }

    fn close(&self, cx: &SecurityContext, pass: Self::Pass, outcome: Outcome) {
        if let Some(pass) = pass {
            self.0.close(cx, pass, outcome);
        }
    }
}
