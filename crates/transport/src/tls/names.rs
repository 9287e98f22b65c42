//! The hosts and addresses that a certificate is valid for.

use std::net::IpAddr;

use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::ParsedExtension,
};

/// Returns the names of a certificate: hosts in lower case, addresses in canonical form.
///
/// Only the subject alternative names count (RFC 6125); other kinds of names are skipped.
pub(super) fn of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = alternative.value.general_names.iter();
    names.filter_map(name).collect()
}

/// Reads one name. `None` for e-mail addresses, URIs and others.
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

/// Reads an address of 4 or 16 bytes.
///
/// IPv4 has 4 bytes and IPv6 has 16 (RFC 5280, section 4.2.1.6). `None` for other lengths.
pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// Returns whether a name of a certificate matches a host, an address or a pattern.
///
/// A star stands for exactly one label, and only for the first (RFC 6125, section 6.4.3).
pub(super) fn covers(name: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let (Ok(name), Ok(host)) = (name.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        return name == host;
    }
    let one_label = |host: &str| {
        let below = name.strip_prefix("*.")?;
        let (label, rest) = host.split_once('.')?;
        Some(!label.is_empty() && rest == below)
    };
    name == host || one_label(host).unwrap_or(false)
}

/// Returns whether the name constraints of an authority allow a host or an address.
///
/// An authority without constraints may sign for any host.
pub(super) fn permits(authority: &X509Certificate<'_>, host: &str) -> bool {
    let constraints = authority.extensions().iter().find_map(|extension| {
        let ParsedExtension::NameConstraints(constraints) = extension.parsed_extension() else {
            return None;
        };
        constraints.permitted_subtrees.as_ref()
    });
    let Some(permitted) = constraints else {
        return true;
    };
    permitted.iter().any(|subtree| match &subtree.base {
        GeneralName::DNSName(base) => is_below(host.trim_start_matches("*."), base),
        // An address and a mask of the same length; ours are whole addresses.
        GeneralName::IPAddress(bytes) => {
            let half = bytes.get(..bytes.len() / 2).and_then(address);
            half.is_some() && half == host.parse().ok()
        }
        _ => false,
    })
}

/// Returns whether a host is `base` or a subdomain of it.
fn is_below(host: &str, base: &str) -> bool {
    host == base
        || host
            .strip_suffix(base)
            .is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (name, host, expected) in [
            ("a.example", "A.example", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("example.com", "*.example.com", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("::1", "[::1]", true),
            ("::1", "[::2]", false),
        ] {
            assert_eq!(covers(name, host), expected, "{name} {host}");
        }
    }
}
