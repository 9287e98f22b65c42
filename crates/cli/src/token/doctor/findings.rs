//! What is wrong with an issuer, seen from this machine and this configuration.

use std::time::{SystemTime, UNIX_EPOCH};

use palisade::config::Config;
use palisade_core::SystemClock;
use palisade_jwt::{IssuerReport, KeySet};

use crate::clock_skew;

/// One problem: a stable code, and what to do.
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) text: String,
}

/// Finds everything that the report and the configuration show.
pub(super) fn findings_of(
    issuer: &str,
    report: &IssuerReport,
    config: Option<&Config>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(no_keys(issuer, report));
    found.extend(report.keys.iter().flat_map(of_keys));
    found.extend(skew_finding(report));
    found.extend(config.and_then(|config| not_configured(issuer, config)));
    found
}

/// Why the service would have no usable keys.
fn no_keys(issuer: &str, report: &IssuerReport) -> Option<Finding> {
    let code = report.problem?;
    let named = report.metadata.as_ref();
    let other = named.and_then(|metadata| metadata.issuer.as_deref());
    let text = match code {
        "metadata_of_another_issuer" => format!(
            "the metadata is that of {:?}: write it, not {issuer:?}, as the issuer, with case and slash",
            other.unwrap_or_default()
        ),
        "metadata_malformed" => "the metadata is no JSON object with issuer and jwks_uri".to_owned(),
        "jwks_uri_not_allowed" => format!(
            "the keys are at {:?}, and only https is fetched",
            named
                .and_then(|metadata| metadata.jwks_uri.as_deref())
                .unwrap_or_default()
        ),
        "status" => "the response is not 200, and redirects are not followed: is it the issuer, and does \
             it publish metadata (else: --jwks-url)"
            .to_owned(),
        "connect" => "no connection: is the name right, and may this machine connect to it".to_owned(),
        "tls" => "the TLS handshake failed: is the certificate valid for the name, and its authority known \
             (else: --trust-anchors)"
            .to_owned(),
        "timeout" => "no response within 5 seconds".to_owned(),
        "no_usable_key" => "none of the keys can be used; the reasons are listed".to_owned(),
        "not_a_key_set" => "the response is no JSON Web Key Set".to_owned(),
        _ => "the keys could not be fetched".to_owned(),
    };
    Some(Finding { code, text })
}

/// Keys that are skipped, and names that do not tell keys apart.
fn of_keys(keys: &KeySet) -> Vec<Finding> {
    let mut found = Vec::new();
    for skipped in keys.skipped() {
        found.push(Finding {
            code: "key_skipped",
            text: format!(
                "the key {} ({}) is not used: {}",
                skipped.index,
                skipped.kid.as_deref().unwrap_or("no kid"),
                skipped.reason
            ),
        });
    }
    let nameless = keys.keys().filter(|key| key.kid().is_none()).count();
    if nameless > 0 && keys.keys().len() > 1 {
        found.push(Finding {
            code: "key_without_kid",
            text: format!("{nameless} keys have no kid, so several are tried for each token"),
        });
    }
    found
}

/// The time of the issuer beside that of this machine. `None` also without a `Date`.
fn skew_finding(report: &IssuerReport) -> Option<Finding> {
    let (ours, theirs) = both_times(report)?;
    let warning = clock_skew::skew_warning(ours, theirs)?;
    Some(Finding {
        code: "clock_skew",
        text: warning.text.into(),
    })
}

/// Returns the time of this machine and that of the issuer.
pub(super) fn both_times(report: &IssuerReport) -> Option<(SystemTime, SystemTime)> {
    let theirs = httpdate::parse_http_date(report.date.as_deref()?).ok()?;
    Some((UNIX_EPOCH + SystemClock::shared().unix_time(), theirs))
}

/// Whether the configuration accepts tokens of the issuer at all.
fn not_configured(issuer: &str, config: &Config) -> Option<Finding> {
    if config
        .token_issuers()
        .any(|configured| configured == issuer)
    {
        return None;
    }
    let all: Vec<&str> = config.token_issuers().collect();
    let text = match all.is_empty() {
        true => "the configuration has no section [[tokens]]".to_owned(),
        false => format!(
            "the configuration accepts tokens of {}, and of no other issuer",
            all.join(", ")
        ),
    };
    Some(Finding {
        code: "issuer_not_configured",
        text,
    })
}
