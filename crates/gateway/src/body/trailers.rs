//! Which trailers pass.
//!
//! Trailers are fields after a body (RFC 9110 section 6.5). Over HTTP/1.1 they follow the last chunk
//! (RFC 9112 section 7.1.2), over HTTP/2 they are a second block of fields (RFC 9113 section 8.1).
//!
//! A gateway that passed all of them would pass `Authorization` or `X-Forwarded-For` unseen: the stack
//! decides before the body is read.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// The trailers of gRPC. Without them its clients cannot tell how a call ended.
///
/// Status and message of a call come after its body, since a stream may fail in the middle.
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
    ///
    /// An empty list drops all trailers. The names are those of `trailers` in `[[upstreams]]`.
    pub(crate) fn allow_only(names: Vec<HeaderName>) -> Self {
        Self(names.into())
    }

    /// Keeps what may pass. `None` if nothing may.
    ///
    /// Several values of a name that passes are all kept, in their order.
    pub(super) fn keep_allowed(&self, mut trailers: HeaderMap) -> Option<HeaderMap> {
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
