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
/// let text = RenderLayer::new(PlainText::default());
/// let exposed = RenderLayer::builder(PlainText::default()).expose_rejection().build();
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
    /// Uses [`PlainText`](crate::PlainText), [`EmptyBody`](crate::EmptyBody) or a custom renderer. The
    /// same as `builder(renderer).build()`.
    pub fn new(renderer: impl Renderer) -> Self {
        Self::builder(renderer).build()
    }

    /// Starts to configure the guard. The renderer is that of [`new`](Self::new).
    ///
    /// ```
    /// use palisade_core::{Guard, ProblemJson, RenderLayer};
    ///
    /// let layer = RenderLayer::builder(ProblemJson::default()).expose_rejection().build();
    /// assert_eq!(layer.name(), "render");
    /// ```
    pub fn builder(renderer: impl Renderer) -> RenderLayerBuilder {
        RenderLayerBuilder {
            layer: Self {
                renderer: Arc::new(renderer),
                expose: false,
            },
        }
    }
}

/// Configures a [`RenderLayer`]. Made by [`RenderLayer::builder`].
///
/// Default: the rejection is not put into the response.
///
/// ```
/// use palisade_core::{EmptyBody, RenderLayer};
///
/// // A layer outside the guards reads `Rejection` from the extensions of the response.
/// let layer = RenderLayer::builder(EmptyBody::default()).expose_rejection().build();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RenderLayerBuilder {
    layer: RenderLayer,
}

impl RenderLayerBuilder {
    /// Also puts each [`Rejection`](crate::Rejection) into the extensions of its response, for other layers outside.
    ///
    /// Default: off. It costs allocations for each refusal, which are many under attack.
    pub fn expose_rejection(mut self) -> Self {
        self.layer.expose = true;
        self
    }

    /// Builds the layer.
    pub fn build(self) -> RenderLayer {
        self.layer
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
