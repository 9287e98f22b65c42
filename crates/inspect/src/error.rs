//! Errors of the configuration.
//!
//! All of them are found while a rule set or a layer is built. Serving never returns one: a
//! request that cannot be inspected is refused with a status, and what a rule finds is a verdict.
//!
//! The texts name the file, key or value that is wrong and what to write instead. They hold parts
//! of the configuration but nothing of a request, so they may be logged.

use std::fmt;
use std::path::PathBuf;

/// Why rules or a layer cannot be built.
///
/// It is an error for the operator, returned at start-up or by a reload. The variants are sorted
/// by name. More may follow, so a `match` needs an arm for the rest.
///
/// A single directive that does not load is not an error of
/// [`RuleSet::parse`](crate::RuleSet::parse) or
/// [`RuleSetBuilder::load`](crate::RuleSetBuilder::load): it is in the
/// [report](crate::RuleSet::report). It becomes [`NotLoaded`](Self::NotLoaded) only in a layer,
/// because a layer that lacks a rule protects less than its owner believes.
///
/// ```
/// use palisade_inspect::{InspectBuildError, RuleSet};
///
/// let wrong = RuleSet::builder("/nowhere").paranoia(5).load();
/// assert_eq!(wrong.err(), Some(InspectBuildError::Paranoia(5)));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InspectBuildError {
    /// An exclusion has a character that is syntax of rules.
    ///
    /// The text is the exclusion as `Debug` prints it. Quotes, commas, semicolons, backslashes,
    /// `%` and line ends are refused in the tag, the path and the target: an exclusion is written
    /// into a directive, and such a character could end its place there and add an action.
    Exclusion(String),
    /// The name of a field is empty, or a pointer with a wrong escape.
    ///
    /// The text is the field as it was given to [`PersonText::field`](crate::PersonText::field).
    /// In a JSON pointer (RFC 6901) `~` must be followed by `0` or `1`. An empty step, as in
    /// `/a//b`, is refused too.
    Field(String),
    /// A folder or a file of rules cannot be used.
    ///
    /// A missing `plugins` folder or a missing setup is no error; both are optional. A folder
    /// without any rule is one.
    Folder {
        /// The folder or file.
        ///
        /// It is as it was configured: a relative path stays relative.
        path: PathBuf,
        /// Why.
        ///
        /// It is the text of the operating system, or that the folder has no rules.
        reason: String,
    },
    /// The key for codes of matched texts cannot be used.
    ///
    /// The text names the file or the variable, or says that the key is too weak. It holds nothing
    /// of the key.
    MatchedTextKey(String),
    /// Rules of the layer do not load.
    ///
    /// Use
    /// [`dangerously_accept_rules_not_loaded`](crate::InspectLayerBuilder::dangerously_accept_rules_not_loaded)
    /// to run with the others. To see all of them, load the folder with
    /// [`RuleSet::builder`](crate::RuleSet::builder) and print the report.
    NotLoaded {
        /// The first of them, with file, line and reason.
        ///
        /// It is written as [`NotLoaded`](crate::NotLoaded) displays itself.
        first: String,
        /// How many there are.
        count: usize,
    },
    /// The paranoia level is not 1 to 4.
    ///
    /// The number is the one that was given. The Core Rule Set defines four levels.
    Paranoia(u8),
    /// A paranoia level was set, but no folder of rules.
    ///
    /// The rules that are shipped have one level, so the setting would do nothing.
    ParanoiaWithoutRules,
    /// The rules cannot be prepared.
    ///
    /// It happens when the search automaton over the literals of all rules gets too large. The
    /// Core Rule Set is below that limit.
    Rules(String),
}

impl fmt::Display for InspectBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exclusion(exclusion) => {
                write!(
                    f,
                    "{exclusion}: quotes, commas and line ends cannot stand in an exclusion"
                )
            }
            Self::Field(field) => {
                write!(
                    f,
                    "`{field}` is no field; use a name or a JSON pointer (RFC 6901)"
                )
            }
            Self::MatchedTextKey(reason) => write!(f, "the key for matched texts: {reason}"),
            Self::NotLoaded { first, count } => {
                write!(f, "{count} directives do not load; the first is {first}")
            }
            Self::Folder { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Paranoia(level) => write!(f, "paranoia: {level} is out of range; use 1 to 4"),
            Self::ParanoiaWithoutRules => f.write_str(
                "paranoia: the rules that are shipped have one level; set a folder of rules or remove it",
            ),
            Self::Rules(reason) => write!(f, "the rules cannot be prepared: {reason}"),
        }
    }
}

impl std::error::Error for InspectBuildError {}
