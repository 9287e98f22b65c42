//! The guard that chooses the form of refusals.

use std::sync::Arc;

use http::request;

use crate::{
    context::SecurityContext,
    guard::{Guard, Verdict},
    layer,
    rejection::Renderer,
};

/// Sets the renderer for every refusal of the stack. Place it outermost; requests refused by guards
/// outside it have the default form,
/// [`ProblemJson`](crate::ProblemJson).
///
/// ```
/// use palisade_core::{PlainText, RenderLayer};
///
/// let layer = RenderLayer::new(PlainText::default()).expose_rejection();
/// ```
///
/// The default form needs no layer. A custom one implements [`Renderer`]. If it panics, the response is
/// lost, unless the service [catches panics](crate::GuardService::catch_panics).
#[derive(Clone, Debug)]
#[must_use]
pub struct RenderLayer {
    renderer: Arc<dyn Renderer>,
    expose: bool,
}

layer!(RenderLayer);

impl RenderLayer {
    /// Uses [`PlainText`](crate::PlainText), [`EmptyBody`](crate::EmptyBody) or a custom renderer.
    pub fn new(renderer: impl Renderer) -> Self {
        Self {
            renderer: Arc::new(renderer),
            expose: false,
        }
    }

    /// Also puts each [`Rejection`](crate::Rejection) into the extensions of its response, for other layers outside.
    ///
    /// Default: off. It costs allocations for each refusal, which are many under attack.
    pub fn expose_rejection(mut self) -> Self {
        self.expose = true;
        self
    }
}

impl Guard for RenderLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "render"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        cx.render_with(Arc::clone(&self.renderer), self.expose);
        Verdict::Admit(())
    }
}
