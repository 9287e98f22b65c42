//! The guard that refuses paths without a rule, before any credential is read.

use std::{fmt, sync::Arc};

use http::request;

use crate::{
    context::SecurityContext,
    guard::{Guard, Mode, Verdict},
    layer,
    rejection::Rejection,
    routes::RouteMatch,
};

/// Refuses requests that the table has no rule for: 404, or 405 with `Allow`.
///
/// Place it inside [`RouteLayer`](crate::RouteLayer) and the limit by address, and outside authentication. Scanners
/// then cost little and learn nothing. Without a `RouteLayer` outside it responds 500
/// `misconfigured`.
///
/// A path without a rule and a path without a handler get the same response. Its private reason in
/// the audit trail is `route_without_rule`.
///
/// ```
/// use std::sync::Arc;
/// use palisade_core::{GuardLayer, NotFoundLayer, RouteLayer, RouteTable, Rule};
///
/// let table = RouteTable::builder().any("/health", Rule::public()).build()?;
/// let layer = GuardLayer((RouteLayer::new(Arc::new(table)), NotFoundLayer::new()));
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
///
/// What a scanner sees of a path without a rule:
///
/// ```
/// use std::sync::Arc;
/// use http::StatusCode;
/// use palisade_core::{
///     GuardLayer, NotFoundLayer, RouteLayer, RouteTable, Rule,
///     testing::{EmptyOk, empty_body, request},
/// };
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let table = RouteTable::builder().any("/health", Rule::public()).build()?;
/// let stack = GuardLayer((RouteLayer::new(Arc::new(table)), NotFoundLayer::new()));
/// let scan = request("https://api.example/wp-login.php").body(empty_body())?;
/// let response = stack.layer(EmptyOk::default()).oneshot(scan).await?;
/// assert_eq!(response.status(), StatusCode::NOT_FOUND);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct NotFoundLayer {
    not_found: Arc<Rejection>,
    mode: Mode,
}

layer!(NotFoundLayer);

impl NotFoundLayer {
    /// Makes the guard. It needs a [`RouteLayer`](crate::RouteLayer) outside it.
    pub fn new() -> Self {
        Self {
            not_found: Arc::new(
                Rejection::not_found()
                    .prerendered()
                    .with_reason("route_without_rule"),
            ),
            mode: Mode::Enforce,
        }
    }

    /// Starts to configure the guard.
    pub const fn builder() -> NotFoundLayerBuilder {
        NotFoundLayerBuilder {
            mode: Mode::Enforce,
        }
    }
}

/// Configures a [`NotFoundLayer`]. Returned by [`NotFoundLayer::builder`].
///
/// ```
/// use palisade_core::{Guard, Mode, NotFoundLayer};
///
/// let layer = NotFoundLayer::builder().dangerously_only_shadow().build();
/// assert_eq!(layer.mode(), Mode::Shadow);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NotFoundLayerBuilder {
    mode: Mode,
}

impl NotFoundLayerBuilder {
    /// Records what would be refused and lets it pass. Default: off. Use it only while rolling out
    /// a table.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Builds the layer, with its refusal rendered.
    pub fn build(self) -> NotFoundLayer {
        NotFoundLayer {
            mode: self.mode,
            ..NotFoundLayer::new()
        }
    }
}

impl Default for NotFoundLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for NotFoundLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotFoundLayer")
    }
}

impl Guard for NotFoundLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "not_found"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        match cx.route() {
            Some(RouteMatch::Found(_) | RouteMatch::Preflight) => Verdict::Admit(()),
            Some(RouteMatch::MethodNotAllowed(rejection)) => Rejection::clone(rejection).into(),
            Some(RouteMatch::NotFound) => Rejection::clone(&self.not_found).into(),
            None => Rejection::misconfigured("NotFoundLayer needs RouteLayer outside it").into(),
        }
    }
}
