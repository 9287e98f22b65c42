//! Bodies on their way: streamed, never collected, with bounds on time.
//!
//! [`SentBody`] goes up, [`UpstreamBody`] comes down. Both drop trailers that are not on the list.

mod received;
mod sent;
mod progress;
mod mask;
mod trailers;

pub use self::received::UpstreamBody;
pub(crate) use self::{
    mask::Mask, progress::Progress, received::Bounds, sent::SentBody, trailers::Trailers,
};
