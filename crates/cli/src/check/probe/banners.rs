//! Headers that say what the service is made of.
//!
//! Decides `version-banner` and `development-server` from responses that are there already. Values
//! are compared without case. A digit in a banner counts as a version: names of servers have none.
//!
//! The names in the list of development servers end with a slash, so that a product that only
//! mentions one is not taken for it.

use super::Site;
use crate::check::{
    outcome::Outcomes,
    rules::exposure::{DEVELOPMENT_SERVER, VERSION_BANNER},
};

/// Headers in which servers and frameworks name themselves.
const BANNERS: &[&str] = &[
    "server",
    "x-powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-runtime",
];

/// Names of servers that are for development only, in lower case.
const DEVELOPMENT: &[&str] = &[
    "werkzeug/",
    "simplehttp/",
    "basehttp/",
    "wsgiserver/",
    "webrick/",
];

/// Decides the rules about banners. Needs no request of its own.
///
/// Each header of each response is one line of the finding. The same line is shown once.
pub(super) fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    let responses = site.responses();
    if responses.is_empty() {
        outcomes.skip_all(
            &[&VERSION_BANNER, &DEVELOPMENT_SERVER],
            "there was no response",
        );
        return;
    }
    for response in responses {
        for name in BANNERS {
            let Some(value) = response.header(name) else {
                continue;
            };
            let lower = value.to_ascii_lowercase();
            if value.contains(|character: char| character.is_ascii_digit()) {
                outcomes.record_finding(&VERSION_BANNER, format!("{name}: {value}"));
            }
            if DEVELOPMENT.iter().any(|server| lower.contains(server)) {
                outcomes.record_finding(&DEVELOPMENT_SERVER, format!("{name}: {value}"));
            }
        }
    }
    outcomes.record_pass(&VERSION_BANNER);
    outcomes.record_pass(&DEVELOPMENT_SERVER);
}
