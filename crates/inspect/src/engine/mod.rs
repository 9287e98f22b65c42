//! Runs rules on requests and responses.
//!
//! `plan` has the rules as they run, made once by [`prepare`]. For each request there is one
//! [`Inspection`]. It fills the collections (`values`), whose texts are stored once (`texts`),
//! runs the rules phase by phase, and keeps the variables that they set (`tx`).
//!
//! Most work is avoided in three ways. A text that two rules transform alike is transformed once
//! (`transformations`). A rule is left out for a text that lacks a byte or a literal that its
//! pattern needs (`filter`). A transformation that cannot change a text is not run.
//!
//! All of this is a function of the rules and the request: no clock, no network, no file. Only
//! `UNIQUE_ID` differs from run to run.

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
