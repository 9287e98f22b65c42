//! SecLang, the language in which rules for web application firewalls are written.
//!
//! A file is split into directives ([`lines`]), the directives into rules ([`rule`]), targets,
//! actions and texts with references. Nothing here looks at a request.

mod rule;
mod action;
mod target;
mod lines;

pub(crate) use self::{
    action::{Action, Actions, Change, Control, Disruption, EngineMode, VarName, range},
    lines::{Directive, directives},
    rule::{Link, Rule, RuleHead, parse_link},
    target::{Selector, Target, parse as parse_targets},
};
