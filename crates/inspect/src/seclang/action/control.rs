//! `ctl`: changes of how the rest of a request is inspected.

use super::words::number;
use crate::seclang::target::{self, Target};
use crate::variables::TxNames;

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
/// Reads a `ctl`. `None` for those that change nothing here.
///
/// An unknown `ctl` is an error. Those about logs and limits change nothing, as the layer has its
/// own settings for them.
///
/// # Errors
///
/// A control that is unknown, or whose value cannot be read.
pub(super) fn control(value: &str, names: &mut TxNames) -> Result<Option<Control>, String> {
    let (name, value) = value.split_once('=').unwrap_or((value, ""));
    let found = match name.to_ascii_lowercase().as_str() {
        "ruleengine" => Control::Engine(
            EngineMode::parse(value)
                .ok_or_else(|| format!("ctl: ruleEngine={value} is unknown"))?,
        ),
        "requestbodyprocessor" => Control::BodyProcessor(value.to_ascii_uppercase()),
        "ruleremovebyid" => {
            let (from, to) = parse_range(value)?;
            Control::RemoveById(from, to)
        }
        "ruleremovebytag" => Control::RemoveByTag(value.to_owned()),
        "ruleremovetargetbyid" => {
            let (ids, targets) = value.split_once(';').unwrap_or((value, ""));
            let (from, to) = parse_range(ids)?;
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
///
/// # Errors
///
/// Neither a number nor two with a hyphen between them.
pub(crate) fn parse_range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Ok((number("id", from.trim())?, number("id", to.trim())?))
}
