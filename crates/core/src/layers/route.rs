//! The guard that looks up the rule of a request, first of all.

use std::sync::Arc;

use http::request;

use crate::{
    context::SecurityContext,
    guard::{Guard, Verdict},
    layer,
    routes::RouteTable,
};

/// Looks up the rule of a request, once, for all guards further in. Refuses nothing.
///
/// Read the result with [`SecurityContext::route`].
///
/// ```
/// use std::sync::Arc;
/// use palisade_core::{GuardLayer, NotFoundLayer, RouteLayer, RouteTable, Rule};
///
/// let table = RouteTable::builder()
///     .any("/speak", Rule::scope("tts:speak").limit("tts"))
///     .build()?;
/// let stack = GuardLayer((RouteLayer::new(Arc::new(table)), NotFoundLayer::new()));
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
///
/// It reads the path as the client sent it. A layer further in that rewrites the path, such as one that
/// removes a prefix, does not change the rule.
#[derive(Clone, Debug)]
#[must_use]
pub struct RouteLayer {
    table: Arc<RouteTable>,
}

layer!(RouteLayer);

impl RouteLayer {
    /// Uses a table. Clones of the layer share it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use palisade_core::{RouteLayer, RouteTable, Rule};
    ///
    /// let table = Arc::new(RouteTable::builder().any("/speak", Rule::authenticated()).build()?);
    /// // Two listeners, one table.
    /// let (public, internal) = (RouteLayer::new(Arc::clone(&table)), RouteLayer::new(table));
    /// # let _ = (public, internal);
    /// # Ok::<(), palisade_core::RouteTableBuildError>(())
    /// ```
    pub fn new(table: Arc<RouteTable>) -> Self {
        Self { table }
    }
}

impl Guard for RouteLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "route"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        cx.set_route(self.table.look_up(head));
        Verdict::Admit(())
    }
}
