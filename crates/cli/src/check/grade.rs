//! One letter for the whole check, and the sentence that explains it.
//!
//! The letter is for people and for a badge. Scripts use `--fail-on`, which does not depend on the
//! letter. Accepted findings and rules that were not checked do not count: read the list of the
//! latter before you rely on an `A`.

use super::{outcome::Outcomes, rules::Severity};

/// The letters, from the best to the worst, and when each is given.
///
/// The worst finding decides. Many small ones do not add up to a bad letter, and no number of good
/// answers makes up for a critical finding.
///
/// The HTML report prints the whole table. The text of a letter is also the beginning of
/// [`Grade::reason`].
pub(crate) const SCALE: &[(char, &str)] = &[
    ('A', "nothing found, or only information"),
    ('B', "the worst finding is low"),
    ('C', "the worst finding is medium"),
    ('D', "one finding is high"),
    ('E', "several findings are high"),
    ('F', "at least one finding is critical"),
];

/// The letter and its reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Grade {
    /// `A` to `F`.
    pub(crate) letter: char,
    /// Why this letter, with the findings that decided.
    pub(crate) reason: String,
}

impl Grade {
    /// Grades the findings.
    ///
    /// `Info` findings leave an `A`. They name their codes in the reason all the same.
    ///
    /// The two letters for high findings differ by the number: one is a mistake, several are a
    /// habit.
    pub(crate) fn from_outcomes(outcomes: &Outcomes) -> Self {
        let worst = outcomes.worst_severity();
        let number = worst.map_or(0, |worst| outcomes.count_of(worst));
        let letter = match worst {
            None | Some(Severity::Info) => 'A',
            Some(Severity::Low) => 'B',
            Some(Severity::Medium) => 'C',
            Some(Severity::High) if number == 1 => 'D',
            Some(Severity::High) => 'E',
            Some(Severity::Critical) => 'F',
        };
        let rule = SCALE.iter().find(|(known, _)| *known == letter);
        let rule = rule.map_or("", |(_, rule)| rule);
        let codes = worst.map_or_else(String::new, |worst| deciding_codes(outcomes, worst));
        Self {
            letter,
            reason: format!("{rule}{codes}"),
        }
    }
}

/// The codes of the findings that decided, at most three.
///
/// Longer lists end with the number of the others, so that the line fits a terminal. Not called without
/// a worst severity.
fn deciding_codes(outcomes: &Outcomes, worst: Severity) -> String {
    let all = outcomes.findings().iter();
    let codes: Vec<&str> = all
        .filter(|finding| finding.rule.severity == worst)
        .map(|finding| finding.rule.code)
        .collect();
    let shown = codes.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match codes.len() {
        0..=3 => format!(": {shown}"),
        more => format!(": {shown} and {} more", more - 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rules::{
        access::{KEYLESS_ACCESS, NO_LIMIT},
        headers::{CSP_MISSING, NOSNIFF_MISSING},
        transport::{HTTP2_MISSING, NO_TLS},
    };

    #[test]
    fn the_worst_finding_decides() {
        let mut outcomes = Outcomes::default();
        let mut letters = vec![Grade::from_outcomes(&outcomes).letter];
        let worse = [
            &HTTP2_MISSING,
            &NOSNIFF_MISSING,
            &CSP_MISSING,
            &NO_LIMIT,
            &KEYLESS_ACCESS,
            &NO_TLS,
        ];
        for rule in worse {
            outcomes.record_finding(rule, "");
            letters.push(Grade::from_outcomes(&outcomes).letter);
        }
        assert_eq!(letters, ['A', 'A', 'B', 'C', 'D', 'E', 'F']);
        assert_eq!(
            Grade::from_outcomes(&outcomes).reason,
            "at least one finding is critical: no-tls"
        );
    }
}
