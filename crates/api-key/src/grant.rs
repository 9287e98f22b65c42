//! What a key allows, and when, and from where.

use std::{fmt, net::IpAddr, time::Duration};

use crate::{Environment, Network, Timestamp};

const LONGEST_TEXT: usize = 128;
const MOST_ENTRIES: usize = 64;

/// Describes a key to be minted. Without further words it counts at once, from everywhere, for
/// ever, and has no scope.
///
/// ```
/// use palisade_api_key::{Environment, Grant};
///
/// let grant = Grant::new(Environment::Live)
///     .owner("team-voice")
///     .tier("gold")
///     .scopes(["tts:speak", "voices:read"])
///     .networks(["203.0.113.0/24".parse()?]);
/// # Ok::<(), palisade_api_key::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Grant {
    pub(crate) environment: Environment,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) networks: Vec<Network>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) note: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) tier: Option<String>,
}

impl Grant {
    /// Starts with nothing but an environment.
    pub const fn new(environment: Environment) -> Self {
        Self {
            environment,
            expires: None,
            networks: Vec::new(),
            not_before: None,
            note: None,
            owner: None,
            scopes: Vec::new(),
            tier: None,
        }
    }

    /// Ends the key at a moment since the Unix epoch: from then on it is refused.
    pub fn expires(mut self, at: Duration) -> Self {
        self.expires = Some(Timestamp::from_unix(at));
        self
    }

    /// Begins the key at a moment since the Unix epoch. A fraction of a second is rounded up.
    pub fn not_before(mut self, at: Duration) -> Self {
        let whole = at
            .as_secs()
            .saturating_add(u64::from(at.subsec_nanos() > 0));
        self.not_before = Some(Timestamp::from_unix(Duration::from_secs(whole)));
        self
    }

    /// Allows the key from these networks alone. Needs `ClientInfoLayer` outside.
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks = networks.into_iter().collect();
        self
    }

    /// Adds a note for operators. Clients and handlers never see it.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Names the owner (tenant, account), who may have several keys.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Grants scopes, in place of those granted before.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tier, by which limits may differ.
    pub fn tier(mut self, tier: impl Into<String>) -> Self {
        self.tier = Some(tier.into());
        self
    }

    /// Tells whether a client may use the key; `None` where nobody decided who the client is.
    pub(crate) fn allows_client(&self, client: Option<IpAddr>) -> Option<bool> {
        if self.networks.is_empty() {
            return Some(true);
        }
        let client = client?;
        Some(self.networks.iter().any(|network| network.contains(client)))
    }

    /// Finds what would make the key useless or its log lines dangerous.
    pub(crate) fn check(&self) -> Result<(), InvalidGrant> {
        let texts = [
            ("note", &self.note),
            ("owner", &self.owner),
            ("tier", &self.tier),
        ];
        for (field, text) in texts {
            if text.as_deref().is_some_and(|text| !is_plain(text)) {
                return Err(InvalidGrant::Text { field });
            }
        }
        if !self.scopes.iter().all(|scope| is_scope(scope)) {
            return Err(InvalidGrant::Scope);
        }
        if self.scopes.len() > MOST_ENTRIES || self.networks.len() > MOST_ENTRIES {
            return Err(InvalidGrant::TooMany);
        }
        match (self.not_before, self.expires) {
            (Some(start), Some(end)) if start >= end => Err(InvalidGrant::NeverValid),
            _ => Ok(()),
        }
    }
}

/// Tells whether a text fits on one line of a log.
fn is_plain(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Tells whether a text is a scope (RFC 6749, 3.3).
fn is_scope(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=LONGEST_TEXT).contains(&text.len()) && text.bytes().all(allowed)
}

/// Says what is wrong with a [`Grant`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidGrant {
    /// It ends before it begins.
    NeverValid,
    /// A scope is empty, longer than 128 bytes, or holds a space, a quote or a backslash.
    Scope,
    /// A text is empty, longer than 128 bytes, or holds control characters.
    Text {
        /// Which one.
        field: &'static str,
    },
    /// More than 64 scopes or networks.
    TooMany,
}

impl fmt::Display for InvalidGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverValid => {
                f.write_str("`expires` is not after `not_before`: the key would never count")
            }
            Self::Scope => f.write_str(
                "a scope has 1 to 128 printable characters, without space, quote or backslash",
            ),
            Self::Text { field } => write!(f, "`{field}` has 1 to 128 bytes on one line"),
            Self::TooMany => write!(
                f,
                "a key has at most {MOST_ENTRIES} scopes and {MOST_ENTRIES} networks"
            ),
        }
    }
}

impl std::error::Error for InvalidGrant {}
