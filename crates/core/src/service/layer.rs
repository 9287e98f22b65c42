//! Tower layers made from guards.

use tower_layer::Layer;

use super::GuardService;
use crate::sequence::Guards;

/// Makes a tower layer of a custom guard, or of a sequence.
///
/// The guards are cloned for each service, which should cost one `Arc` each. For a type of your
/// crate, [`layer!`](crate::layer) makes the guard itself a layer.
///
/// ```
/// use palisade_core::{AccessLayer, GuardLayer, NotFoundLayer};
///
/// let layer = GuardLayer((NotFoundLayer::new(), AccessLayer::new([])));
/// # fn is_layer<S>(_: impl tower_layer::Layer<S>) {}
/// # is_layer::<()>(layer);
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // A wrapper, made to be written down.
pub struct GuardLayer<G>(pub G);

impl<G: Guards + Clone, S> Layer<S> for GuardLayer<G> {
    type Service = GuardService<G, S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService::new(self.0.clone(), inner)
    }
}

/// Implements [tower's `Layer`](crate::Layer) for a [`Guard`](crate::Guard), so that it can be passed to a
/// `ServiceBuilder`.
///
/// The type must be `Clone`. Orphan rules forbid one implementation for all guards, hence the
/// macro; [a wrapper](crate::GuardLayer) is the alternative.
///
/// ```
/// use http::request;
/// use palisade_core::{Guard, SecurityContext, Verdict, layer, testing::EmptyOk};
/// use tower::ServiceBuilder;
///
/// /// Removes a header that only a proxy may set.
/// #[derive(Clone, Debug)]
/// struct StripInternalHeader;
///
/// impl Guard for StripInternalHeader {
///     type Pass = ();
///     fn name(&self) -> &'static str { "strip_internal_header" }
///     fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
///         head.headers.remove("x-internal-user");
///         Verdict::Admit(())
///     }
/// }
/// layer!(StripInternalHeader);
///
/// let service = ServiceBuilder::new().layer(StripInternalHeader).service(EmptyOk::default());
/// ```
#[macro_export]
macro_rules! layer {
    ($guard:ty) => {
        impl<S> $crate::Layer<S> for $guard {
            type Service = $crate::GuardService<$guard, S>;

            fn layer(&self, inner: S) -> Self::Service {
                $crate::GuardService::new(::core::clone::Clone::clone(self), inner)
            }
        }
    };
}
