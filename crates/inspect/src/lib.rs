//! Inspects requests with the rules of a web application firewall.
//!
//! It reads SecLang, the language of ModSecurity, and runs the OWASP Core Rule Set unchanged. Rules are not
//! included.
//!
//! | Task | Item |
//! |---|---|
//! | Inspect the requests of a service | [`InspectLayer`] |
//! | Except rules, fields and paths | [`Exclusion`], [`InspectLayerBuilder::skip_path`] |
//! | Inspect responses too | [`InspectLayerBuilder::response`] |
//! | Tell equal attacks apart from others, without their text | [`MatchedTextKey`] |
//! | Name what a person wrote | [`PersonText`] |
//! | Load a folder of rules | [`RuleSet::builder`] |
//! | See what did not load | [`RuleSet::report`] |
//! | Inspect a request and its response | [`RuleSet::inspect`] |
//! | Read the result | [`Verdict`] |
//!
//! # How a request is inspected
//!
//! 1. [`InspectLayer`] reads the body, up to a limit, and makes a [`RequestView`] of it.
//! 2. The names and values of the request are put into collections (`ARGS`, `REQUEST_HEADERS`).
//!    Bodies of forms, JSON, XML and multipart are parsed.
//! 3. The rules of phase 1 (head) and 2 (body) run in the order of their files. With a
//!    [`ResponseView`] also those of phase 3 and 4; those of phase 5 always.
//! 4. Each value is transformed as the rule says (`t:urlDecodeUni`), then its operator is asked
//!    (`@rx`).
//! 5. What matched is a [`Verdict`]. The layer records it and, if it enforces, refuses the
//!    request.
//!
//! Sections with the same names in the reference manual of ModSecurity v3 describe the parts:
//! "Processing Phases", "Variables", "Transformation functions", "Actions", "Operators".
//!
//! # Limits
//!
//! Every rule runs in a time that grows with the length of a value and no faster. A pattern with
//! look-around or a back-reference has no such bound, so its rule is not loaded and is named in the
//! [report](LoadReport). Collections that outlive a request (`IP`, `SESSION`), lists on the network and
//! scripts are not supported.
//!
//! # Examples
//!
//! ```
//! use palisade_inspect::{RequestView, RuleSet};
//!
//! let rules = RuleSet::parse(r#"
//!     SecRule ARGS "@detectSQLi" "id:1,phase:2,deny,tag:'attack-sqli'"
//! "#)?;
//! let attack = RequestView { target: b"/?q=1'%20OR%20'1'='1", ..RequestView::default() };
//! let verdict = rules.inspect(&attack, None);
//! assert_eq!(verdict.ids().collect::<Vec<_>>(), [1]);
//! assert!(verdict.is_refused());
//! # Ok::<(), palisade_inspect::InspectBuildError>(())
//! ```
//!
//! The Core Rule Set at a higher paranoia level:
//!
//! ```no_run
//! use palisade_inspect::RuleSet;
//!
//! let rules = RuleSet::builder("/etc/palisade/crs").paranoia(2).load()?;
//! for directive in &rules.report().not_loaded {
//!     eprintln!("{directive}");
//! }
//! # Ok::<(), palisade_inspect::InspectBuildError>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod layer;
mod rules;
mod engine;
mod verdict;
mod words;
mod body;
mod seclang;
mod operator;
mod variables;
mod transformation;
mod byte_set;
mod matched_text_key;
mod error;

pub use engine::{RequestView, ResponseView};
pub use error::InspectBuildError;
pub use layer::{InspectBody, InspectFuture, InspectLayer, InspectLayerBuilder, InspectService};
pub use matched_text_key::MatchedTextKey;
pub use rules::{Exclusion, LoadReport, NotLoaded, RuleSet, RuleSetBuilder};
pub use verdict::{RuleMatch, Verdict};
pub use words::PersonText;

// The examples of the README and of the page, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/how-to/inspect.md")]
mod book {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
