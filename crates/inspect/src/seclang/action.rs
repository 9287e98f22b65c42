//! The actions of a rule: `id:1,phase:2,block,t:none,setvar:'tx.score=+5'`.
//!
//! "Actions" in the reference manual has five kinds. Here they become: data of the head (`id`,
//! `phase`, `tag`, `severity`, `msg`), a [`Disruption`], flow (`chain`, `skip`, `skipAfter`),
//! settings of the link (`t`, `capture`, `multiMatch`), and [`Action`]s that run at a match
//! (`setvar`, `ctl`).
//!
//! Actions that write logs, set the environment of a server or expire variables are accepted and
//! do nothing. Actions that run programs (`exec`) are refused when the rule is loaded.

use super::target::{self, Target};
use crate::transformation::Transformation;
use crate::variables::{Collection, MacroText, TxNames};

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

/// What `ctl` changes for the rest of the request.
///
/// It holds from the moment of the match to the end of this request, also in later phases. It
/// does not undo what rules did before.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// No rule decides any more: `ruleEngine=Off` or `DetectionOnly`.
    Engine(EngineMode),
    /// The parser of the body.
    ///
    /// It counts only in phase 1, before the body is read. The name is in upper case; an unknown
    /// one means that the body is not parsed.
    BodyProcessor(String),
    /// Rules with an id in the range.
    ///
    /// First and last id, both included.
    RemoveById(u64, u64),
    /// Rules with a tag.
    ///
    /// The whole tag, not a pattern.
    RemoveByTag(String),
    /// A target of the rules with an id in the range.
    ///
    /// The third field is what these rules no longer read.
    RemoveTargetById(u64, u64, Vec<Target>),
    /// A target of the rules with a tag.
    RemoveTargetByTag(String, Vec<Target>),
}

/// The values of `SecRuleEngine`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum EngineMode {
    /// Rules run, and none refuses.
    DetectionOnly,
    /// No rule runs.
    Off,
    /// Rules run and may refuse.
    #[default]
    On,
}

impl EngineMode {
    /// Reads the value of `SecRuleEngine`.
    ///
    /// In any case. `None` for all other words.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "detectiononly" => Some(Self::DetectionOnly),
            "off" => Some(Self::Off),
            "on" => Some(Self::On),
            _ => None,
        }
    }
}

/// What happens when a whole chain matched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Disruption {
    /// `allow`: no further rule runs, in this phase and the next ones, except those of phase 5.
    ///
    /// The argument of `allow:phase` and `allow:request` is not read: they mean the same as
    /// `allow`.
    Allow,
    /// `block`: what `SecDefaultAction` says.
    ///
    /// It is replaced when all rules are loaded and does not occur at run time.
    Block,
    /// `deny`, `drop`, `redirect`.
    ///
    /// Also `proxy`. The layer always answers with its own refusal; status and address of the
    /// rule are not used.
    Deny,
    /// `pass`.
    ///
    /// The rule only scores, sets variables or reports.
    Pass,
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
    for (name, value) in split(text) {
        add(&mut actions, &name, value.trim(), names)?;
    }
    Ok(actions)
}

/// Splits `name:value,name,…`; a value may stand in single quotes.
///
/// Commas inside the quotes belong to the value, and `\'` is a quote in it. Values are not
/// unquoted further.
fn split(text: &str) -> Vec<(String, String)> {
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
            ',' if !inside => found.extend(pair(&std::mem::take(&mut item))),
            _ => item.push(character),
        }
        escaped = character == '\\' && !escaped;
    }
    found.extend(pair(&item));
    found
}

/// Splits one action at its colon. `None` if it is blank.
///
/// The name is made lower case.
fn pair(item: &str) -> Option<(String, String)> {
    let item = item.trim();
    let (name, value) = item.split_once(':').unwrap_or((item, ""));
    (!name.is_empty()).then(|| (name.trim().to_ascii_lowercase(), value.to_owned()))
}

/// Adds one action.
///
/// Names of actions have no case.
fn add(actions: &mut Actions, name: &str, value: &str, names: &mut TxNames) -> Result<(), String> {
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
        "t" => transform(actions, value)?,
        "setvar" => actions.run.push(set_variable(value, names)?),
        "ctl" => actions
            .run
            .extend(control(value, names)?.map(Action::Control)),
        _ => disrupt(actions, name)?,
    }
    Ok(())
}

/// Adds a decision, or one of the actions that change nothing here.
///
/// The argument of the action is not looked at.
fn disrupt(actions: &mut Actions, name: &str) -> Result<(), String> {
    actions.disruption = Some(match name {
        "allow" => Disruption::Allow,
        "block" => Disruption::Block,
        "deny" | "drop" | "redirect" | "proxy" => Disruption::Deny,
        "pass" => Disruption::Pass,
        // What is written to a log, what status is sent and how long variables live: the layer
        // decides these.
        "accuracy"
        | "maturity"
        | "rev"
        | "ver"
        | "logdata"
        | "noauditlog"
        | "status"
        | "initcol"
        | "setenv"
        | "expirevar"
        | "deprecatevar"
        | "sanitisearg"
        | "sanitisematched"
        | "sanitisematchedbytes"
        | "sanitiserequestheader"
        | "sanitiseresponseheader"
        | "xmlns" => {
            return Ok(());
        }
        _ => return Err(format!("the action {name} is not supported")),
    });
    Ok(())
}

/// Adds a transformation; `none` removes those before it.
///
/// Names are those of [`Transformation::parse`].
fn transform(actions: &mut Actions, value: &str) -> Result<(), String> {
    if value.eq_ignore_ascii_case("none") {
        actions.transformations.clear();
        return Ok(());
    }
    let found = Transformation::parse(value)
        .ok_or_else(|| format!("the transformation {value} is not supported"))?;
    actions.transformations.push(found);
    Ok(())
}

/// Reads a whole number.
///
/// Negative numbers and numbers above 64 bits are errors.
fn number(name: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value} is no number"))
}

/// Reads a phase by number or name.
///
/// The names are those of the manual: `request`, `response` and `logging`.
fn phase(value: &str) -> Result<u8, String> {
    match value {
        "1" => Ok(1),
        "2" | "request" => Ok(2),
        "3" => Ok(3),
        "4" | "response" => Ok(4),
        "5" | "logging" => Ok(5),
        _ => Err(format!("phase: {value} is out of range; use 1 to 5")),
    }
}

/// Reads a severity by number or name.
///
/// The manual prefers the names; older rules have numbers.
fn severity(value: &str) -> Result<u8, String> {
    const NAMES: [&str; 8] = [
        "EMERGENCY",
        "ALERT",
        "CRITICAL",
        "ERROR",
        "WARNING",
        "NOTICE",
        "INFO",
        "DEBUG",
    ];
    let by_name = NAMES
        .iter()
        .position(|name| name.eq_ignore_ascii_case(value));
    by_name
        .and_then(|at| u8::try_from(at).ok())
        .or_else(|| value.parse().ok())
        .filter(|severity| *severity < 8)
        .ok_or_else(|| format!("severity: {value} is unknown"))
}

/// Reads `tx.name=+5`, `!tx.name` or `tx.name`.
///
/// Only `TX` can be set, as `IP`, `SESSION` and their like outlive a request and are not kept.
fn set_variable(value: &str, names: &mut TxNames) -> Result<Action, String> {
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
        VarName::Dynamic(MacroText::parse(&name.to_ascii_lowercase(), names))
    } else {
        VarName::Known(names.intern(name))
    };
    Ok(Action::Set(name, change, MacroText::parse(text, names)))
}

/// Reads a `ctl`. `None` for those that change nothing here.
///
/// An unknown `ctl` is an error. Those about logs and limits change nothing, as the layer has its
/// own settings for them.
fn control(value: &str, names: &mut TxNames) -> Result<Option<Control>, String> {
    let (name, value) = value.split_once('=').unwrap_or((value, ""));
    let found = match name.to_ascii_lowercase().as_str() {
        "ruleengine" => Control::Engine(
            EngineMode::parse(value)
                .ok_or_else(|| format!("ctl: ruleEngine={value} is unknown"))?,
        ),
        "requestbodyprocessor" => Control::BodyProcessor(value.to_ascii_uppercase()),
        "ruleremovebyid" => {
            let (from, to) = range(value)?;
            Control::RemoveById(from, to)
        }
        "ruleremovebytag" => Control::RemoveByTag(value.to_owned()),
        "ruleremovetargetbyid" => {
            let (ids, targets) = value.split_once(';').unwrap_or((value, ""));
            let (from, to) = range(ids)?;
            Control::RemoveTargetById(from, to, target::parse(targets, names)?)
        }
        "ruleremovetargetbytag" => {
            let (tag, targets) = value.split_once(';').unwrap_or((value, ""));
            Control::RemoveTargetByTag(tag.to_owned(), target::parse(targets, names)?)
        }
        // The body is always read here, and the audit trail is the layer's.
        "auditengine"
        | "auditlogparts"
        | "debugloglevel"
        | "forcerequestbodyvariable"
        | "requestbodyaccess"
        | "requestbodylimit"
        | "responsebodyaccess"
        | "responsebodylimit"
        | "hashengine"
        | "hashenforcement" => return Ok(None),
        _ => return Err(format!("ctl: {name} is not supported")),
    };
    Ok(Some(found))
}

/// Reads `942100` or `942100-942999`.
///
/// A range that is upside down is valid and means no rule.
pub(crate) fn range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Ok((number("id", from.trim())?, number("id", to.trim())?))
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
                "setvar:ip.x=1",
                "setvar: the collection ip cannot be set; only tx can",
            ),
            ("phase:9", "phase: 9 is out of range; use 1 to 5"),
            ("id:x", "id: x is no number"),
        ] {
            let error = parse(text, &mut TxNames::default()).expect_err(text);
            assert_eq!(error, expected);
        }
    }
}
