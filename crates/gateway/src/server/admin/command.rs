//! The commands of the admin socket.
//!
//! ```text
//! status
//! reload
//! drain
//! limits show client 203.0.113.7
//! limits clear principal api_key:anna
//! limits top 10
//! limits override principal api_key:anna tts 5000 1800000000
//! limits override principal api_key:anna tts none
//! ```
//!
//! Words are separated by blanks. A line that is no command changes nothing.

use std::{net::IpAddr, time::Duration};

use palisade::rate_limit::LimitOverride;

/// What an operator wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Command {
    /// Stop, as on SIGTERM: open requests end first.
    Drain,
    /// Make the limits of a subject full again.
    LimitsClear(LimitSubject),
    /// Give a subject another amount of a limit, or remove that.
    LimitsOverride(OverrideCommand),
    /// Show what is left of the limits of a subject.
    LimitsShow(LimitSubject),
    /// Show who was refused most: so many.
    LimitsTop(usize),
    /// Read the configuration file again.
    Reload,
    /// Show upstreams, servers and open requests.
    Status,
}

/// Whose limits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum LimitSubject {
    /// A client address, of which limits count the network.
    Client(IpAddr),
    /// A principal by kind and identifier, or an owner by the kind `owner`.
    Named { kind: String, id: String },
}

/// Another amount for a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct OverrideCommand {
    /// Whose.
    pub(super) subject: LimitSubject,
    /// The name of the limit.
    pub(super) limit: String,
    /// `None` removes it.
    pub(super) value: Option<LimitOverride>,
}

/// The longest list of subjects.
const MOST_LISTED: usize = 128;

impl Command {
    /// Parses a line of words.
    ///
    /// # Errors
    ///
    /// It is no command; the text says which there are.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["drain"] => Ok(Self::Drain),
            ["reload"] => Ok(Self::Reload),
            ["status"] => Ok(Self::Status),
            ["limits", "clear", kind, id] => LimitSubject::parse(kind, id).map(Self::LimitsClear),
            ["limits", "show", kind, id] => LimitSubject::parse(kind, id).map(Self::LimitsShow),
            ["limits", "top"] => Ok(Self::LimitsTop(MOST_LISTED)),
            ["limits", "top", most] => parse_most(most).map(Self::LimitsTop),
            ["limits", "override", kind, id, limit, value @ ..] => {
                Ok(Self::LimitsOverride(OverrideCommand {
                    subject: LimitSubject::parse(kind, id)?,
                    limit: (*limit).to_owned(),
                    value: parse_override(value)?,
                }))
            }
            _ => Err(COMMANDS.to_owned()),
        }
    }
}

/// The text for a line that is no command.
const COMMANDS: &str = "the commands are status, reload, drain, limits show SUBJECT, limits clear SUBJECT, \
    limits top [COUNT] and limits override SUBJECT LIMIT AMOUNT|none [UNTIL]";

/// Parses how many subjects are listed.
///
/// # Errors
///
/// It is no number, or out of range. The text has the range.
fn parse_most(word: &str) -> Result<usize, String> {
    let most = word.parse().ok();
    let most = most.filter(|most| (1..=MOST_LISTED).contains(most));
    most.ok_or_else(|| format!("`{word}` is out of range; write 1 to {MOST_LISTED}"))
}

/// Parses the amount and the end of an override. `None`: it is removed.
///
/// # Errors
///
/// They are not of their form. The text shows it.
fn parse_override(words: &[&str]) -> Result<Option<LimitOverride>, String> {
    let amount = |word: &str| {
        let amount = word.parse().map(LimitOverride::new);
        amount.map_err(|_| format!("`{word}` is no amount; write 1 to 4294967295, or none"))
    };
    match words {
        ["none"] => Ok(None),
        [word] => amount(word).map(Some),
        [word, until] => {
            let seconds: u64 = until.parse().map_err(|_| {
                format!("`{until}` is no time; write seconds since the epoch, such as 1800000000")
            })?;
            Ok(Some(amount(word)?.until(Duration::from_secs(seconds))))
        }
        _ => Err("an override is AMOUNT, AMOUNT UNTIL or none".to_owned()),
    }
}

impl LimitSubject {
    /// Parses the two words of a subject.
    ///
    /// # Errors
    ///
    /// The kind is unknown, or the identifier is not of its form. The text shows the right form.
    fn parse(kind: &str, id: &str) -> Result<Self, String> {
        let named = |kind: &str, id: &str| Self::Named {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        match kind {
            "client" => id
                .parse()
                .map(Self::Client)
                .map_err(|_| format!("`{id}` is no address; write one such as 203.0.113.7")),
            "owner" => Ok(named("owner", id)),
            "principal" => id
                .split_once(':')
                .map(|(kind, id)| named(kind, id))
                .ok_or_else(|| format!("`{id}` has no kind; write KIND:ID, such as api_key:anna")),
            _ => Err("a subject is client ADDRESS, principal KIND:ID or owner ID".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_has_an_amount_and_may_have_an_end() {
        let parsed = |text: &str| match Command::parse(text) {
            Ok(Command::LimitsOverride(command)) => {
                assert_eq!(command.limit, "tts");
                command.value
            }
            other => panic!("{other:?}"),
        };
        let amount = LimitOverride::new(5_000.try_into().unwrap());
        let begin = "limits override owner acme tts";
        assert_eq!(parsed(&format!("{begin} none")), None);
        assert_eq!(parsed(&format!("{begin} 5000")), Some(amount));
        let ending = Some(amount.until(Duration::from_secs(1_800_000_000)));
        assert_eq!(parsed(&format!("{begin} 5000 1800000000")), ending);
    }

    #[test]
    fn commands_are_words_and_anything_else_is_an_error_that_lists_them() {
        assert_eq!(Command::parse(" status\n"), Ok(Command::Status));
        let lin = LimitSubject::Named {
            kind: "jwt".to_owned(),
            id: "https://a:lin".to_owned(),
        };
        let shown = Command::parse("limits show principal jwt:https://a:lin");
        assert_eq!(shown, Ok(Command::LimitsShow(lin)));
        let client = LimitSubject::Client([203, 0, 113, 7].into());
        let cleared = Command::parse("limits clear client 203.0.113.7");
        assert_eq!(cleared, Ok(Command::LimitsClear(client)));
        assert_eq!(Command::parse("limits top 7"), Ok(Command::LimitsTop(7)));
        for text in [
            "",
            "limits top 0",
            "limits top 129",
            "limits override owner acme tts",
            "limits override owner acme tts 0",
            "limits override owner acme tts 4294967296",
            "limits override owner acme tts 5 tomorrow",
            "limits override owner acme tts 5 6 7",
            "limits override owner acme tts none 7",
            "stop",
            "status now",
            "limits show",
            "limits show client x",
            "limits show principal anna",
            "limits clear key a",
        ] {
            assert!(Command::parse(text).is_err(), "{text}");
        }
    }
}
