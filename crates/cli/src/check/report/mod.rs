//! The report of a check, in four forms.

mod html;
mod json;
mod sarif;
mod text;

use std::{net::IpAddr, time::Duration};

use palisade_api_key::Timestamp;

use super::{grade::Grade, outcome::Outcomes};

/// Everything that a report shows. Texts of the service are cleaned already.
pub(crate) struct Report {
    /// The address that was checked.
    pub(crate) url: String,
    /// The machine that responded.
    pub(crate) address: IpAddr,
    /// When the check began, since 1970.
    pub(crate) time: Duration,
    /// The connections that were opened.
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
    fn date(&self) -> String {
        Timestamp::from_unix(self.time).to_string()
    }
}

/// The requirement of ASVS, or that there is none.
fn asvs(requirement: &str) -> String {
    match requirement {
        "" => "no requirement of ASVS 5.0".to_owned(),
        some => format!("ASVS 5.0 {some}"),
    }
}
