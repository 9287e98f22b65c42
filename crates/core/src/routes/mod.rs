//! The table of routes: what each template and method demands. What is not in it is closed.

mod guards;
mod rule;
mod table;

pub use self::{
    guards::{AccessLayer, KnownLayer, RouteLayer},
    rule::{Access, BodyKind, Rule, TextField},
    table::{RouteError, RouteMatch, RouteTable, RouteTableBuilder},
};
