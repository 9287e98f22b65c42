//! Whom a policy counts.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use http::request;
use palisade_core::SecurityContext;

/// One household or server has one IPv4 address.
const V4_PREFIX: u8 = 32;
/// One subscriber has at least a /64 of IPv6 and may use a new address of it for every request.
const V6_PREFIX: u8 = 64;
/// What new clients share when a table is full.
const COARSE_V4_PREFIX: u8 = 24;
const COARSE_V6_PREFIX: u8 = 48;

type CustomKey = dyn Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync;

/// Says whom a policy counts.
#[derive(Clone)]
pub struct Key(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Client {
        v4: u8,
        v6: u8,
    },
    Custom {
        name: &'static str,
        key: Arc<CustomKey>,
    },
    Everyone,
    Owner,
    Principal,
}

impl Key {
    /// Counts client addresses: each IPv4 address, each /64 of IPv6.
    #[must_use]
    pub const fn client() -> Self {
        Self::client_networks(V4_PREFIX, V6_PREFIX)
    }

    /// Counts client networks of these prefix lengths. Lengths beyond the address count as whole addresses.
    #[must_use]
    pub const fn client_networks(v4: u8, v6: u8) -> Self {
        Self(Kind::Client { v4, v6 })
    }

    /// Counts principals. A guest (someone asked, nobody was found) counts by client address.
    #[must_use]
    pub const fn principal() -> Self {
        Self(Kind::Principal)
    }

    /// Counts owners (tenants, accounts): all principals of one share its quota. One without an owner counts for itself.
    #[must_use]
    pub const fn owner() -> Self {
        Self(Kind::Owner)
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
            (
                Kind::Client { v4, v6 },
                Kind::Client {
                    v4: other_v4,
                    v6: other_v6,
                },
            ) => (v4, v6) == (other_v4, other_v6),
            (Kind::Custom { key, .. }, Kind::Custom { key: other, .. }) => Arc::ptr_eq(key, other),
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// Whether the key needs an authenticator outside it.
    pub(crate) const fn needs_identity(&self) -> bool {
        matches!(self.0, Kind::Owner | Kind::Principal)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Client { v4, v6 } => write!(f, "client (IPv4 /{v4}, IPv6 /{v6})"),
            Kind::Custom { name, .. } => f.write_str(name),
            Kind::Everyone => f.write_str("everyone"),
            Kind::Owner => f.write_str("owner"),
            Kind::Principal => f.write_str("principal"),
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
