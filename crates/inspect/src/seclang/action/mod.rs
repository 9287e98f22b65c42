//! The actions of a rule: `id:1,phase:2,block,t:none,setvar:'tx.score=+5'`.
//!
//! "Actions" in the reference manual has five kinds. Here they become: data of the head (`id`,
//! `phase`, `tag`, `severity`, `msg`), a [`Disruption`], flow (`chain`, `skip`, `skipAfter`),
//! settings of the link (`t`, `capture`, `multiMatch`), and [`Action`]s that run at a match
//! (`setvar`, `ctl`).
//!
//! Actions that write logs, set the environment of a server or expire variables are accepted and
//! do nothing. Actions that run programs (`exec`) are refused when the rule is loaded.

mod decision;
mod control;
mod variable;
mod words;

use self::{
    control::control,
    variable::{left_out, set_variable},
    words::{number, phase, severity},
};
pub(crate) use self::{
    control::{Control, EngineMode, parse_range},
    decision::{AllowUntil, Disruption},
    variable::{Change, VarName},
};
use crate::transformation::Transformation;
use crate::variables::{MacroText, TxNames};

/// An action that runs at each match, or changes how the request is inspected.
///
/// It runs for each value that matches, so `setvar:tx.a=+1` counts matching values.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// `setvar`.
    ///
    /// The name, what is done and the text after `=`.
    Set(VarName, Change, MacroText),
    /// `ctl`.
    Control(Control),
}

impl Action {
    /// Whether it reads what the rule has matched.
    pub(crate) fn reads_matched(&self) -> bool {
        let Self::Set(name, _, text) = self else {
            return false;
        };
        let in_name = match name {
            VarName::Known(_) => false,
            VarName::Dynamic(name) => name.reads_matched(),
        };
        in_name || text.reads_matched()
    }
}

/// All actions of one rule, sorted by kind.
///
/// If an action occurs twice, the last one counts; tags, transformations and actions to run add
/// up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions {
    /// Missing in the links of a chain after the first.
    pub(crate) id: Option<u64>,
    /// `None` means 2.
    pub(crate) phase: Option<u8>,
    /// Another link follows.
    pub(crate) chain: bool,
    /// Keep the groups of the match.
    pub(crate) capture: bool,
    /// Ask after each transformation.
    pub(crate) multi_match: bool,
    /// `None` means yes.
    pub(crate) log: Option<bool>,
    /// `None` means `block`.
    pub(crate) disruption: Option<Disruption>,
    /// 0 to 7.
    pub(crate) severity: Option<u8>,
    /// As written, with its macros.
    pub(crate) message: String,
    /// As written, with their macros.
    pub(crate) tags: Vec<String>,
    /// The name of a marker.
    pub(crate) skip_after: Option<String>,
    /// A number of rules.
    pub(crate) skip: usize,
    /// In the order in which they run. `t:none` removes those before it. Those of
    /// `SecDefaultAction` are never inherited.
    pub(crate) transformations: Vec<Transformation>,
    /// `setvar` and `ctl`, in their order.
    pub(crate) run: Vec<Action>,
    /// Why an action is left out, for the report.
    pub(crate) left_out: Vec<String>,
}

/// Reads a list of actions.
///
/// One wrong action makes the whole list an error: a rule without it could match more, or decide
/// something else.
///
/// # Errors
///
/// The reason as text: an action that is unknown or not supported, or a wrong value.
pub(crate) fn parse(text: &str, names: &mut TxNames) -> Result<Actions, String> {
    let mut actions = Actions::default();
    for (name, value) in split_actions(text) {
        add_action(&mut actions, &name, value.trim(), names)?;
    }
    Ok(actions)
}

/// Splits `name:value,name,…`; a value may stand in single quotes.
///
/// Commas inside the quotes belong to the value, and `\'` is a quote in it. Values are not
/// unquoted further.
fn split_actions(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut item = String::new();
    let (mut inside, mut escaped) = (false, false);
    for character in text.chars() {
        match character {
            '\'' if escaped => {
                item.pop();
                item.push('\'');
            }
            '\'' => inside = !inside,
            ',' if !inside => found.extend(split_pair(&std::mem::take(&mut item))),
            _ => item.push(character),
        }
        escaped = character == '\\' && !escaped;
    }
    found.extend(split_pair(&item));
    found
}

/// Splits one action at its colon. `None` if it is blank.
///
/// The name is made lower case.
fn split_pair(item: &str) -> Option<(String, String)> {
    let item = item.trim();
    let (name, value) = item.split_once(':').unwrap_or((item, ""));
    (!name.is_empty()).then(|| (name.trim().to_ascii_lowercase(), value.to_owned()))
}

/// Adds one action.
///
/// Names of actions have no case.
fn add_action(
    actions: &mut Actions,
    name: &str,
    value: &str,
    names: &mut TxNames,
) -> Result<(), String> {
    match name {
        "id" => actions.id = Some(number(name, value)?),
        "phase" => actions.phase = Some(phase(value)?),
        "chain" => actions.chain = true,
        "capture" => actions.capture = true,
        "multimatch" => actions.multi_match = true,
        "log" | "auditlog" => actions.log = Some(actions.log.unwrap_or(true) || name == "log"),
        "nolog" => actions.log = Some(false),
        "msg" => value.clone_into(&mut actions.message),
        "severity" => actions.severity = Some(severity(value)?),
        "tag" => actions.tags.push(value.to_owned()),
        "skipafter" => actions.skip_after = Some(value.to_owned()),
        "skip" => actions.skip = usize::try_from(number(name, value)?).unwrap_or(usize::MAX),
        "t" => add_transformation(actions, value)?,
        "setvar" => match left_out(value) {
            Some(reason) if actions.left_out.contains(&reason) => {}
            Some(reason) => actions.left_out.push(reason),
            None => actions.run.push(set_variable(value, names)?),
        },
        "ctl" => actions
            .run
            .extend(control(value, names)?.map(Action::Control)),
        _ => actions.disruption = decision::decision(name, value)?.or(actions.disruption),
    }
    Ok(())
}

/// Adds a transformation; `none` removes those before it.
///
/// Names are those of [`Transformation::parse`].
///
/// # Errors
///
/// A transformation that is unknown.
fn add_transformation(actions: &mut Actions, value: &str) -> Result<(), String> {
    if value.eq_ignore_ascii_case("none") {
        actions.transformations.clear();
        return Ok(());
    }
    let found = Transformation::parse(value)
        .ok_or_else(|| format!("the transformation {value} is not supported"))?;
    actions.transformations.push(found);
    Ok(())
}
#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Actions {
        parse(text, &mut TxNames::default()).expect("valid actions")
    }

    #[test]
    fn values_in_quotes_may_hold_commas() {
        let actions = check(r"id:7, phase:2,block,msg:'it\'s a, b',tag:'x/y',t:none,t:lowercase");
        assert_eq!((actions.id, actions.phase), (Some(7), Some(2)));
        assert_eq!(actions.message, "it's a, b");
        assert_eq!(actions.transformations, [Transformation::Lowercase]);
        assert_eq!(actions.disruption, Some(Disruption::Block));
    }

    #[test]
    fn setvar_adds_subtracts_and_unsets() {
        for (text, expected) in [
            ("setvar:'tx.a=+5'", Change::Add),
            ("setvar:tx.a=-%{tx.b}", Change::Subtract),
            ("setvar:!tx.a", Change::Unset),
            ("setvar:tx.a", Change::Set),
        ] {
            let actions = check(text);
            let [Action::Set(_, change, _)] = actions.run.as_slice() else {
                panic!("one setvar in {text}")
            };
            assert_eq!(*change, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, expected) in [
            ("exec:/bin/x", "the action exec is not supported"),
            ("t:rot13", "the transformation rot13 is not supported"),
            (
                "setvar:args.x=1",
                "setvar: the collection args cannot be set; only tx can",
            ),
            ("phase:9", "phase: 9 is out of range; use 1 to 5"),
            ("id:x", "id: x is no number"),
        ] {
            let error = parse(text, &mut TxNames::default()).expect_err(text);
            assert_eq!(error, expected);
        }
    }
}
