//! The route table: what each path template and method requires. A request without a rule is
//! refused.
//!
//! [`RouteTable`] is built at start. [`RouteLayer`] looks up the rule, [`NotFoundLayer`] refuses
//! unknown paths, [`AccessLayer`] checks the principal.

mod guards;
mod rule;
mod table;

pub use self::{
    guards::{AccessLayer, NotFoundLayer, RouteLayer},
    rule::{Access, BodyKind, Rule, TextField},
    table::{RouteMatch, RouteTable, RouteTableBuildError, RouteTableBuilder},
};
