//! What a rule decides: `deny`, `allow`, `pass`, `block`.
//!
//! The names are those of "Actions" in the reference manual of ModSecurity v3. `allow` ends the
//! work of rules, so each of its forms is a type here and a form that is unknown is an error.

/// What happens when a whole chain matched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Disruption {
    /// `allow`: no further rule runs until the phase that is named.
    ///
    /// It does not take back what rules decided before.
    Allow(AllowUntil),
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

/// How far an `allow` reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AllowUntil {
    /// `allow:request`: rules run again from phase 3 on, on the response.
    Response,
    /// `allow:phase`: rules run again in the next phase.
    NextPhase,
    /// `allow`: only the rules of phase 5 still run.
    Logging,
}

/// Reads a decision. `None` for actions that change nothing here.
///
/// The argument counts only for `allow`.
///
/// # Errors
///
/// The reason as text: the action or its argument is not known.
pub(super) fn decision(name: &str, value: &str) -> Result<Option<Disruption>, String> {
    Ok(Some(match name {
        "allow" => Disruption::Allow(parse_allow(value)?),
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
            return Ok(None);
        }
        _ => return Err(format!("the action {name} is not supported")),
    }))
}

/// Reads the argument of `allow`.
///
/// In any case and with or without single quotes.
///
/// # Errors
///
/// Another word than `phase` and `request`.
fn parse_allow(value: &str) -> Result<AllowUntil, String> {
    match value.trim_matches('\'').to_ascii_lowercase().as_str() {
        "" => Ok(AllowUntil::Logging),
        "phase" => Ok(AllowUntil::NextPhase),
        "request" => Ok(AllowUntil::Response),
        _ => Err(format!(
            "allow: {value} is unknown; use `phase`, `request` or no argument"
        )),
    }
}
