//! The route table: what each path template and method requires. A request without a rule is
//! refused.
//!
//! [`RouteTable`] is built at start. [`RouteLayer`](crate::RouteLayer) looks up the rule,
//! [`NotFoundLayer`](crate::NotFoundLayer) refuses unknown paths, and
//! [`AccessLayer`](crate::AccessLayer) checks the principal.

mod builder;
mod table;
mod rule;
mod priority;
mod text_field;
mod error;

pub use self::{
    builder::RouteTableBuilder,
    error::{RouteTableBuildError, TextFieldProblem},
    priority::Priority,
    rule::{Access, Rule},
    table::{RouteMatch, RouteTable},
    text_field::{BodyKind, TextField},
};
