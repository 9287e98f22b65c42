//! Whom a policy counts.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
};

use http::request;
use palisade_core::{Identity, SecurityContext};

/// One household or server has one IPv4 address.
const V4_PREFIX: u8 = 32;
/// One subscriber has at least a /64 of IPv6 and may use a new address of it for every request.
const V6_PREFIX: u8 = 64;
/// What new clients share when a table is full.
const COARSE_V4_PREFIX: u8 = 24;
const COARSE_V6_PREFIX: u8 = 48;
/// What may fill no more than a quarter of a table: roughly what a provider's site has.
const REGION_V4_PREFIX: u8 = 16;
const REGION_V6_PREFIX: u8 = 32;
/// One household often has a /56 of IPv6: 256 subscribers' worth of addresses. Devices of one
/// household, or neighbours with a /64 each, may need more than one client does.
const NETWORK: Ipv6Network = Ipv6Network {
    prefix: 56,
    multiple: NonZeroU32::new(4).expect("four is not zero"),
};

type CustomKey = dyn Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync;

/// Says whom a policy counts.
#[derive(Clone)]
pub struct Key(pub(crate) Kind);

/// How addresses are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Clients {
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
pub(crate) enum Kind {
    Client(Clients),
    Custom {
        name: &'static str,
        key: Arc<CustomKey>,
    },
    Everyone,
    Owner(Clients),
    Principal(Clients),
}

impl Key {
    /// Counts client addresses: each IPv4 address, each /64 of IPv6, and beside them each /56 of
    /// IPv6, which has four times the quota (see [`ipv6_network`](Self::ipv6_network)).
    #[must_use]
    pub const fn client() -> Self {
        Self(Kind::Client(Clients::DEFAULT))
    }

    /// Counts client networks of these prefix lengths. The same as `Key::client().prefixes(v4, v6)`.
    #[must_use]
    pub fn client_networks(v4: u8, v6: u8) -> Self {
        Self::client().prefixes(v4, v6)
    }

    /// Counts principals. A guest (someone asked, nobody was found) counts by client address.
    #[must_use]
    pub const fn principal() -> Self {
        Self(Kind::Principal(Clients::DEFAULT))
    }

    /// Counts owners (tenants, accounts): all principals of one share its quota. One without an owner counts for itself.
    #[must_use]
    pub const fn owner() -> Self {
        Self(Kind::Owner(Clients::DEFAULT))
    }

    /// Counts clients, or guests where principals are counted, by networks of these prefix lengths.
    /// Default: 32 for IPv4, 64 for IPv6. Lengths beyond the address count as whole addresses.
    /// Without effect on keys that count no addresses.
    #[must_use]
    pub fn prefixes(self, v4: u8, v6: u8) -> Self {
        self.with_clients(|clients| Clients { v4, v6, ..clients })
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
        self.with_clients(|clients| Clients { network, ..clients })
    }

    /// Counts no wider network of IPv6: for networks in which every /64 is a client of its own.
    #[must_use]
    pub fn without_ipv6_network(self) -> Self {
        let network = None;
        self.with_clients(|clients| Clients { network, ..clients })
    }

    fn with_clients(self, change: impl FnOnce(Clients) -> Clients) -> Self {
        Self(match self.0 {
            Kind::Client(clients) => Kind::Client(change(clients)),
            Kind::Owner(clients) => Kind::Owner(change(clients)),
            Kind::Principal(clients) => Kind::Principal(change(clients)),
            other => other,
        })
    }

    fn clients(&self) -> Option<&Clients> {
        match &self.0 {
            Kind::Client(clients) | Kind::Owner(clients) | Kind::Principal(clients) => {
                Some(clients)
            }
            Kind::Custom { .. } | Kind::Everyone => None,
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
            matches!(self.0, Kind::Client(_)) || matches!(cx.identity(), Identity::Anonymous);
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
        Self(Kind::Everyone)
    }

    /// Counts what a function finds. All requests in which it finds nothing share one bucket:
    /// leaving the key out buys no freedom. `name` keeps keys of different meaning apart.
    #[must_use]
    pub fn custom(
        name: &'static str,
        key: impl Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Custom {
            name,
            key: Arc::new(key),
        })
    }

    /// Whether two keys always find the same subject, so that it need be looked for only once.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Custom { key, .. }, Kind::Custom { key: other, .. }) => Arc::ptr_eq(key, other),
            (Kind::Client(one), Kind::Client(other))
            | (Kind::Owner(one), Kind::Owner(other))
            | (Kind::Principal(one), Kind::Principal(other)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// Whether the key needs an authenticator outside it.
    pub(crate) const fn needs_identity(&self) -> bool {
        matches!(self.0, Kind::Owner(_) | Kind::Principal(_))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Client(clients) => write!(f, "client ({clients})"),
            Kind::Custom { name, .. } => f.write_str(name),
            Kind::Everyone => f.write_str("everyone"),
            Kind::Owner(_) => f.write_str("owner"),
            Kind::Principal(_) => f.write_str("principal"),
        }
    }
}

impl Clients {
    const DEFAULT: Self = Self {
        v4: V4_PREFIX,
        v6: V6_PREFIX,
        network: Some(NETWORK),
    };

    fn network(&self) -> Option<Ipv6Network> {
        self.network.filter(|network| network.prefix < self.v6)
    }
}

impl fmt::Display for Clients {
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

/// Someone who is counted, on the way to a store, which keeps a keyed hash of it only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Subject<'a> {
    /// Everybody together.
    Everyone,
    /// Someone with a name.
    Named {
        /// What sort of name: an authenticator's kind, `owner`, a custom key's name.
        kind: &'a str,
        /// The name.
        id: &'a str,
        /// Whom it may be counted with when there is no room.
        group: Option<&'a str>,
    },
    /// An address, or the network around it.
    Network {
        /// The first address of the network.
        first: IpAddr,
        /// Its prefix length.
        prefix: u8,
    },
}

impl Subject<'_> {
    /// The network of an address.
    #[must_use]
    pub fn network(ip: IpAddr, v4: u8, v6: u8) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let prefix = v4.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                let first = Ipv4Addr::from_bits(ip.to_bits() & mask);
                Self::Network {
                    first: IpAddr::V4(first),
                    prefix,
                }
            }
            IpAddr::V6(ip) => {
                let prefix = v6.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                let first = Ipv6Addr::from_bits(ip.to_bits() & mask);
                Self::Network {
                    first: IpAddr::V6(first),
                    prefix,
                }
            }
        }
    }

    /// Hands over the bytes that tell subjects apart: no two different ones give the same sequence.
    pub fn write(&self, hasher: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Everyone => hasher(b"*"),
            Self::Named { kind, id, .. } => {
                hasher(b"n");
                hasher(&(kind.len() as u64).to_le_bytes());
                hasher(kind.as_bytes());
                hasher(id.as_bytes());
            }
            Self::Network {
                first: IpAddr::V4(first),
                prefix,
            } => {
                hasher(&[b'4', *prefix]);
                hasher(&first.octets());
            }
            Self::Network {
                first: IpAddr::V6(first),
                prefix,
            } => {
                hasher(&[b'6', *prefix]);
                hasher(&first.octets());
            }
        }
    }

    /// The wider network whose part of a table is limited. `None`: the subject itself.
    #[must_use]
    pub fn region(&self) -> Option<Self> {
        match *self {
            Self::Everyone | Self::Named { .. } => None,
            Self::Network { first, .. } => {
                Some(Self::network(first, REGION_V4_PREFIX, REGION_V6_PREFIX))
            }
        }
    }

    /// Whom it is counted with when there is no room for it alone. `None`: with whoever the store likes.
    #[must_use]
    pub fn coarser(&self) -> Option<Self> {
        match *self {
            Self::Everyone => None,
            Self::Named { group, .. } => group.map(|id| Self::Named {
                kind: "group",
                id,
                group: None,
            }),
            Self::Network { first, .. } => {
                Some(Self::network(first, COARSE_V4_PREFIX, COARSE_V6_PREFIX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: &str, v4: u8, v6: u8, first: &str, prefix: u8) {
        let expected = Subject::Network {
            first: first.parse().unwrap(),
            prefix,
        };
        assert_eq!(Subject::network(ip.parse().unwrap(), v4, v6), expected);
    }

    #[test]
    fn an_address_is_cut_to_its_network() {
        check("203.0.113.77", 32, 64, "203.0.113.77", 32);
        check("203.0.113.77", 24, 64, "203.0.113.0", 24);
        check("203.0.113.77", 0, 64, "0.0.0.0", 0);
        check("203.0.113.77", 200, 64, "203.0.113.77", 32);
        check("2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::", 64);
        check("2001:db8:1:2:3:4:5:6", 32, 48, "2001:db8:1::", 48);
        check("2001:db8::1", 32, 0, "::", 0);
        check("2001:db8::1", 32, 255, "2001:db8::1", 128);
        check("::ffff:203.0.113.77", 32, 64, "203.0.113.77", 32);
    }

    #[test]
    fn different_subjects_have_different_bytes() {
        let named = |kind, id| Subject::Named {
            kind,
            id,
            group: None,
        };
        let all = [
            Subject::Everyone,
            named("ab", "c"),
            named("a", "bc"),
            named("", "abc"),
            Subject::network("1.2.3.4".parse().unwrap(), 32, 64),
            Subject::network("1.2.3.4".parse().unwrap(), 31, 64),
            Subject::network("102:304::".parse().unwrap(), 32, 32),
        ];
        let bytes = |subject: &Subject<'_>| {
            let mut all = Vec::new();
            subject.write(&mut |part| all.extend_from_slice(part));
            all
        };
        let distinct: std::collections::HashSet<_> = all.iter().map(bytes).collect();
        assert_eq!(distinct.len(), all.len());
    }
}
