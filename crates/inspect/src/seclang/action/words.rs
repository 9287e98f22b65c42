//! Numbers, phases and severities in actions.

/// Reads a whole number.
///
/// Negative numbers and numbers above 64 bits are errors.
///
/// # Errors
///
/// Not a whole number. The message names the action.
pub(super) fn number(name: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value} is no number"))
}

/// Reads a phase by number or name.
///
/// The names are those of the manual: `request`, `response` and `logging`.
///
/// # Errors
///
/// Not one of the phases 1 to 5.
pub(super) fn phase(value: &str) -> Result<u8, String> {
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
///
/// # Errors
///
/// Neither a number from 0 to 7 nor a name of a severity.
pub(super) fn severity(value: &str) -> Result<u8, String> {
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
