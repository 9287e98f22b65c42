//! The guards that come with the core, in the order in which a stack has them.

mod request_id;
mod trace;
mod render;
mod route;
mod not_found;
mod access;

pub use self::{
    access::{AccessLayer, AccessLayerBuilder},
    not_found::{NotFoundLayer, NotFoundLayerBuilder},
    render::{RenderLayer, RenderLayerBuilder},
    request_id::{RequestIdLayer, RequestIdLayerBuilder},
    route::RouteLayer,
    trace::{TraceLayer, TraceLayerBuilder},
};
