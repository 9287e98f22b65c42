//! Checks the names of a certificate before an authority is asked.

use std::net::IpAddr;

use super::{AcmeError, AcmeSettingError};

/// The most names of one certificate. Let's Encrypt has the same limit.
const MAX_NAMES: usize = 100;

/// Checks the names, and returns them in lower case without duplicates.
///
/// The first name stays first: it names the file of the certificate.
///
/// # Errors
///
/// There is no name, one cannot be in a certificate, or there are more than 100.
pub(super) fn checked_domains(domains: Vec<String>) -> Result<Vec<String>, AcmeError> {
    let mut checked: Vec<String> = Vec::with_capacity(domains.len());
    for domain in domains {
        let domain = domain.to_ascii_lowercase();
        check_domain(&domain)?;
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

/// Refuses a name that cannot be in a certificate.
///
/// An authority would refuse these names too, but each refusal counts against its limits.
/// Internationalized names are given in their ASCII form (`xn--…`, RFC 5890).
fn check_domain(domain: &str) -> Result<(), AcmeSettingError> {
    if domain.starts_with("*.") {
        let domain = domain.into();
        return Err(AcmeSettingError::DomainIsWildcard { domain });
    }
    if domain.parse::<IpAddr>().is_ok() || domain.starts_with('[') {
        let domain = domain.into();
        return Err(AcmeSettingError::DomainIsAddress { domain });
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
    fn only_host_names_are_ordered() {
        for domain in [
            "*.a.example",
            "10.0.0.1",
            "[::1]",
            "::1",
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
}
