//! Whom a charge is counted against, as a store sees it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What new clients share when a table is full.
const COARSE_V4_PREFIX: u8 = 24;
const COARSE_V6_PREFIX: u8 = 48;
/// What may fill no more than a quarter of a table: roughly what a provider's site has.
const REGION_V4_PREFIX: u8 = 16;
const REGION_V6_PREFIX: u8 = 32;

/// Whom a charge is counted against. Stores keep a keyed hash of it and nothing else.
///
/// Layers make one from each request. Operators pass one to `RateLimitLayer::reset`.
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

    /// Whom it is counted with when there is no room for it alone. `None`: the store chooses.
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
