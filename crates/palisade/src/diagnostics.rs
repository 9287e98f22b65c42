//! Every problem that the stack finds by itself: one number, one name, one page section each.
//!
//! The same entry is used wherever the problem is found: when a [`Shield`](crate::Shield) is built, when
//! `Config::check_server` compares a configuration, when `palisade doctor` looks at the machine, and in the
//! log. Numbers and names do not change between versions and are not used twice.
//!
//! `docs/src/reference/diagnostics.md` has a section for each number, and a test compares both.
//!
//! ```
//! use palisade::diagnostics;
//!
//! let found = diagnostics::find("trust-all").expect("it has an entry");
//! assert_eq!(found.number, "PAL0003");
//! assert_eq!(diagnostics::find("PAL0003"), Some(found));
//! ```

/// A kind of problem. What was found is a [`Warning`](crate::shield::Warning).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The stable number, such as `PAL0003`.
    pub number: &'static str,
    /// The stable name, such as `trust-all`.
    pub name: &'static str,
    /// What it means, in one sentence without a full stop.
    pub title: &'static str,
}

impl Diagnostic {
    const fn new(number: &'static str, name: &'static str, title: &'static str) -> Self {
        Self {
            number,
            name,
            title,
        }
    }
}

/// Finds an entry by its number or its name.
#[must_use]
pub fn find(code: &str) -> Option<&'static Diagnostic> {
    let is_it = |entry: &&Diagnostic| entry.number == code || entry.name == code;
    ALL.iter().find(is_it)
}

/// All entries, in the order of their numbers.
#[must_use]
pub fn all() -> &'static [Diagnostic] {
    ALL
}

macro_rules! entries {
    ($($constant:ident = $number:literal $name:literal: $title:literal;)+) => {
        $(
            pub(crate) const $constant: Diagnostic = Diagnostic::new($number, $name, $title);
        )+
        const ALL: &[Diagnostic] = &[$($constant),+];
    };
}

entries! {
    NO_AUDIT = "PAL0001" "no-audit": "No audit trail is written";
    NO_CLIENT_LIMIT = "PAL0002" "no-client-limit": "Attempts to guess a credential are not limited";
    TRUST_ALL = "PAL0003" "trust-all": "Every peer may choose its client address";
    UNUSED_LIMIT = "PAL0004" "unused-limit": "A limit counts only on routes that name it, and none does";
    HANDLER_WITHOUT_RULE = "PAL0005" "handler-without-rule": "A handler has no rule, so it is never reached";
    RULE_WITHOUT_HANDLER = "PAL0006" "rule-without-handler": "A rule is for a route or a method that has no handler";
    CERTIFICATE_HOSTS = "PAL0007" "certificate-hosts": "The certificate does not name a host that is served";
    HOST_PORT = "PAL0008" "host-port": "No host is served under the port of the TLS listener";
    PLAIN_HTTP = "PAL0009" "plain-http": "Requests without TLS are served to other machines";
    PROXY_UNREACHABLE = "PAL0010" "proxy-unreachable": "The server listens on this machine alone, and no proxy is there";
    REDIRECT_HOST = "PAL0011" "redirect-host": "Redirects lead to a host that is not served";
    WEBROOT_WITHOUT_HTTP = "PAL0012" "webroot-without-http": "ACME challenges come without TLS, and there is no such listener";
    HSTS_WITHOUT_TLS = "PAL0013" "hsts-without-tls": "HSTS is set, and no request can arrive over TLS";
    FILE_UNREADABLE = "PAL0014" "file-unreadable": "A file that the configuration names cannot be read";
    SECRET_READABLE = "PAL0015" "secret-readable": "Other users can read a secret";
    SECRET_SHORT = "PAL0016" "secret-short": "A secret is short enough to be guessed";
    CERTIFICATE_NEAR_END = "PAL0017" "certificate-near-end": "The certificate expires soon, or did";
    REDIS_WITHOUT_TLS = "PAL0018" "redis-without-tls": "The shared store is reached over the network without TLS";
    REDIS_UNREACHABLE = "PAL0019" "redis-unreachable": "The shared store cannot be used";
    CLOCK_SKEW = "PAL0020" "clock-skew": "The clock of this machine is wrong";
    DESCRIPTORS_LOW = "PAL0021" "descriptors-low": "The limit of file descriptors is below the configured connections";
    DISK_LOW = "PAL0022" "disk-low": "The disk of the audit trail is nearly full";
    LISTENER_UNAVAILABLE = "PAL0023" "listener-unavailable": "A listener cannot be opened";
    ONLY_SHADOW = "PAL0024" "only-shadow": "Requests that rules and credentials would refuse are admitted";
    CLIENT_CERTIFICATE_NEVER_ASKED = "PAL0025" "client-certificate-never-asked": "A route demands a certificate of the client, and no client is asked for one";
    UPSTREAM_UNREACHABLE = "PAL0026" "upstream-unreachable": "A server of the gateway's upstreams gives no response";
    UPSTREAM_TLS = "PAL0027" "upstream-tls": "The TLS handshake with an upstream fails";
    UPSTREAM_VERSION = "PAL0028" "upstream-version": "An upstream speaks another version of HTTP";
    UPSTREAM_HOST = "PAL0029" "upstream-host": "An upstream refuses the host that it gets";
    UPSTREAM_HEALTH = "PAL0030" "upstream-health": "The health check of an upstream fails";
    UPSTREAM_TIMEOUT = "PAL0031" "upstream-timeout": "A timeout of an upstream is too short";
    SEVERAL_CLIENT_AUTHORITIES = "PAL0032" "several-client-authorities": "Each of several authorities can issue a certificate with any name";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_without_a_gap_and_names_are_unique() {
        for (place, entry) in ALL.iter().enumerate() {
            assert_eq!(entry.number, format!("PAL{:04}", place + 1));
            assert_eq!(find(entry.name), Some(entry));
            assert_eq!(find(entry.number), Some(entry));
        }
        assert_eq!(find("no-such-code"), None);
    }

    #[test]
    fn every_number_has_its_section_in_the_book() {
        let page = include_str!("../../../docs/src/reference/diagnostics.md");
        for entry in ALL {
            let heading = format!("## {}: `{}`", entry.number, entry.name);
            assert!(page.contains(&heading), "{heading} is missing");
            assert!(
                page.contains(entry.title),
                "{}: {}",
                entry.number,
                entry.title
            );
        }
    }
}
