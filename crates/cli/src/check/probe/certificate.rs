//! The certificate: chain, name, expiry, strength.
//!
//! Decides `certificate-untrusted`, `certificate-name`, `certificate-expired`,
//! `certificate-near-end` and `certificate-weak` from the chain of one handshake. Sends nothing.
//!
//! Revocation (OCSP, CRL) and certificate transparency are not checked: both would contact other
//! hosts.
//!
//! The result of [`probe`] is what decides whether `--key` is sent.

use std::time::Duration;

use palisade_api_key::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _, public_key::PublicKey};

use crate::check::{
    client::{Client, tls},
    outcome::Outcomes,
    rules::{Rule, transport::*},
};

/// A certificate with less time left is reported, unless it was short from the start.
///
/// ACME authorities usually issue for 90 days or less, and clients renew with a third of it left. Two
/// weeks mean that the renewal failed.
const NEAR_END: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// The smallest RSA key, in bits.
///
/// The least that public authorities have accepted since 2014.
const SMALLEST_RSA: usize = 2048;

/// Signature algorithms whose hash is broken (RFC 3279).
const BROKEN: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
];

/// All rules of this file, for the cases in which none can be decided.
const RULES: &[&Rule] = &[
    &CERTIFICATE_UNTRUSTED,
    &CERTIFICATE_NAME,
    &CERTIFICATE_EXPIRED,
    &CERTIFICATE_NEAR_END,
    &CERTIFICATE_WEAK,
];

/// Records why there is no certificate to look at.
pub(super) fn skip_certificate(outcomes: &mut Outcomes, why: impl std::fmt::Display) {
    outcomes.skip_all(RULES, why);
}

/// Decides all rules of the certificate. Returns whether a usual client would accept it.
///
/// # Errors
///
/// The error is the reason why the key is not sent, in words for the report. It is returned if the
/// chain is not trusted, the certificate is for another host, or it is not valid now. A certificate
/// that is only weak or near its end is accepted.
pub(super) fn probe(
    client: &Client,
    chain: &[CertificateDer<'static>],
    host: &str,
    now: Duration,
    outcomes: &mut Outcomes,
) -> Result<(), String> {
    let Some(own) = chain.first() else {
        skip_certificate(outcomes, "the server sent none");
        return Err("the server sent no certificate".to_owned());
    };
    let Ok((_, certificate)) = X509Certificate::from_der(own) else {
        skip_certificate(outcomes, "it cannot be parsed");
        return Err("the certificate cannot be parsed".to_owned());
    };
    let valid = Validity::from_certificate(&certificate);
    outcomes.record_decision(&CERTIFICATE_EXPIRED, valid.problem_at(now));
    match valid.problem_at(now) {
        None => outcomes.record_decision(&CERTIFICATE_NEAR_END, valid.near_end(now)),
        Some(_) => outcomes.record_skipped(&CERTIFICATE_NEAR_END, "it is not valid now"),
    }
    // An expired certificate of a trusted authority is expired, and not untrusted as well.
    let trusted = client
        .tls_settings()
        .is_trusted(chain, valid.nearest_moment(now));
    let issuer = certificate.issuer().to_string();
    let untrusted = trusted.as_ref().err();
    let untrusted = untrusted.map(|problem| format!("issued by {issuer}: {problem}"));
    outcomes.record_decision(&CERTIFICATE_UNTRUSTED, untrusted);
    let is_for = tls::is_for(own, host);
    let names = first_names(&certificate);
    let other = (!is_for).then(|| format!("{host} is not one of: {names}"));
    outcomes.record_decision(&CERTIFICATE_NAME, other);
    outcomes.record_decision(&CERTIFICATE_WEAK, weak_algorithm(&certificate));
    match (trusted, is_for, valid.problem_at(now)) {
        (Ok(()), true, None) => Ok(()),
        _ => Err("the certificate is not accepted by usual clients".to_owned()),
    }
}

/// The time in which a certificate is valid, since 1970.
struct Validity {
    /// The first moment, `notBefore`.
    begins: Duration,
    /// The last moment, `notAfter`.
    ends: Duration,
}

impl Validity {
    /// Reads both ends. A time before 1970 becomes 1970.
    fn from_certificate(certificate: &X509Certificate<'_>) -> Self {
        let since = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let validity = certificate.validity();
        Self {
            begins: since(validity.not_before.timestamp()),
            ends: since(validity.not_after.timestamp()),
        }
    }

    /// Why the certificate is not valid at `now`, or `None` if it is. Both ends belong to the
    /// validity (RFC 5280, section 4.1.2.5).
    fn problem_at(&self, now: Duration) -> Option<String> {
        let date = |at| Timestamp::from_unix(at);
        match now {
            now if now > self.ends => Some(format!("it expired at {}", date(self.ends))),
            now if now < self.begins => Some(format!("it begins at {}", date(self.begins))),
            _ => None,
        }
    }

    /// A certificate for some days is renewed in its last ones, so a quarter of its life is soon enough.
    ///
    /// Days are rounded down. `None` if enough time is left.
    fn near_end(&self, now: Duration) -> Option<String> {
        let left = self.ends.saturating_sub(now);
        let whole = self.ends.saturating_sub(self.begins);
        let is_near = left < NEAR_END && left < whole / 4;
        let days = left.as_secs() / (24 * 60 * 60);
        is_near.then(|| {
            format!(
                "it expires at {}, in {days} days",
                Timestamp::from_unix(self.ends)
            )
        })
    }

    /// The moment within the validity that is nearest to now.
    ///
    /// With it, the trust of a chain is checked apart from its dates.
    fn nearest_moment(&self, now: Duration) -> Duration {
        now.max(self.begins).min(self.ends.max(self.begins))
    }
}

/// The names of a certificate, at most five.
///
/// Subject alternative names in the order of the certificate. The common name is not shown: clients
/// ignore it.
fn first_names(certificate: &X509Certificate<'_>) -> String {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return "no name".to_owned();
    };
    let all = &extension.value.general_names;
    let shown: Vec<String> = all.iter().take(5).map(ToString::to_string).collect();
    shown.join(", ")
}

/// The signature is looked at first. `None` means that neither the signature nor the key is weak.
fn weak_algorithm(certificate: &X509Certificate<'_>) -> Option<String> {
    let signature = certificate.signature_algorithm.algorithm.to_id_string();
    if let Some((_, name)) = BROKEN.iter().find(|(broken, _)| *broken == signature) {
        return Some(format!("signed with {name}"));
    }
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < SMALLEST_RSA => {
            Some(format!("an RSA key of {} bits", key.key_size()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    fn valid(days: u64) -> Validity {
        Validity {
            begins: Duration::from_secs(1000 * DAY),
            ends: Duration::from_secs((1000 + days) * DAY),
        }
    }

    fn at(day: u64) -> Duration {
        Duration::from_secs(day * DAY)
    }

    #[test]
    fn near_is_two_weeks_or_the_last_quarter_of_a_short_life() {
        assert!(valid(90).near_end(at(1070)).is_none());
        assert!(valid(90).near_end(at(1080)).is_some());
        assert!(valid(6).near_end(at(1003)).is_none());
        assert!(valid(6).near_end(at(1005)).is_some());
    }

    #[test]
    fn before_and_after_are_said() {
        assert!(valid(90).problem_at(at(999)).unwrap().contains("begins"));
        assert!(valid(90).problem_at(at(1091)).unwrap().contains("expired"));
        assert!(valid(90).problem_at(at(1001)).is_none());
        assert_eq!(valid(90).nearest_moment(at(2000)), at(1090));
        assert_eq!(valid(90).nearest_moment(at(1)), at(1000));
    }
}
