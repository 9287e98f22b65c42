//! Counts what rules did, for the `metrics` facade. Without the feature nothing is counted.
//!
//! Labels are names of classes, rules, kinds and actions: of the code or of the configuration, never of a
//! client.

#[cfg(feature = "metrics")]
pub(super) use self::counting::{count_placeholders, count_refusal, count_report};

/// Without the feature `metrics` nothing is counted.
#[cfg(not(feature = "metrics"))]
pub(super) use self::nothing::{count_placeholders, count_refusal, count_report};

#[cfg(feature = "metrics")]
mod counting {
    use metrics::counter;

    use super::super::replacing::Replaced;
    use crate::characters::Action;
    use crate::text::{Refused, Report, Sanitizer};

    /// Counts what a sanitizer changed and flagged in one text.
    pub(in super::super) fn count_report(sanitizer: &Sanitizer, report: &Report, shadow: bool) {
        for (class, count) in report.classes() {
            let action = match sanitizer.filter().actions.get(class) {
                Some(Action::Replace(_)) => "replaced",
                _ => "dropped",
            };
            add(class.name(), action, shadow, count);
        }
        for (class, count) in report.flagged_classes() {
            add(class.name(), "flagged", shadow, count);
        }
        for (index, count) in report.changing_rules().chain(report.flagged_rules()) {
            let action = sanitizer.rule_effect(index);
            if sanitizer.names_kinds(index) {
                let kinds = report.personal_data();
                kinds.for_each(|(kind, count)| add(kind, action, shadow, count));
            } else {
                add(
                    sanitizer.rule_name(index).unwrap_or_default(),
                    action,
                    shadow,
                    count,
                );
            }
        }
        for (happened, what) in [
            (report.is_normalized(), "normalization"),
            (report.is_trimmed(), "white space"),
            (report.is_cut(), "length"),
        ] {
            if happened {
                add(what, "changed", shadow, 1);
            }
        }
    }

    /// Counts a text that a sanitizer refused.
    pub(in super::super) fn count_refusal(why: &Refused, shadow: bool) {
        let rule = match why {
            Refused::Forbidden(class) => class.name(),
            Refused::Rule(name) => name,
            other => other.code(),
        };
        add(rule, "refused", shadow, 1);
    }

    /// Counts personal data that became placeholders.
    pub(in super::super) fn count_placeholders(replaced: &Replaced) {
        for finding in &replaced.findings {
            add(finding.name(), "placeholder", false, 1);
        }
    }

    fn add(rule: &str, action: &'static str, shadow: bool, count: u32) {
        let mode = if shadow { "shadow" } else { "enforced" };
        let labels = [
            ("rule", rule.to_owned()),
            ("action", action.to_owned()),
            ("mode", mode.to_owned()),
        ];
        counter!("palisade_text_total", &labels).increment(count.into());
    }
}

#[cfg(not(feature = "metrics"))]
mod nothing {
    use super::super::replacing::Replaced;
    use crate::text::{Refused, Report, Sanitizer};

    pub(in super::super) const fn count_report(_: &Sanitizer, _: &Report, _: bool) {}
    pub(in super::super) const fn count_refusal(_: &Refused, _: bool) {}
    pub(in super::super) const fn count_placeholders(_: &Replaced) {}
}
