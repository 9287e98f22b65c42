//! Headers that tell browsers and caches what they may do.
//!
//! Decides `nosniff-missing`, `hsts-missing`, `hsts-short`, `csp-missing`, `csp-weak`,
//! `framing-allowed`, `referrer-policy-missing`, `cacheable` and `indexable`.
//!
//! One response without a header is enough for a finding, also if others have it: an attacker
//! chooses the response. Error pages count, since they are where headers are forgotten.

use super::Site;
use crate::check::{
    client::ProbeResponse,
    outcome::Outcomes,
    rules::{Rule, exposure::INDEXABLE, headers::*, transport::*},
};

/// A year in seconds, the least that ASVS demands of `Strict-Transport-Security`.
const YEAR: u64 = 31_536_000;

/// Decides the rules about headers of responses.
///
/// At most one request is sent: `/robots.txt`, if a page may be indexed otherwise.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    let responses = site.responses();
    if responses.is_empty() {
        let all = [
            &NOSNIFF_MISSING,
            &HSTS_MISSING,
            &HSTS_SHORT,
            &CACHEABLE,
            &INDEXABLE,
        ];
        outcomes.skip_all(&all, "there was no response");
    }
    for response in &responses {
        let nosniff = response
            .header("x-content-type-options")
            .unwrap_or_default();
        let missing = !nosniff.trim().eq_ignore_ascii_case("nosniff");
        outcomes.record_decision(&NOSNIFF_MISSING, missing.then(|| response.summary_line()));
        if site.target.tls {
            decide_hsts(response, outcomes);
        }
    }
    decide_pages(&site.pages(), outcomes);
    decide_cacheable(site, outcomes);
    decide_indexable(site, outcomes).await;
}

/// Decides the two rules of `Strict-Transport-Security` for one response over TLS.
///
/// If the header is missing, its length is not checked, so that one mistake is not two findings.
fn decide_hsts(response: &ProbeResponse, outcomes: &mut Outcomes) {
    let Some(value) = response.header("strict-transport-security") else {
        outcomes.record_finding(&HSTS_MISSING, response.summary_line());
        outcomes.record_skipped(&HSTS_SHORT, "it is missing");
        return;
    };
    outcomes.record_pass(&HSTS_MISSING);
    let is_short = max_age(&value).is_none_or(|seconds| seconds < YEAR);
    outcomes.record_decision(&HSTS_SHORT, is_short.then_some(value));
}

/// `max-age` of `Strict-Transport-Security` in seconds (RFC 6797). `None` if it is missing or no number.
///
/// The first `max-age` counts. Quotes around the number are allowed (RFC 6797, section 6.1).
fn max_age(value: &str) -> Option<u64> {
    let directives = value.split(';').map(str::trim);
    let mut ages = directives.filter_map(|directive| {
        let (name, age) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then_some(age)
    });
    ages.next()?.trim().trim_matches('"').parse().ok()
}

/// Decides the four rules about pages. Several policies of one page are joined, since browsers
/// enforce all of them.
fn decide_pages(pages: &[&ProbeResponse], outcomes: &mut Outcomes) {
    let of_pages: [&'static Rule; 4] = [
        &CSP_MISSING,
        &CSP_WEAK,
        &FRAMING_ALLOWED,
        &REFERRER_POLICY_MISSING,
    ];
    if pages.is_empty() {
        outcomes.skip_all(&of_pages, "no response was a page");
    }
    for page in pages {
        let policy = page.header_values("content-security-policy").join("; ");
        match policy.is_empty() {
            true => {
                outcomes.record_finding(&CSP_MISSING, page.summary_line());
                outcomes.record_skipped(&CSP_WEAK, "it is missing");
            }
            false => {
                outcomes.record_pass(&CSP_MISSING);
                let weak = policy_weakness(&policy).map(|weak| format!("{}: {weak}", page.asked));
                outcomes.record_decision(&CSP_WEAK, weak);
            }
        }
        let framing = page.header("x-frame-options").is_none()
            && directive_sources(&policy, "frame-ancestors").is_none();
        outcomes.record_decision(&FRAMING_ALLOWED, framing.then(|| page.summary_line()));
        let referrer = page.header("referrer-policy").is_none();
        outcomes.record_decision(
            &REFERRER_POLICY_MISSING,
            referrer.then(|| page.summary_line()),
        );
    }
}

/// The sources of a directive of a content security policy, in lower case.
///
/// `None` if the policy has no such directive. The first one counts: browsers ignore repetitions
/// (CSP 3, section 2.2.1). Commas separate policies of one header.
fn directive_sources(policy: &str, name: &str) -> Option<Vec<String>> {
    policy.split([';', ',']).find_map(|directive| {
        let mut words = directive.split_ascii_whitespace();
        let is_it = words.next()?.eq_ignore_ascii_case(name);
        is_it.then(|| words.map(str::to_ascii_lowercase).collect())
    })
}

/// Why a policy does not keep scripts of attackers out.
///
/// `'unsafe-inline'` beside a nonce or a hash is for older browsers; current ones ignore it (CSP 3).
///
/// In this order: no directive for scripts at all; `'unsafe-inline'` without a nonce or hash; a
/// source that allows whole schemes or all hosts, unless `'strict-dynamic'` makes browsers ignore
/// it; `'unsafe-eval'`. Only the first one in the policy is named.
fn policy_weakness(policy: &str) -> Option<String> {
    let sources = directive_sources(policy, "script-src")
        .or_else(|| directive_sources(policy, "default-src"));
    let Some(sources) = sources else {
        return Some("neither script-src nor default-src".to_owned());
    };
    let is_listed = |prefix: &str| sources.iter().any(|source| source.starts_with(prefix));
    let has_proof = is_listed("'nonce-") || is_listed("'sha");
    let weak = |source: &&String| match source.as_str() {
        "'unsafe-inline'" => !has_proof,
        "*" | "http:" | "https:" | "data:" => !is_listed("'strict-dynamic'"),
        "'unsafe-eval'" => true,
        _ => false,
    };
    let found = sources.iter().find(weak)?;
    Some(format!("scripts may come from {found}"))
}

/// Decides `cacheable` from the response with the key, or else from that to an address with a
/// query.
///
/// A response that is the same for all clients may be cached, so a page without a query is not
/// checked.
fn decide_cacheable(site: &Site<'_>, outcomes: &mut Outcomes) {
    let response = site.with_key.as_ref().or(site.base.as_ref().ok());
    let computed = site.with_key.is_some() || !site.target.query.is_empty();
    let Some(response) = response.filter(|response| response.status.is_success() && computed)
    else {
        let why = "nothing was computed for a client; give the URL of a call, and --key";
        outcomes.record_skipped(&CACHEABLE, why);
        return;
    };
    let value = response
        .header_values("cache-control")
        .join(",")
        .to_ascii_lowercase();
    let restricts = ["no-store", "no-cache", "private"];
    let kept = !value
        .split(',')
        .any(|word| restricts.contains(&word.trim()));
    outcomes.record_decision(&CACHEABLE, kept.then(|| response.summary_line()));
}

/// Decides `indexable`. Only responses with a success status can be indexed. The header, then the
/// page, then `/robots.txt` is looked at, and the file is asked for only if the first two allow.
async fn decide_indexable(site: &Site<'_>, outcomes: &mut Outcomes) {
    let says_no = |response: &&ProbeResponse| {
        let tag = response
            .header_values("x-robots-tag")
            .join(",")
            .to_ascii_lowercase();
        let none = tag.contains("noindex") || tag.split(',').any(|word| word.trim() == "none");
        let page = response.body_text().to_ascii_lowercase();
        let meta = page.contains("name=\"robots\"") && page.contains("noindex");
        none || meta
    };
    let responses = [&site.base, &site.root].into_iter().flatten();
    let served: Vec<&ProbeResponse> = responses
        .filter(|response| response.status.is_success())
        .collect();
    let open = served.iter().find(|response| !says_no(response));
    let Some(open) = open else {
        outcomes.record_pass(&INDEXABLE);
        return;
    };
    let seen = format!(
        "{}, no X-Robots-Tag, no robots.txt that disallows",
        open.summary_line()
    );
    let disallowed = site
        .robots_file()
        .await
        .is_some_and(|robots| disallows_all(&robots.body_text()));
    outcomes.record_decision(&INDEXABLE, (!disallowed).then_some(seen));
}

/// Whether a `robots.txt` forbids everything to all (RFC 9309).
///
/// Groups of several `User-agent` lines are read as one. `Disallow: /` and `Disallow: /*` count.
/// Rules for named agents do not: other agents are still allowed.
fn disallows_all(robots: &str) -> bool {
    let mut for_all = false;
    let mut in_agents = false;
    for line in robots.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "user-agent" => {
                for_all = (in_agents && for_all) || value == "*";
                in_agents = true;
            }
            "disallow" if for_all && matches!(value, "/" | "/*") => return true,
            _ => in_agents = false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_hsts_is_read_as_browsers_do() {
        assert_eq!(max_age("max-age=31536000; includeSubDomains"), Some(YEAR));
        assert_eq!(max_age("includeSubDomains; MAX-AGE=\"5\""), Some(5));
        assert_eq!(max_age("includeSubDomains"), None);
        assert_eq!(max_age("max-age=-1"), None);
    }

    #[test]
    fn a_policy_is_weak_if_scripts_of_others_run() {
        for strong in [
            "default-src 'none'",
            "default-src *; script-src 'self'",
            "script-src 'nonce-abc' 'unsafe-inline'",
            "script-src 'strict-dynamic' 'nonce-a' https:",
        ] {
            assert_eq!(policy_weakness(strong), None, "{strong}");
        }
        for weak in [
            "img-src 'self'",
            "default-src 'self' 'unsafe-inline'",
            "script-src 'self' 'unsafe-eval'",
            "script-src *",
            "script-src https:",
        ] {
            assert!(policy_weakness(weak).is_some(), "{weak}");
        }
    }

    #[test]
    fn robots_that_forbid_everything_to_all_are_recognized() {
        assert!(disallows_all("User-agent: *\nDisallow: /"));
        assert!(disallows_all(
            "user-agent: a\nuser-agent: *\n\ndisallow: / # all"
        ));
        assert!(!disallows_all("User-agent: *\nDisallow: /private"));
        assert!(!disallows_all("User-agent: a\nDisallow: /"));
        assert!(!disallows_all(
            "User-agent: *\nAllow: /\nUser-agent: a\nDisallow: /"
        ));
        assert!(!disallows_all(""));
    }
}
