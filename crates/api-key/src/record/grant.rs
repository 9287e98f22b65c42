//! What a key allows, when, and from where.
//!
//! A [`Grant`] is checked when a record is made of it: by minting, and by reading a file.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use palisade_core::{OwnLimits, OwnLimitsError};

use crate::{key::Environment, network::Network, record::Timestamp};

/// In bytes. Bounds what one key adds to a log line.
const LONGEST_TEXT: usize = 128;
/// Bounds the scopes and the networks of one key: each request carries the former and checks the
/// latter.
const MOST_ENTRIES: usize = 64;
/// Bounds the metadata of a key, which each principal carries.
const MOST_METADATA: usize = 16;
/// In bytes: of the name and the value of metadata.
const LONGEST_METADATA_NAME: usize = 64;
const LONGEST_METADATA: usize = 256;

/// The permissions of a key: scopes, tier, owner, dates and networks.
///
/// Default: valid immediately, from every address, without an end, and without any scope. The grant
/// is checked by [`KeyScheme::mint`](crate::KeyScheme::mint) and
/// [`KeyRecord::from_grant`](crate::KeyRecord::from_grant), which return [`InvalidGrant`].
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
    /// Where the key is valid; a part of the key itself.
    pub(crate) environment: Environment,
    /// The key is refused from this moment on.
    pub(crate) expires: Option<Timestamp>,
    /// Amounts for named rate limits. Become the own limits of the principal.
    pub(crate) limits: BTreeMap<String, u32>,
    /// For the application. Becomes attributes of the principal.
    pub(crate) metadata: BTreeMap<String, String>,
    /// Empty: every network.
    pub(crate) networks: Vec<Network>,
    /// The key is refused before this moment.
    pub(crate) not_before: Option<Timestamp>,
    /// For operators only.
    pub(crate) note: Option<String>,
    /// Becomes the owner of the principal.
    pub(crate) owner: Option<String>,
    /// Become the scopes of the principal.
    pub(crate) scopes: Vec<String>,
    /// Becomes the tier of the principal.
    pub(crate) tier: Option<String>,
}

impl Grant {
    /// Creates a grant without scopes, dates or networks.
    pub const fn new(environment: Environment) -> Self {
        Self {
            environment,
            expires: None,
            limits: BTreeMap::new(),
            metadata: BTreeMap::new(),
            networks: Vec::new(),
            not_before: None,
            note: None,
            owner: None,
            scopes: Vec::new(),
            tier: None,
        }
    }

    /// Sets when the key expires, as a time since the Unix epoch. Default: never.
    ///
    /// From that moment on the key is refused. A fraction of a second is dropped. Times after the
    /// year 9999 are reduced to its end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, MintError, Pepper};
    ///
    /// let scheme = KeyScheme::new(Pepper::generate()?);
    /// let now = Duration::from_secs(1_800_000_000);
    /// let for_a_week = Grant::new(Environment::Test).expires(now + Duration::from_secs(7 * 24 * 3600));
    /// assert!(scheme.mint(for_a_week, now).is_ok());
    ///
    /// let never = Grant::new(Environment::Test).not_before(now).expires(now);
    /// assert!(matches!(scheme.mint(never, now), Err(MintError::Grant(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expires(mut self, at: Duration) -> Self {
        self.expires = Some(Timestamp::from_unix(at));
        self
    }

    /// Sets when the key becomes valid, as a time since the Unix epoch. Default: immediately.
    ///
    /// A fraction of a second is rounded up, so that the key is never valid too early.
    pub fn not_before(mut self, at: Duration) -> Self {
        let whole = at
            .as_secs()
            .saturating_add(u64::from(at.subsec_nanos() > 0));
        self.not_before = Some(Timestamp::from_unix(Duration::from_secs(whole)));
        self
    }

    /// Gives the key an amount of its own for a rate limit, such as 500 for `speak` where others have 100. It replaces one
    /// of the same name. Default: the amounts of the policies and of the tier.
    ///
    /// A name is that of a policy, or of one of its limits where it has several rates (`api-day`). At most eight. The
    /// policy decides what an amount may change: a lower one always applies, a higher one only as far as
    /// `Policy::own_amounts_up_to` of the rate limits allows. A name that no limit has changes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, MintError, Pepper};
    ///
    /// let scheme = KeyScheme::new(Pepper::generate()?);
    /// let now = Duration::from_secs(1_800_000_000);
    /// let minted = scheme.mint(Grant::new(Environment::Live).limit("speak", 500), now)?;
    /// let who = minted.record().principal();
    /// assert_eq!(who.own_limits().amount("speak").map(u32::from), Some(500));
    ///
    /// let none = scheme.mint(Grant::new(Environment::Live).limit("speak", 0), now);
    /// assert!(matches!(none, Err(MintError::Grant(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn limit(mut self, name: impl Into<String>, amount: u32) -> Self {
        self.limits.insert(name.into(), amount);
        self
    }

    /// Adds a value for the application, such as the plan or the project of the key. It replaces one of the same name.
    /// Default: none.
    ///
    /// At most 16. A name has 1 to 64 ASCII letters, digits, `-`, `_` and `.`; a value has 1 to 256 bytes without control
    /// characters. Handlers read it as an attribute of the principal, `metadata.` and the name. It is no place for
    /// secrets: a principal may be logged.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
    ///
    /// let scheme = KeyScheme::new(Pepper::generate()?);
    /// let grant = Grant::new(Environment::Live).metadata("project", "atlas");
    /// let minted = scheme.mint(grant, Duration::from_secs(1_800_000_000))?;
    /// let who = minted.record().principal();
    /// assert_eq!(who.attribute("metadata.project"), Some("atlas"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Allows the key from these networks alone, in place of those set before. Default: from
    /// everywhere.
    ///
    /// At most 64. The layer needs `ClientInfoLayer` outside of it, which determines the client's
    /// address. Without that layer a request with such a key is refused with 500.
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks = networks.into_iter().collect();
        self
    }

    /// Adds a note for operators, such as who asked for the key. Clients and handlers never see it.
    ///
    /// 1 to 128 bytes without control characters.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Sets the owner (tenant, account), who may have several keys.
    ///
    /// 1 to 128 bytes without control characters. Becomes the owner of the principal.
    /// [`KeyTable::revoke_owner`](crate::KeyTable::revoke_owner) revokes all keys of one owner.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the scopes, in place of those set before. Default: none.
    ///
    /// At most 64, each of 1 to 128 printable ASCII characters without space, quote and backslash
    /// (RFC 6749 section 3.3).
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tier. Rate limits may differ by it.
    ///
    /// 1 to 128 bytes without control characters. Default: no tier, so the default limits apply.
    pub fn tier(mut self, tier: impl Into<String>) -> Self {
        self.tier = Some(tier.into());
        self
    }

    /// Returns whether the key may be used from an address.
    ///
    /// `None` if the grant lists networks and the client's address was not determined.
    pub(crate) fn allows_client(&self, client: Option<IpAddr>) -> Option<bool> {
        if self.networks.is_empty() {
            return Some(true);
        }
        let client = client?;
        Some(self.networks.iter().any(|network| network.contains(client)))
    }

    /// Returns the amounts as a principal has them.
    ///
    /// # Errors
    ///
    /// There are more than eight, an amount is 0, or no limit can have such a name.
    pub(crate) fn own_limits(&self) -> Result<OwnLimits, OwnLimitsError> {
        let limits = self.limits.iter();
        OwnLimits::checked(limits.map(|(name, amount)| (name.as_str(), *amount)))
    }

    /// Refuses a grant that is never valid, or whose text would break a log line.
    pub(crate) fn check_values(&self) -> Result<(), InvalidGrant> {
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
        self.own_limits()
            .map_err(|problem| InvalidGrant::OwnLimits { problem })?;
        if self.metadata.len() > MOST_METADATA || !self.metadata.iter().all(is_metadata) {
            return Err(InvalidGrant::Metadata);
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

/// Returns whether a text fits on one line of a log.
fn is_plain(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Returns whether a value has a name that an attribute can have, and fits on one line of a log.
fn is_metadata((name, value): (&String, &String)) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = (1..=LONGEST_METADATA_NAME).contains(&name.len()) && name.bytes().all(allowed);
    let fits = (1..=LONGEST_METADATA).contains(&value.len());
    is_name && fits && !value.chars().any(char::is_control)
}

/// Returns whether a text is a scope (RFC 6749 section 3.3).
fn is_scope(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=LONGEST_TEXT).contains(&text.len()) && text.bytes().all(allowed)
}

/// What is wrong with a [`Grant`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidGrant {
    /// More than 16 values of metadata, or one whose name or value has another form.
    Metadata,
    /// `expires` is not after `not_before`: the key would never be valid.
    NeverValid,
    /// The amounts of the key's own for rate limits cannot be used.
    OwnLimits {
        /// What is wrong with them.
        problem: OwnLimitsError,
    },
    /// A scope is empty, longer than 128 bytes, or holds a space, a quote or a backslash.
    Scope,
    /// A text is empty, longer than 128 bytes, or holds control characters.
    Text {
        /// The name of the field: `note`, `owner` or `tier`.
        field: &'static str,
    },
    /// More than 64 scopes or networks.
    TooMany,
}

impl fmt::Display for InvalidGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata => write!(
                f,
                "a key has at most {MOST_METADATA} values of metadata; a name has 1 to {LONGEST_METADATA_NAME} letters, digits, `-`, `_` and `.`, a value 1 to {LONGEST_METADATA} bytes on one line"
            ),
            Self::NeverValid => {
                f.write_str("`expires` is not after `not_before`: the key would never count")
            }
            Self::OwnLimits { problem } => problem.fmt(f),
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
