//! Runs rules on requests and responses.
//!
//! `plan` has the rules as they run, made once by [`prepare`]. For each request there is one
//! [`Inspection`]. It fills the collections (`values`), whose texts are stored once (`texts`),
//! runs the rules phase by phase, and keeps the variables that they set (`tx`).
//!
//! Most work is avoided in four ways. A text that two rules transform alike is transformed once
//! (`transformations`). A rule is left out for a text that lacks a byte or a literal that its
//! pattern needs (`filter`). It is left out for all values of a target at once where none of them
//! has it (`columns`). A transformation that cannot change a text is not run.
//!
//! # Bounds
//!
//! A client chooses how many values there are and how often they match. All that is kept for one
//! request has a bound:
//!
//! | State | Bound | Beyond it |
//! |---|---|---|
//! | parameters of the query, cookies, parameters of a body, parts, attributes | 1,000 each | the rest is one value |
//! | depth of JSON | 512 | the rest is one value |
//! | depth of XML | a counter, no stack | |
//! | texts, with all that transformations make of them | 32 MiB | the verdict is incomplete |
//! | variables in `TX`, with captured groups | 8 MiB | the verdict is incomplete |
//! | variables whose names are made from the request | 4,096 | the verdict is incomplete |
//! | values that a rule matched, for `MATCHED_VARS` | 4,096 | the verdict is incomplete |
//! | what `ctl` switched off | each `ctl` of the rules once | |
//! | rules in the verdict | each once | |
//! | bytes that rules read, again and again | 256 times the longest body | the verdict is incomplete |
//!
//! An incomplete verdict refuses: a request that was not inspected to its end is not clean.
//!
//! Rules for code that read a person's text decide nothing. They have as much work again for
//! themselves, and where that ends only they do.
//!
//! All of this is a function of the rules and the request: no clock, no network, no file. Only
//! `UNIQUE_ID` differs from run to run.

mod inspection;
mod values;
mod texts;
mod tx;
mod plan;
mod filter;
mod columns;
mod transformations;
mod unique;
mod budget;
mod view;

pub use self::view::{RequestView, ResponseView};
pub(crate) use self::{
    inspection::{Inspection, Settings},
    plan::{Plan, prepare},
};
