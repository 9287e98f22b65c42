//! Layers out of guards.

use tower_layer::Layer;

use super::GuardService;
use crate::Guards;

/// Makes a tower layer of a guard of one's own, or of a sequence.
///
/// ```
/// use palisade_core::{AccessLayer, Chain, GuardLayer, KnownLayer};
///
/// let layer = GuardLayer(Chain(KnownLayer::new(), AccessLayer::new([])));
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

/// Writes `impl<S> Layer<S>` for a type that is a [`Guard`](crate::Guard), so that it goes straight
/// into a `ServiceBuilder`. (The orphan rule forbids to do this once for all.)
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
