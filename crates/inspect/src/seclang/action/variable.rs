//! `setvar`: variables that a rule sets.
//!
//! Only the collection `TX` can be set. It lasts for one request, so nothing is kept between
//! requests. A rule that sets a variable of a collection that is kept in ModSecurity runs without that
//! action.

use super::Action;
use crate::variables::{Collection, MacroText, TxNames};

/// The name of a transaction variable.
///
/// Most rules have a fixed name, which costs an index at run time in place of a search.
#[derive(Clone, Debug)]
pub(crate) enum VarName {
    /// Known when the rules are loaded.
    ///
    /// The number is that of [`TxNames`].
    Known(usize),
    /// Completed for each request.
    ///
    /// For example `tx.seen_%{matched_var_name}`.
    Dynamic(MacroText),
}

/// What `setvar` does with the variable.
///
/// Sums are kept within 64 bits; they stop at the largest number and never wrap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// `=+5`
    ///
    /// A variable that is not set counts as 0, and so does a text that is no number.
    Add,
    /// `=5`
    ///
    /// Without `=` the value is `1`.
    Set,
    /// `=-5`
    Subtract,
    /// `!tx.a`
    ///
    /// Afterwards `&TX:a` is 0.
    Unset,
}
/// The collections that ModSecurity keeps between requests.
const KEPT: [&str; 5] = ["global", "ip", "resource", "session", "user"];

/// Why a `setvar` is left out, if it sets a variable that outlives a request.
pub(super) fn left_out(value: &str) -> Option<String> {
    let name = value.trim_start_matches('!');
    let (collection, _) = name.split_once(['.', ':'])?;
    let collection = collection.to_ascii_lowercase();
    KEPT.contains(&collection.as_str()).then(|| {
        format!(
            "setvar: the collection {collection} is not kept; the rule runs without this action"
        )
    })
}

/// Reads `tx.name=+5`, `!tx.name` or `tx.name`.
///
/// # Errors
///
/// Another collection than TX, or a reference that cannot be read.
pub(super) fn set_variable(value: &str, names: &mut TxNames) -> Result<Action, String> {
    let (unset, value) = value
        .strip_prefix('!')
        .map_or((false, value), |rest| (true, rest));
    let (name, text) = value.split_once('=').unwrap_or((value, "1"));
    let (collection, name) = name.split_once(['.', ':']).unwrap_or((name, ""));
    if Collection::parse(collection) != Some(Collection::Tx) {
        return Err(format!(
            "setvar: the collection {collection} cannot be set; only tx can"
        ));
    }
    let (change, text) = match text.as_bytes().first() {
        _ if unset => (Change::Unset, ""),
        Some(b'+') => (Change::Add, text.get(1..).unwrap_or_default()),
        Some(b'-') => (Change::Subtract, text.get(1..).unwrap_or_default()),
        _ => (Change::Set, text),
    };
    let name = if name.contains("%{") {
        VarName::Dynamic(MacroText::parse(&name.to_ascii_lowercase(), names)?)
    } else {
        VarName::Known(names.intern(name))
    };
    Ok(Action::Set(name, change, MacroText::parse(text, names)?))
}
