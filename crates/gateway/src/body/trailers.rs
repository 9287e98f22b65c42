//! Which trailers pass.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// The trailers of gRPC. Without them its clients cannot tell how a call ended.
const GRPC: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// The names of trailers that pass, in both directions. Default: those of gRPC.
///
/// Others are dropped: a recipient that merges trailers into the head would let them past everything
/// that was decided by the head (RFC 9110 section 6.5.1).
#[derive(Clone, Debug)]
pub(crate) struct Trailers(Arc<[HeaderName]>);

impl Default for Trailers {
    fn default() -> Self {
        Self(GRPC.into())
    }
}

impl Trailers {
    /// Lets these pass and no others.
    pub(crate) fn only(names: Vec<HeaderName>) -> Self {
        Self(names.into())
    }

    /// Keeps what may pass. `None` if nothing may.
    pub(super) fn keep(&self, mut trailers: HeaderMap) -> Option<HeaderMap> {
        let refused: Vec<HeaderName> = trailers
            .keys()
            .filter(|name| !self.0.contains(name))
            .cloned()
            .collect();
        for name in refused {
            trailers.remove(name);
        }
        (!trailers.is_empty()).then_some(trailers)
    }
}
