//! The report of a check, in four forms.
//!
//! | form | option | for |
//! |---|---|---|
//! | `text` | none, `--verbose` | a person at a terminal |
//! | `json` | `--json` | scripts; the members are stable |
//! | `sarif` | `--sarif FILE` | code hosts and CI (SARIF 2.1.0) |
//! | `html` | `--html FILE` | a file to send and to archive |
//!
//! All forms show the same outcomes in the same order. None has the key, and none has the body of a
//! response. No form contacts anything.

mod html;
mod json;
mod sarif;
mod text;

use std::{net::IpAddr, time::Duration};

use palisade_api_key::Timestamp;

use super::{grade::Grade, outcome::Outcomes};

/// Everything that a report shows. Texts of the service are cleaned already.
///
/// Made once, after [`Outcomes::finish`]. The forms only read it.
pub(crate) struct Report {
    /// The address that was checked.
    ///
    /// Cleaned and cut like every other text. If port 80 redirected to HTTPS, the address over
    /// HTTPS.
    pub(crate) url: String,
    /// The machine that responded.
    pub(crate) address: IpAddr,
    /// When the check began, since 1970.
    pub(crate) time: Duration,
    /// The connections that were opened.
    ///
    /// Connections without a request are counted too: handshakes and the first test of the address.
    pub(crate) requests: usize,
    /// The grade.
    pub(crate) grade: Grade,
    /// Remarks that are no findings.
    pub(crate) notes: Vec<String>,
    /// What came of each rule.
    pub(crate) outcomes: Outcomes,
}

impl Report {
    /// When the check began, as RFC 3339 in UTC.
    fn start_time(&self) -> String {
        Timestamp::from_unix(self.time).to_string()
    }
}

/// The requirement of ASVS, or that there is none.
///
/// The version of the standard is named, since numbers changed from 4.0 to 5.0.
fn asvs_requirement(requirement: &str) -> String {
    match requirement {
        "" => "no requirement of ASVS 5.0".to_owned(),
        some => format!("ASVS 5.0 {some}"),
    }
}
