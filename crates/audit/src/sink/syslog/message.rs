//! One message in the form of RFC 5424.
//!
//! ```text
//! <110>1 2023-11-14T22:13:20.000000Z web-1 palisade 4711 request [meta sequenceId="7"][origin …] {"v":1,"type":"request",…}
//! ```
//!
//! Priority and version, time, host, application, process, kind of message, structured data, and the
//! record as JSON. The JSON holds no line ends, so a message is one line for every receiver.
//!
//! The structured data are elements of the standard: `meta` (7.3) numbers the messages of a process, so
//! that a receiver sees which ones are missing, and `origin` (7.2) names the software.

use std::{process, time::Duration};

use crate::record::timestamp::rfc3339;

/// The longest host name (RFC 5424, 6).
const MAX_HOST_NAME: usize = 255;
/// The longest name of an application.
const MAX_APP_NAME: usize = 48;
/// The highest number of a message (RFC 5424, 7.3.1). The next one is 1 again.
const MAX_SEQUENCE: u64 = 2_147_483_647;
/// The highest facility: `local7`.
pub(super) const MAX_FACILITY: u8 = 23;

/// The software that sends (RFC 5424, 7.2).
const ORIGIN: &str = concat!(
    "[origin software=\"palisade-audit\" swVersion=\"",
    env!("CARGO_PKG_VERSION"),
    "\"]"
);

/// How serious a message is (RFC 5424, table 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Severity {
    /// The service failed to answer a request: 4.
    Warning = 4,
    /// A request was refused: 5.
    Notice = 5,
    /// Everything else: 6.
    Informational = 6,
}

/// What all messages of one sink have in common.
#[derive(Clone, Debug)]
pub(super) struct MessageHeader {
    /// The facility. With the severity it is the priority of a message.
    facility: u8,
    /// HOSTNAME.
    host_name: Box<str>,
    /// APP-NAME.
    app_name: Box<str>,
}

impl MessageHeader {
    /// Prepares the header. Characters that the form does not allow become `-`, and a name that is
    /// empty then is `-`.
    pub(super) fn new(facility: u8, host_name: &str, app_name: &str) -> Self {
        Self {
            facility: facility.min(MAX_FACILITY),
            host_name: name(host_name, MAX_HOST_NAME),
            app_name: name(app_name, MAX_APP_NAME),
        }
    }

    /// Returns a message. `kind` is the type of the record, as MSGID, and `sent` the number of messages before it.
    pub(super) fn message(
        &self,
        (severity, time, kind): (Severity, Duration, &str),
        sent: u64,
        text: &str,
    ) -> String {
        let priority = u16::from(self.facility) * 8 + severity as u16;
        let (time, process) = (rfc3339(time), process::id());
        let Self {
            host_name,
            app_name,
            ..
        } = self;
        let sequence = sent % MAX_SEQUENCE + 1;
        format!(
            "<{priority}>1 {time} {host_name} {app_name} {process} {kind} [meta sequenceId=\"{sequence}\"]{ORIGIN} {text}"
        )
    }
}

/// Keeps printable ASCII of a name, up to a length.
fn name(text: &str, most: usize) -> Box<str> {
    let allowed = |character: char| match character.is_ascii_graphic() {
        true => character,
        false => '-',
    };
    let kept: String = text.chars().take(most).map(allowed).collect();
    match kept.is_empty() {
        true => "-".into(),
        false => kept.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_parts_of_the_standard() {
        let header = MessageHeader::new(13, "web-1.example", "palisade");
        let time = Duration::from_secs(1_700_000_000);
        let about = (Severity::Informational, time, "request");
        let message = header.message(about, MAX_SEQUENCE + 4, "{\"v\":1}");
        let parts: Vec<&str> = message.splitn(7, ' ').collect();
        let version = env!("CARGO_PKG_VERSION");
        let rest = format!(
            "[meta sequenceId=\"5\"][origin software=\"palisade-audit\" swVersion=\"{version}\"] {{\"v\":1}}"
        );
        let process = process::id().to_string();
        assert_eq!(
            parts,
            [
                "<110>1",
                "2023-11-14T22:13:20.000000Z",
                "web-1.example",
                "palisade",
                &process,
                "request",
                &rest
            ]
        );
    }

    #[test]
    fn names_cannot_add_parts_or_lines() {
        let header = MessageHeader::new(200, "a b\nc", "");
        let message = header.message((Severity::Warning, Duration::ZERO, "event"), 0, "x");
        assert!(
            message.starts_with("<188>1 1970-01-01T00:00:00.000000Z a-b-c - "),
            "{message}"
        );
        assert_eq!(name(&"n".repeat(300), MAX_HOST_NAME).len(), MAX_HOST_NAME);
    }
}
