//! Whom a charge is counted against, as a store sees it.
//!
//! From a subject a store makes three hashes: of itself, of the group that it shares a bucket with while a
//! table is full, and of the wide network whose part of the table is limited.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What new clients share when a table is full.
const COARSE_V4_PREFIX: u8 = 24;
/// The network of IPv6 whose new clients share a bucket while the table is full.
const COARSE_V6_PREFIX: u8 = 48;
/// What may fill no more than a quarter of a table: roughly what a provider's site has.
const REGION_V4_PREFIX: u8 = 16;
/// The larger network around it. A provider seldom has more than one.
const REGION_V6_PREFIX: u8 = 32;

/// Whom a charge is counted against.
///
/// Layers make one from each request. Operators pass one to
/// [`RateLimitLayer::reset`](crate::RateLimitLayer::reset). Stores keep a keyed hash of it and nothing
/// else, so that no address and no user name is in a store.
///
/// ```
/// use palisade_rate_limit::Subject;
///
/// let anna = Subject::Named { kind: "api_key", id: "anna", group: None };
/// let office = Subject::network("203.0.113.77".parse()?, 24, 64);
/// assert_ne!(anna, office);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Subject<'a> {
    /// All requests together.
    Everyone,
    /// A principal, an owner, or what a custom key returned.
    Named {
        /// What sort of name it is: an authenticator's kind (`api_key`, `jwt`), `owner`, or a custom key's name.
        kind: &'a str,
        /// The name. Two subjects with one name and different kinds are different.
        id: &'a str,
        /// With whom it is counted while a table in memory has no space: the owner. Not part of the hash.
        group: Option<&'a str>,
    },
    /// A network of addresses. A single address is a network of 32 or 128 bits.
    Network {
        /// The first address of the network.
        first: IpAddr,
        /// Its prefix length.
        prefix: u8,
    },
}

impl Subject<'_> {
    /// Returns the network of an address, with these prefix lengths in bits for IPv4 and IPv6.
    ///
    /// Lengths beyond the address are cut. An IPv4 address inside IPv6 counts as IPv4 (RFC 4291, 2.5.5.2).
    ///
    /// ```
    /// use palisade_rate_limit::Subject;
    ///
    /// let mapped = Subject::network("::ffff:203.0.113.77".parse()?, 24, 64);
    /// assert_eq!(mapped, Subject::network("203.0.113.1".parse()?, 24, 64));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
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

    /// Passes the bytes of the subject to a hasher. No two different subjects give the same sequence: lengths
    /// stand before texts, and prefixes before addresses.
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

    /// Returns the wide network whose part of a table is limited: IPv4 /16, IPv6 /32. `None`: the subject itself.
    #[must_use]
    pub fn region(&self) -> Option<Self> {
        match *self {
            Self::Everyone | Self::Named { .. } => None,
            Self::Network { first, .. } => {
                Some(Self::network(first, REGION_V4_PREFIX, REGION_V6_PREFIX))
            }
        }
    }

    /// Returns with whom it is counted when there is no space for it alone: IPv4 /24, IPv6 /48, or the group.
    /// `None`: the store chooses.
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
