//! The network of a client, by which events are counted.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The network of a peer: a /24 of IPv4, or a /64 of IPv6. Displays as `203.0.113.0/24`.
///
/// Events are counted by network, since an attacker often has many addresses in one.
///
/// ```
/// use palisade_transport::server::ClientNetwork;
///
/// let network = ClientNetwork::of("203.0.113.7".parse().unwrap());
/// assert_eq!(network.to_string(), "203.0.113.0/24");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// Returns the network of an address. An IPv4 address in IPv6 notation counts as IPv4.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ClientNetwork;
    ///
    /// let mapped = ClientNetwork::of("::ffff:203.0.113.7".parse().unwrap());
    /// assert_eq!(mapped, ClientNetwork::of("203.0.113.99".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) & (u32::MAX << 8)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64)).into(),
        })
    }

    /// Returns the first address of the network.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }

    /// Returns the length of the prefix: 24 or 64.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ClientNetwork;
    ///
    /// let home = ClientNetwork::of("2001:db8:1:2:3::4".parse().unwrap());
    /// assert_eq!((home.address().to_string().as_str(), home.prefix_length()), ("2001:db8:1:2::", 64));
    /// ```
    #[must_use]
    pub fn prefix_length(self) -> u8 {
        if self.0.is_ipv4() { 24 } else { 64 }
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.prefix_length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_a_24_of_ipv4_and_a_64_of_ipv6() {
        for (address, network) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ] {
            let found = ClientNetwork::of(address.parse().unwrap());
            assert_eq!(found.to_string(), network);
        }
    }
}
