//! A network of clients, and the recorded addresses in it.

use std::net::IpAddr;

/// An address and the length of its prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// IPv4, where the address is one that is mapped to IPv6.
    address: IpAddr,
    /// How many leading bits must be equal. More than the address has count as all.
    bits: u8,
}

impl Network {
    pub(super) fn new(address: IpAddr, bits: u8) -> Self {
        let address = address.to_canonical();
        Self { address, bits }
    }

    /// Returns whether a recorded address is in the network. A text that is no address is not.
    pub(super) fn contains_text(self, recorded: Option<&str>) -> bool {
        let address = recorded.and_then(|text| text.parse::<IpAddr>().ok());
        match (address.map(|address| address.to_canonical()), self.address) {
            (Some(IpAddr::V4(ip)), IpAddr::V4(network)) => {
                let rest = 32_u32.saturating_sub(self.bits.into());
                let difference = ip.to_bits() ^ network.to_bits();
                difference.checked_shr(rest).unwrap_or(0) == 0
            }
            (Some(IpAddr::V6(ip)), IpAddr::V6(network)) => {
                let rest = 128_u32.saturating_sub(self.bits.into());
                let difference = ip.to_bits() ^ network.to_bits();
                difference.checked_shr(rest).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: (&str, u8), recorded: &str, contained: bool) {
        let (address, bits) = network;
        let network = Network::new(address.parse().unwrap(), bits);
        let found = network.contains_text(Some(recorded));
        assert_eq!(found, contained, "{recorded} in {network:?}");
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        let v4 = "203.0.113.7";
        check(("203.0.113.7", 32), v4, true);
        check(("::ffff:203.0.113.7", 200), v4, true);
        check(("203.0.113.8", 32), v4, false);
        check(("203.0.113.250", 24), v4, true);
        check(("8.8.8.8", 0), v4, true);
        check(("2001:db8::", 0), v4, false);
        let v6 = "2001:db8:1:2::9";
        check(("2001:db8:1:2::", 64), v6, true);
        check(("2001:db8:1:3::", 64), v6, false);
        check(("2001:db8:1:3::", 48), v6, true);
        check(("2001:db8:1:3::", 64), "unix", false);
    }
}
