//! Decides by the rules of a layer whether a request is recorded.

use std::{
    hash::{Hash as _, Hasher},
    num::NonZeroU32,
};

use hmac::{Hmac, Mac as _};
use http::StatusCode;
use palisade_core::{Fact, Observations, Outcome, OutcomeKind, RouteMatch, SecurityContext};
use sha2::Sha256;

use super::{AuditLevel, AuditRule};
use crate::{
    error::AuditBuildError,
    record::{AuditEvent, Detail, Stage, event_id},
    record::{notes::is_important, redaction::Redaction},
};

/// The most rules of a layer.
const MAX_RULES: usize = 256;
/// The names of rules in one event: as many as it has places beside `rules` and `first`.
const NAMES: [&str; 14] = [
    "rule_1", "rule_2", "rule_3", "rule_4", "rule_5", "rule_6", "rule_7", "rule_8", "rule_9",
    "rule_10", "rule_11", "rule_12", "rule_13", "rule_14",
];

/// The rules of a layer, in their order.
#[derive(Clone, Debug)]
pub(in crate::layer) struct Rules(Box<[AuditRule]>);

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Failure,
    Refusal,
    Success,
}

impl Rules {
    /// Checks the rules.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for the first one that cannot be used.
    pub(in crate::layer) fn new(rules: Vec<AuditRule>) -> Result<Self, AuditBuildError> {
        if rules.len() > MAX_RULES {
            return Err(AuditBuildError::InvalidSetting {
                setting: "rule",
                problem: "use at most 256 rules",
            });
        }
        rules.iter().try_for_each(AuditRule::check)?;
        Ok(Self(rules.into()))
    }

    /// Returns the events that say what the rules are: one for each 14 of them.
    pub(in crate::layer) fn to_events(&self) -> impl Iterator<Item = AuditEvent> {
        let all = number(self.0.len());
        let parts = self.0.chunks(NAMES.len()).enumerate();
        parts.map(move |(index, rules)| {
            let first = number(index * NAMES.len() + 1);
            let event = AuditEvent::new(event_id::RULES).number("rules", all);
            let names = NAMES.into_iter().zip(rules);
            names.fold(event.number("first", first), |event, (name, rule)| {
                event.text(name, rule.to_string())
            })
        })
    }

    /// Returns how much of a request is recorded at a stage. `None`: nothing.
    pub(in crate::layer) fn decide(
        &self,
        cx: &SecurityContext,
        stage: Stage,
        redaction: &Redaction,
    ) -> Option<Detail> {
        // Most layers have no rules.
        if self.0.is_empty() {
            return Some(Detail::FULL);
        }
        let route = match cx.route() {
            Some(RouteMatch::Found(rule)) => Some(rule.template()),
            _ => None,
        };
        let Some(rule) = self.0.iter().find(|rule| rule.fits(route)) else {
            return Some(Detail::FULL);
        };
        let (level, one_of) = match class_of(cx, stage) {
            Class::Failure => (rule.failures, NonZeroU32::MIN),
            Class::Refusal => (rule.refusals, NonZeroU32::MIN),
            Class::Success => (
                rule.successes,
                NonZeroU32::new(rule.one_of).unwrap_or(NonZeroU32::MIN),
            ),
        };
        let is_recorded = level != AuditLevel::None && is_chosen(cx, one_of, redaction);
        is_recorded.then_some(Detail {
            fields: level == AuditLevel::Fields,
            one_of,
        })
    }
}

fn number(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Returns whether a request is the one of so many. Without a key all are.
fn is_chosen(cx: &SecurityContext, one_of: NonZeroU32, redaction: &Redaction) -> bool {
    let Some(key) = redaction.path_key.as_ref().filter(|_| one_of.get() > 1) else {
        return true;
    };
    let mut code = CodeHasher(key.start("sample"));
    // The hash has the number that is generated here, also if a client could choose the text.
    cx.request_id().hash(&mut code);
    let code: [u8; 32] = code.0.finalize().into_bytes().into();
    let number = u64::from_be_bytes(*code.first_chunk().unwrap_or(&[0; 8]));
    number % u64::from(one_of.get()) == 0
}

/// Feeds a value to a code.
struct CodeHasher(Hmac<Sha256>);

impl Hasher for CodeHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: the whole code is.
    fn finish(&self) -> u64 {
        0
    }
}

/// Returns what became of a request so far.
fn class_of(cx: &SecurityContext, stage: Stage) -> Class {
    let (refused, noticed) = cx.with_observations(|seen| (is_refusal(seen), is_noticed(seen)));
    let succeeded = match stage {
        Stage::Gate => false,
        Stage::Head(status) => is_good(status),
        Stage::Over(outcome) => succeeded(&outcome),
    };
    match (refused, succeeded && !noticed) {
        (true, _) => Class::Refusal,
        (false, true) => Class::Success,
        (false, false) => Class::Failure,
    }
}

fn is_refusal(seen: &Observations) -> bool {
    seen.refusals().count() > 0
        || !seen.shadow_refusals().is_empty()
        || seen.credential_failures().count() > 0
}

/// Returns whether guards or handlers noticed something that an operator wants to read about. Kinds of facts that this
/// version does not know are such.
fn is_noticed(seen: &Observations) -> bool {
    let mut facts = seen.facts().iter();
    seen.facts_lost() > 0
        || facts.any(|counted| match &counted.value {
            Fact::Noted { key, .. } => is_important(key),
            _ => true,
        })
}

fn succeeded(outcome: &Outcome) -> bool {
    let is_whole = matches!(outcome.kind, OutcomeKind::Complete | OutcomeKind::Upgraded);
    let is_ok = outcome.grpc_status.is_none_or(|status| status == 0);
    is_whole && is_ok && outcome.status.is_some_and(is_good)
}

fn is_good(status: StatusCode) -> bool {
    status.as_u16() < 400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_failures_cannot_be_left_out() {
        let any = AuditRule::any_route;
        for rule in [
            any().refusals(AuditLevel::None),
            any().failures(AuditLevel::None),
            any().sample_successes(0),
        ] {
            assert!(Rules::new(vec![rule.clone()]).is_err(), "{rule}");
        }
        assert!(Rules::new(vec![any(); MAX_RULES + 1]).is_err());
        assert!(Rules::new(vec![any().successes(AuditLevel::None)]).is_ok());
    }
}
