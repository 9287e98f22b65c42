//! The addresses of trusted proxies.

use std::{fmt, net::IpAddr, sync::Arc};

use ipnet::IpNet;

use crate::error::TransportBuildError;

/// The addresses of proxies whose forwarding headers are accepted. Parsed once, at start.
///
/// There is no default. Addresses are compared in canonical form, so
/// `::ffff:10.1.2.3` is `10.1.2.3`. Cloning is cheap: the list is shared.
///
/// Used by [`ClientInfoLayer::behind`](crate::ClientInfoLayer::behind). The server has the same
/// list for its limits per address (`Server::behind`).
///
/// ```
/// use palisade_transport::TrustedProxies;
///
/// let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8::/32, 192.0.2.7")?;
/// assert!(proxies.contains("10.1.2.3".parse().unwrap()));
/// assert!(proxies.contains("::ffff:10.1.2.3".parse().unwrap())); // the same address as IPv6
/// assert!(!proxies.contains("203.0.113.7".parse().unwrap()));
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[must_use]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
}

impl TrustedProxies {
    /// Trusts no proxy: the peer is the client. For a server that clients reach directly.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::TrustedProxies;
    ///
    /// assert!(TrustedProxies::none().is_empty());
    /// ```
    pub fn none() -> Self {
        Self {
            networks: Arc::default(),
        }
    }

    /// Trusts proxies on this machine: `127.0.0.0/8` and `::1`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::TrustedProxies;
    ///
    /// let proxies = TrustedProxies::loopback();
    /// assert!(proxies.contains("127.0.0.1".parse().unwrap()));
    /// assert!(!proxies.contains("192.0.2.7".parse().unwrap()));
    /// ```
    pub fn loopback() -> Self {
        Self::of([IpNet::from(LOOPBACK_4), IpNet::from(LOOPBACK_6)])
    }

    /// Reads addresses and networks, separated by commas, spaces, tabs or line breaks.
    ///
    /// An empty text trusts no proxy, as [`none`](Self::none). Adjacent and repeated networks
    /// are merged.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::Network`] if one is not an address or a network, is the whole internet
    /// (`0.0.0.0/0`), or has bits set after its prefix. `10.0.0.1/8` could mean `10.0.0.1` or
    /// `10.0.0.0/8`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::TrustedProxies;
    ///
    /// assert!(TrustedProxies::parse("10.0.0.0/8, 192.0.2.7").is_ok());
    /// assert!(TrustedProxies::parse("10.0.0.1/8").is_err()); // an address or a network?
    /// assert!(TrustedProxies::parse("0.0.0.0/0").is_err()); // everyone
    /// ```
    pub fn parse(list: &str) -> Result<Self, TransportBuildError> {
        let written = list
            .split([',', ' ', '\t', '\n'])
            .filter(|one| !one.is_empty());
        let networks: Result<Vec<_>, _> = written.map(parse_network).collect();
        networks.map(Self::of)
    }

    /// Trusts every peer address.
    ///
    /// Each client can then forge its address, so limits, allow-lists and records by address
    /// have no value. Only for a server that no one but its proxy can reach, in a network whose
    /// addresses are not known at start.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::TrustedProxies;
    ///
    /// let proxies = TrustedProxies::dangerously_trust_everyone();
    /// assert!(proxies.trusts_everyone());
    /// ```
    pub fn dangerously_trust_everyone() -> Self {
        Self::of([IpNet::from(EVERYONE_4), IpNet::from(EVERYONE_6)])
    }

    /// Returns the networks of both lists.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::TrustedProxies;
    ///
    /// let both = TrustedProxies::loopback().and(&TrustedProxies::parse("10.0.0.0/8")?);
    /// assert!(both.contains("10.1.2.3".parse().unwrap()));
    /// assert!(both.contains("::1".parse().unwrap()));
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn and(&self, other: &Self) -> Self {
        Self::of(self.networks.iter().chain(other.networks.iter()).copied())
    }

    /// Returns whether an address is one of these proxies.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Returns whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Returns whether every address is trusted. An application should warn about it at start.
    #[must_use]
    pub fn trusts_everyone(&self) -> bool {
        self.networks
            .iter()
            .any(|network| network.prefix_len() == 0)
    }

    /// Merges adjacent and repeated networks.
    fn of(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let networks: Vec<_> = networks.into_iter().collect();
        // Adjacent and repeated networks become one, so that each lookup compares fewer.
        Self {
            networks: IpNet::aggregate(&networks).into(),
        }
    }
}

const LOOPBACK_4: ipnet::Ipv4Net = v4(std::net::Ipv4Addr::new(127, 0, 0, 0), 8);
const LOOPBACK_6: ipnet::Ipv6Net = v6(std::net::Ipv6Addr::LOCALHOST, 128);
const EVERYONE_4: ipnet::Ipv4Net = v4(std::net::Ipv4Addr::UNSPECIFIED, 0);
const EVERYONE_6: ipnet::Ipv6Net = v6(std::net::Ipv6Addr::UNSPECIFIED, 0);

const fn v4(address: std::net::Ipv4Addr, prefix: u8) -> ipnet::Ipv4Net {
    ipnet::Ipv4Net::new_assert(address, prefix)
}

const fn v6(address: std::net::Ipv6Addr, prefix: u8) -> ipnet::Ipv6Net {
    ipnet::Ipv6Net::new_assert(address, prefix)
}

/// Reads one address or network. An address is a network of one.
fn parse_network(written: &str) -> Result<IpNet, TransportBuildError> {
    let wrong = |problem| TransportBuildError::Network {
        written: written.into(),
        problem,
    };
    let network = match written.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => written
            .parse::<IpAddr>()
            .map(IpNet::from)
            .map_err(|_| wrong("write an address or a network such as `10.0.0.0/8`"))?,
    };
    let network = without_mapping(network).ok_or_else(|| {
        wrong("half of these addresses are IPv4 ones: write the IPv4 network by itself")
    })?;
    if network.addr() != network.network() {
        return Err(wrong(
            "bits are set behind the prefix: write the first address of the network",
        ));
    }
    if network.prefix_len() == 0 {
        return Err(wrong(
            "this is the whole internet: every client could invent its address",
        ));
    }
    Ok(network)
}

/// Turns `::ffff:10.0.0.0/104` into `10.0.0.0/8`, since addresses are compared in canonical
/// form.
///
/// `None` if the network has more than the mapped addresses.
fn without_mapping(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(six) = network else {
        return Some(network);
    };
    let Some(four) = six.addr().to_ipv4_mapped() else {
        return Some(network);
    };
    let prefix = six.prefix_len().checked_sub(96)?;
    ipnet::Ipv4Net::new(four, prefix).ok().map(IpNet::from)
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.networks.iter().map(ToString::to_string))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_what_is_listed_is_believed() {
        let proxies = TrustedProxies::parse("10.0.0.0/8,192.0.2.7 2001:db8::/32").unwrap();
        for inside in [
            "10.255.0.1",
            "192.0.2.7",
            "2001:db8:ffff::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(proxies.contains(ip(inside)), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "::10.0.0.1"] {
            assert!(!proxies.contains(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn no_proxy_is_trusted_by_default() {
        assert!(TrustedProxies::none().is_empty());
        assert!(!TrustedProxies::none().contains(ip("127.0.0.1")));
        assert!(TrustedProxies::parse(" , ").unwrap().is_empty());
    }

    #[test]
    fn a_mapped_network_is_the_plain_one() {
        let proxies = TrustedProxies::parse("::ffff:10.0.0.0/104").unwrap();
        assert!(proxies.contains(ip("10.9.9.9")));
        assert!(!proxies.contains(ip("11.0.0.0")));
    }

    #[test]
    fn what_is_no_network_is_refused_with_its_reason() {
        for (written, reason) in [
            ("localhost", "write an address"),
            ("10.0.0.0/33", "write an address"),
            ("10.0.0.256", "write an address"),
            ("010.0.0.1", "write an address"),
            ("fe80::1%eth0", "write an address"),
            ("10.0.0.1/8", "bits are set"),
            ("::ffff:10.0.0.0/90", "half of these"),
            ("0.0.0.0/0", "whole internet"),
            ("::/0", "whole internet"),
            ("::ffff:0.0.0.0/96", "whole internet"),
        ] {
            let error = TrustedProxies::parse(written).unwrap_err().to_string();
            assert!(error.contains(reason), "{written}: {error}");
            assert!(error.contains(written), "{written}: {error}");
        }
    }

    #[test]
    fn everyone_is_believed_only_by_the_loud_name() {
        let everyone = TrustedProxies::dangerously_trust_everyone();
        assert!(everyone.contains(ip("203.0.113.7")) && everyone.contains(ip("2001:db8::1")));
        assert!(everyone.trusts_everyone());
        assert!(!TrustedProxies::loopback().trusts_everyone());
    }

    #[test]
    fn lists_add_up() {
        let both = TrustedProxies::loopback().and(&TrustedProxies::parse("10.0.0.0/8").unwrap());
        assert!(both.contains(ip("::1")) && both.contains(ip("10.0.0.1")));
    }
}
