//! SecLang, the language in which rules for web application firewalls are written.
//!
//! A file is split into directives ([`lines`]), the directives into rules ([`rule`]), targets,
//! actions and texts with references. Nothing here looks at a request.
//!
//! The reference is the manual of ModSecurity v3, in particular "Configuration Directives",
//! "Variables", "Transformation functions", "Actions" and "Operators". What is written here
//! follows the subset that the Core Rule Set needs. All else is an error with a reason, never
//! silently accepted as something weaker, unless it concerns logs or a server's own settings.
//!
//! Parsing happens once, when rules are loaded. Each error is a `String` for the operator; the
//! loader adds file, line and id.

mod rule;
mod action;
mod target;
mod lines;

pub(crate) use self::{
    action::{
        Action, Actions, AllowUntil, Change, Control, Disruption, EngineMode, VarName, parse_range,
    },
    lines::{Directive, directives},
    rule::{Link, Rule, RuleHead, parse_link},
    target::{Selector, Target, parse as parse_targets},
};
