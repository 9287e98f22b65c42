//! Whom a policy counts.

use std::{fmt, net::IpAddr, num::NonZeroU32, sync::Arc};

use http::request;
use palisade_core::{Identity, SecurityContext};

use super::subject::Subject;

/// One household or server has one IPv4 address.
const V4_PREFIX: u8 = 32;
/// One subscriber has at least a /64 of IPv6 and may use a new address of it for every request.
const V6_PREFIX: u8 = 64;
/// One household often has a /56 of IPv6: 256 subscribers' worth of addresses. Devices of one
/// household, or neighbours with a /64 each, may need more than one client does.
const NETWORK: Ipv6Network = Ipv6Network {
    prefix: 56,
    multiple: NonZeroU32::new(4).expect("four is not zero"),
};

type CustomKey = dyn Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync;

/// Says whom a policy counts: clients, principals, owners, everyone together, or a custom property.
///
/// | key | counts | needs |
/// |---|---|---|
/// | [`client`](Self::client) | IPv4 addresses, /64 networks of IPv6, and /56 networks around them | the client's address |
/// | [`principal`](Self::principal) | principals, and guests by address | an authenticator |
/// | [`owner`](Self::owner) | owners (tenants), and guests by address | an authenticator |
/// | [`everyone`](Self::everyone) | all requests in one bucket | nothing |
/// | [`custom`](Self::custom) | what a function returns | what the function needs |
///
/// What is needed and missing makes every request 500 `misconfigured`.
///
/// ```
/// use palisade_rate_limit::Key;
///
/// // A provider that gives each customer a /48 of IPv6.
/// let key = Key::client().prefixes(32, 48).without_ipv6_network();
/// # let _ = key;
/// ```
#[derive(Clone)]
pub struct Key(pub(crate) KeyKind);

/// How addresses are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AddressPrefixes {
    pub(crate) v4: u8,
    pub(crate) v6: u8,
    network: Option<Ipv6Network>,
}

/// A network of IPv6 that is counted beside the clients in it, with so many times their quota.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ipv6Network {
    pub(crate) prefix: u8,
    pub(crate) multiple: NonZeroU32,
}

#[derive(Clone)]
pub(crate) enum KeyKind {
    Client(AddressPrefixes),
    Custom {
        name: &'static str,
        key: Arc<CustomKey>,
    },
    Everyone,
    Owner(AddressPrefixes),
    Principal(AddressPrefixes),
}

impl Key {
    /// Counts client addresses: each IPv4 address, each /64 of IPv6, and beside them each /56 of
    /// IPv6, which has four times the quota (see [`ipv6_network`](Self::ipv6_network)).
    #[must_use]
    pub const fn client() -> Self {
        Self(KeyKind::Client(AddressPrefixes::DEFAULT))
    }

    /// Counts client networks of these prefix lengths. The same as `Key::client().prefixes(v4, v6)`.
    #[must_use]
    pub fn client_networks(v4: u8, v6: u8) -> Self {
        Self::client().prefixes(v4, v6)
    }

    /// Counts principals. A guest (an authenticator ran and found no principal) counts by client address.
    #[must_use]
    pub const fn principal() -> Self {
        Self(KeyKind::Principal(AddressPrefixes::DEFAULT))
    }

    /// Counts owners (tenants, accounts): all principals of one share its quota. One without an owner counts for itself.
    #[must_use]
    pub const fn owner() -> Self {
        Self(KeyKind::Owner(AddressPrefixes::DEFAULT))
    }

    /// Counts clients, or guests where principals are counted, by networks of these prefix lengths.
    /// Default: 32 for IPv4, 64 for IPv6. Lengths beyond the address count as whole addresses.
    /// Without effect on keys that count no addresses.
    #[must_use]
    pub fn prefixes(self, v4: u8, v6: u8) -> Self {
        self.with_clients(|clients| AddressPrefixes { v4, v6, ..clients })
    }

    /// Counts a wider network of IPv6 beside each client, or guest, with `multiple` times the quota,
    /// burst and debt. One household or server often has a /56 or a /48 of addresses; without this,
    /// each /64 of it would buy the whole quota again.
    ///
    /// Default: /56 and 4. The limit is called like the policy with `-network` at its end, and
    /// clients are told of it only where it refuses. Ignored unless it is shorter than the prefix
    /// length of clients. Without effect on IPv4 and on keys that count no addresses.
    #[must_use]
    pub fn ipv6_network(self, prefix: u8, multiple: NonZeroU32) -> Self {
        let network = Some(Ipv6Network { prefix, multiple });
        self.with_clients(|clients| AddressPrefixes { network, ..clients })
    }

    /// Counts no wider network of IPv6: for networks in which every /64 is a client of its own.
    #[must_use]
    pub fn without_ipv6_network(self) -> Self {
        let network = None;
        self.with_clients(|clients| AddressPrefixes { network, ..clients })
    }

    fn with_clients(self, change: impl FnOnce(AddressPrefixes) -> AddressPrefixes) -> Self {
        Self(match self.0 {
            KeyKind::Client(clients) => KeyKind::Client(change(clients)),
            KeyKind::Owner(clients) => KeyKind::Owner(change(clients)),
            KeyKind::Principal(clients) => KeyKind::Principal(change(clients)),
            other => other,
        })
    }

    fn clients(&self) -> Option<&AddressPrefixes> {
        match &self.0 {
            KeyKind::Client(clients) | KeyKind::Owner(clients) | KeyKind::Principal(clients) => {
                Some(clients)
            }
            KeyKind::Custom { .. } | KeyKind::Everyone => None,
        }
    }

    /// Returns the network of IPv6 that is counted beside clients.
    pub(crate) fn network(&self) -> Option<Ipv6Network> {
        self.clients()?.network()
    }

    /// Finds the network of IPv6 that counts this request beside the client; `None` for IPv4, and
    /// for principals.
    pub(crate) fn network_of(&self, cx: &SecurityContext) -> Option<Subject<'static>> {
        let by_address =
            matches!(self.0, KeyKind::Client(_)) || matches!(cx.identity(), Identity::Anonymous);
        let client = by_address.then(|| cx.client()).flatten()?;
        self.network_around(client.ip())
    }

    /// Returns the network of IPv6 around an address that is counted beside the client.
    pub(crate) fn network_around(&self, ip: IpAddr) -> Option<Subject<'static>> {
        let ip = ip.to_canonical();
        let network = self.network().filter(|_| ip.is_ipv6())?;
        Some(Subject::network(ip, V4_PREFIX, network.prefix))
    }

    /// Counts everybody together.
    #[must_use]
    pub const fn everyone() -> Self {
        Self(KeyKind::Everyone)
    }

    /// Counts what a function finds. All requests in which it finds nothing share one bucket:
    /// leaving the key out buys no freedom. `name` keeps keys of different meaning apart.
    #[must_use]
    pub fn custom(
        name: &'static str,
        key: impl Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(KeyKind::Custom {
            name,
            key: Arc::new(key),
        })
    }

    /// Whether two keys always find the same subject, so that it need be looked for only once.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (KeyKind::Custom { key, .. }, KeyKind::Custom { key: other, .. }) => {
                Arc::ptr_eq(key, other)
            }
            (KeyKind::Client(one), KeyKind::Client(other))
            | (KeyKind::Owner(one), KeyKind::Owner(other))
            | (KeyKind::Principal(one), KeyKind::Principal(other)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// Whether the key needs an authenticator outside it.
    pub(crate) const fn needs_identity(&self) -> bool {
        matches!(self.0, KeyKind::Owner(_) | KeyKind::Principal(_))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            KeyKind::Client(clients) => write!(f, "client ({clients})"),
            KeyKind::Custom { name, .. } => f.write_str(name),
            KeyKind::Everyone => f.write_str("everyone"),
            KeyKind::Owner(_) => f.write_str("owner"),
            KeyKind::Principal(_) => f.write_str("principal"),
        }
    }
}

impl AddressPrefixes {
    const DEFAULT: Self = Self {
        v4: V4_PREFIX,
        v6: V6_PREFIX,
        network: Some(NETWORK),
    };

    fn network(&self) -> Option<Ipv6Network> {
        self.network.filter(|network| network.prefix < self.v6)
    }
}

impl fmt::Display for AddressPrefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IPv4 /{}, IPv6 /{}", self.v4, self.v6)?;
        match self.network() {
            Some(Ipv6Network { prefix, multiple }) => {
                write!(f, "; each IPv6 /{prefix} {multiple} times as much")
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}
