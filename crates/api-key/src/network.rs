//! Networks from which a key may be used.
//!
//! A [`Grant`](crate::Grant) lists them; the layer compares them with the client's address.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// A range of IP addresses: `203.0.113.0/24`, `2001:db8::/32`, or a single address.
///
/// Parsing is strict. Bits after the prefix length (`10.0.0.1/8`) are refused: either the address
/// or the length is a mistake. Ranges of IPv4 addresses written as IPv6 (`::ffff:0:0/96`) are
/// refused too. A single address in that form is read as the IPv4 address.
///
/// ```
/// use palisade_api_key::Network;
///
/// let network: Network = "203.0.113.0/24".parse()?;
/// assert!(network.contains("203.0.113.7".parse()?));
/// assert!("10.0.0.1/8".parse::<Network>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network(IpNet);

impl Network {
    /// Returns whether an address is in the network.
    ///
    /// An IPv4 address written as IPv6 (`::ffff:203.0.113.7`) counts as IPv4.
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
        // `10.0.0.1/8` is a mistake either in the address or in the length, and the text does not
        // say in which.
        if network != network.trunc() || is_mapped(&network) {
            return Err(InvalidNetwork);
        }
        Ok(Self(network))
    }
}

/// Returns whether a range lies in `::ffff:0:0/96`. Client addresses there are converted to IPv4
/// first, so such a range would never match.
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

/// The text is not a network.
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
