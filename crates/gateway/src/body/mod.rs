//! Bodies on their way: streamed, never collected, with bounds on time.
//!
//! [`SentBody`] goes to the upstream, [`UpstreamBody`] comes from it. Both drop trailers that are not on the list.
//!
//! | direction | type | may be changed on the way |
//! |---|---|---|
//! | client to upstream | [`SentBody`] | trailers that are not on the list are dropped |
//! | upstream to client | [`UpstreamBody`] | the same; the upstream's credential is masked, tools of an MCP server are hidden |
//!
//! Backpressure passes through: a part is read from one side when the other side has taken the last
//! one. So one request holds at most a few buffers, whatever its length.
//!
//! The length of a body is framed again in both directions (RFC 9112 section 6, RFC 9113 section 8.1).
//! No field of one side frames a message on the other side.

mod received;
mod sent;
mod progress;
mod mask;
mod trailers;
mod bounds;

pub use self::received::UpstreamBody;
pub(crate) use self::{
    bounds::Bounds, mask::Mask, progress::Progress, sent::SentBody, trailers::Trailers,
};
