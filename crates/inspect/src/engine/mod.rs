//! Runs rules on requests and responses.

mod inspection;
mod values;
mod texts;
mod tx;
mod plan;
mod filter;
mod transformations;
mod unique;
mod view;

pub use self::view::{RequestView, ResponseView};
pub(crate) use self::{
    inspection::{Inspection, Settings},
    plan::{Plan, prepare},
};
