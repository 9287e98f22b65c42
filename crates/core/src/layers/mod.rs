//! The guards that come with the core, in the order in which a stack has them.

mod request_id;
mod render;
mod route;
mod not_found;
mod access;

pub use self::{
    access::{AccessLayer, AccessLayerBuilder},
    not_found::{NotFoundLayer, NotFoundLayerBuilder},
    render::RenderLayer,
    request_id::RequestIdLayer,
    route::RouteLayer,
};
