//! The commands of the admin socket.
//!
//! ```text
//! status
//! reload
//! drain
//! limits show client 203.0.113.7
//! limits clear principal api_key:anna
//! ```
//!
//! Words are separated by blanks. A line that is no command changes nothing.

use std::{fmt, net::IpAddr};

/// What an operator wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Command {
    /// Stop, as on SIGTERM: open requests end first.
    Drain,
    /// Make the limits of a subject full again.
    LimitsClear(LimitSubject),
    /// Show what is left of the limits of a subject.
    LimitsShow(LimitSubject),
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
            _ => Err("the commands are status, reload, drain, limits show SUBJECT and limits clear SUBJECT".to_owned()),
        }
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

impl fmt::Display for LimitSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(ip) => write!(f, "client {ip}"),
            Self::Named { kind, id } => write!(f, "{kind}:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in [
            "",
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
