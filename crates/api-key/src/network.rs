//! Networks that a key may be used from.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// A range of addresses: `203.0.113.0/24`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network(IpNet);

impl Network {
    /// Tells whether an address is inside. An IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse().map_err(|_| InvalidNetwork)?,
        };
        // `10.0.0.1/8` is either a mistake in the address or one in the length: which, nobody here can know.
        if network != network.trunc() || is_mapped(&network) {
            return Err(InvalidNetwork);
        }
        Ok(Self(network))
    }
}

/// Tells whether a range lies in `::ffff:0:0/96`, where no client ever is: theirs are made IPv4 first.
fn is_mapped(network: &IpNet) -> bool {
    match network {
        IpNet::V4(_) => false,
        IpNet::V6(network) => network.addr().to_ipv4_mapped().is_some(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says that a text is no network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidNetwork;

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network is written as 203.0.113.0/24 or 2001:db8::/32, without bits behind its length")
    }
}

impl std::error::Error for InvalidNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, address: &str, inside: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(
            network.contains(address.parse().unwrap()),
            inside,
            "{network} {address}"
        );
    }

    #[test]
    fn addresses_are_inside_or_outside() {
        check("203.0.113.0/24", "203.0.113.255", true);
        check("203.0.113.0/24", "203.0.114.0", false);
        check("203.0.113.0/24", "::ffff:203.0.113.7", true);
        check("203.0.113.7", "203.0.113.7", true);
        check("::ffff:203.0.113.7", "203.0.113.7", true);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "203.0.113.7", false);
    }

    #[test]
    fn doubtful_networks_are_refused() {
        for text in [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0/8",
            "::ffff:10.0.0.0/104",
            "localhost",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
