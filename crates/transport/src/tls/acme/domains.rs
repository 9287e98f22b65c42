//! Checks the names of a certificate before an authority is asked, and writes them as the challenges
//! and orders need them.

use std::net::IpAddr;

use instant_acme::Identifier;

use super::{AcmeError, AcmeSettingError};

/// The most names of one certificate. Let's Encrypt has the same limit.
const MAX_NAMES: usize = 100;

/// Checks the names, and returns them in lower case without duplicates. Addresses are in canonical
/// form, without brackets.
///
/// The first name stays first: it names the file of the certificate.
///
/// # Errors
///
/// There is no name, one cannot be in a certificate, or there are more than 100.
pub(super) fn checked_domains(domains: Vec<String>) -> Result<Vec<String>, AcmeError> {
    let mut checked: Vec<String> = Vec::with_capacity(domains.len());
    for domain in domains {
        let domain = canonical(&domain)?;
        if !checked.contains(&domain) {
            checked.push(domain);
        }
    }
    match checked.len() {
        1..=MAX_NAMES => Ok(checked),
        0 => Err(AcmeSettingError::NoDomain.into()),
        _ => Err(AcmeSettingError::TooManyDomains.into()),
    }
}

/// Returns a name as a certificate has it.
///
/// An authority would refuse the others too, but each refusal counts against its limits.
/// Internationalized names are given in their ASCII form (`xn--…`, RFC 5890).
///
/// # Errors
///
/// It cannot be in a certificate.
fn canonical(domain: &str) -> Result<String, AcmeSettingError> {
    let domain = domain.to_ascii_lowercase();
    match address(&domain) {
        Some(address) if address.is_unspecified() || address.is_multicast() => {
            let domain = domain.into();
            Err(AcmeSettingError::AddressOfNoHost { domain })
        }
        Some(address) => Ok(address.to_string()),
        None => check_host(&domain).map(|()| domain),
    }
}

/// Reads an address, with or without the brackets that IPv6 has in a URL.
fn address(name: &str) -> Option<IpAddr> {
    let inner = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => name.parse().ok(),
    }
}

/// Returns a checked name for an order: a host, or an address (RFC 8738, section 3).
pub(super) fn identifier(domain: &str) -> Identifier {
    match domain.parse() {
        Ok(address) => Identifier::Ip(address),
        Err(_) => Identifier::Dns(domain.to_owned()),
    }
}

/// Returns the name that an authority sends in the handshake of tls-alpn-01. For an address that is its
/// name in the reverse zone (RFC 8738, section 6), since an address cannot be in SNI.
pub(super) fn server_name(domain: &str) -> String {
    match domain.parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(address)) => {
            let digits = format!("{:032x}", address.to_bits());
            let digits = digits.chars().rev();
            digits.flat_map(|digit| [digit, '.']).collect::<String>() + "ip6.arpa"
        }
        Err(_) => domain.to_owned(),
    }
}

/// Returns a checked name as a URL and the `Host` field have it: IPv6 in brackets.
pub(super) fn host(domain: &str) -> String {
    match domain.contains(':') {
        true => format!("[{domain}]"),
        false => domain.to_owned(),
    }
}

/// Refuses what is not the name of a host.
fn check_host(domain: &str) -> Result<(), AcmeSettingError> {
    if domain.starts_with("*.") {
        let domain = domain.into();
        return Err(AcmeSettingError::DomainIsWildcard { domain });
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match domain.len() <= 253 && domain.split('.').all(is_label) {
        true => Ok(()),
        false => Err(AcmeSettingError::InvalidDomain {
            domain: domain.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_and_their_addresses_are_ordered() {
        for domain in [
            "*.a.example",
            "0.0.0.0",
            "::",
            "ff02::1",
            "224.0.0.1",
            "[10.0.0.1]",
            "[::1",
            "10.0.0.1:443",
            "[::1]:443",
            "a.example:443",
            "a..b",
            "-a.b",
            "a/b",
            "",
        ] {
            let refused = checked_domains(vec![domain.to_owned()]);
            assert!(matches!(refused, Err(AcmeError::Setting(_))), "{domain}");
        }
        assert!(checked_domains(Vec::new()).is_err());
    }

    #[test]
    fn an_address_is_ordered_once_in_its_canonical_form() {
        let domains = ["[2001:DB8:0::1]", "2001:db8::1", "203.0.113.7", "A.example"];
        let checked = checked_domains(domains.map(str::to_owned).to_vec()).unwrap();
        assert_eq!(checked, ["2001:db8::1", "203.0.113.7", "a.example"]);
        let identifiers = checked.iter().map(|domain| identifier(domain));
        let identifiers: Vec<Identifier> = identifiers.collect();
        assert_eq!(
            identifiers,
            [
                Identifier::Ip("2001:db8::1".parse().unwrap()),
                Identifier::Ip("203.0.113.7".parse().unwrap()),
                Identifier::Dns("a.example".to_owned()),
            ]
        );
        let hosts = checked.iter().map(|domain| host(domain));
        let hosts: Vec<String> = hosts.collect();
        assert_eq!(hosts, ["[2001:db8::1]", "203.0.113.7", "a.example"]);
    }

    /// The examples are those of RFC 8738, section 6, and RFC 3596, section 2.5.
    #[test]
    fn a_handshake_names_an_address_by_its_reverse_zone() {
        for (domain, name) in [
            ("a.example", "a.example"),
            ("203.0.113.7", "7.113.0.203.in-addr.arpa"),
            (
                "2001:db8::1",
                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            ),
        ] {
            assert_eq!(server_name(domain), name);
        }
    }
}
