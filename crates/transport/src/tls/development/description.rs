//! The contents of the certificates that an authority for development creates.
//!
//! The authority may sign only for the hosts that it was made for: clients that trust it trust it for
//! nothing else. It cannot sign for other authorities (path length 0).

use std::{net::IpAddr, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints,
};
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Under 90 days, the strictest limit that any browser has for a server certificate.
const LEAF_LIFE: Duration = Duration::from_secs(89 * DAY.as_secs());
/// Ten years, so that clients need not trust a new one often.
const CA_LIFE: Duration = Duration::from_secs(3650 * DAY.as_secs());
/// Clocks of other machines differ.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// Describes the authority: its names, key usages and constraints.
///
/// # Errors
///
/// A date is outside the range of X.509.
pub(super) fn ca_params(
    names: &[String],
    now: Duration,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params("Palisade development authority", now, CA_LIFE)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: names.iter().map(|name| subtree(name)).collect(),
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

/// Returns the name constraint for a host or an address.
fn subtree(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
        }
        Err(_) => GeneralSubtree::DnsName(name.trim_start_matches("*.").to_owned()),
    }
}

/// Describes the certificate of the server.
///
/// It is for servers only. Names are in the subject alternative names (RFC 9525, section 2).
///
/// # Errors
///
/// A name cannot be written into a certificate.
pub(super) fn leaf_params(
    names: &[String],
    now: Duration,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params("localhost", now, LEAF_LIFE)?;
    params.subject_alt_names = CertificateParams::new(names.to_vec())?.subject_alt_names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Describes what both have in common: the subject and the dates.
fn params(name: &str, now: Duration, life: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.not_before = date(now.saturating_sub(SLACK))?;
    params.not_after = date(now + life)?;
    Ok(params)
}

/// Converts seconds since 1970-01-01 UTC.
fn date(since_epoch: Duration) -> Result<OffsetDateTime, rcgen::Error> {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time)
}
