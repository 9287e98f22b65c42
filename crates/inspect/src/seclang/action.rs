//! The actions of a rule: `id:1,phase:2,block,t:none,setvar:'tx.score=+5'`.

use super::target::{self, Target};
use crate::transformation::Transformation;
use crate::variables::{Collection, MacroText, TxNames};

/// An action that runs at each match, or changes how the request is inspected.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// `setvar`.
    Set(VarName, Change, MacroText),
    /// `ctl`.
    Control(Control),
}

/// The name of a transaction variable.
#[derive(Clone, Debug)]
pub(crate) enum VarName {
    /// Known when the rules are loaded.
    Known(usize),
    /// Completed for each request.
    Dynamic(MacroText),
}

/// What `setvar` does with the variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// `=+5`
    Add,
    /// `=5`
    Set,
    /// `=-5`
    Subtract,
    /// `!tx.a`
    Unset,
}

/// What `ctl` changes for the rest of the request.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// No rule decides any more: `ruleEngine=Off` or `DetectionOnly`.
    Engine(EngineMode),
    /// The parser of the body.
    BodyProcessor(String),
    /// Rules with an id in the range.
    RemoveById(u64, u64),
    /// Rules with a tag.
    RemoveByTag(String),
    /// A target of the rules with an id in the range.
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
    /// `allow`: the rest of the phase is skipped.
    Allow,
    /// `block`: what `SecDefaultAction` says.
    Block,
    /// `deny`, `drop`, `redirect`.
    Deny,
    /// `pass`.
    Pass,
}

/// All actions of one rule, sorted by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions {
    pub(crate) id: Option<u64>,
    pub(crate) phase: Option<u8>,
    pub(crate) chain: bool,
    pub(crate) capture: bool,
    pub(crate) multi_match: bool,
    pub(crate) log: Option<bool>,
    pub(crate) disruption: Option<Disruption>,
    pub(crate) severity: Option<u8>,
    pub(crate) message: String,
    pub(crate) tags: Vec<String>,
    pub(crate) skip_after: Option<String>,
    pub(crate) skip: usize,
    /// `None` until a `t:` is seen: then those of `SecDefaultAction` do not apply.
    pub(crate) transformations: Vec<Transformation>,
    pub(crate) run: Vec<Action>,
}

/// Reads a list of actions.
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
fn pair(item: &str) -> Option<(String, String)> {
    let item = item.trim();
    let (name, value) = item.split_once(':').unwrap_or((item, ""));
    (!name.is_empty()).then(|| (name.trim().to_ascii_lowercase(), value.to_owned()))
}

/// Adds one action.
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
fn number(name: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value} is no number"))
}

/// Reads a phase by number or name.
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
