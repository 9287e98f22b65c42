//! Decides by the rules of a layer whether a request is recorded.

use std::{
    hash::{Hash as _, Hasher},
    num::NonZeroU32,
};

use hmac::{Hmac, Mac as _};
use http::{HeaderMap, Method, StatusCode, response};
use palisade_core::{Fact, Observations, Outcome, OutcomeKind, RouteMatch, SecurityContext};
use sha2::Sha256;

use super::{AuditLevel, AuditRule};
use crate::{
    error::AuditBuildError,
    record::{AuditEvent, Detail, RequestSnapshot, event_id},
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
    /// The response has begun, and can still fail by what the service does.
    Undecided,
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

    /// Returns how much of a request is recorded before its response starts. `None`: nothing.
    ///
    /// A response that can still fail is recorded: if its record came only at its end, a process that is killed before
    /// would leave none.
    pub(in crate::layer) fn decide_at_head(
        &self,
        cx: &SecurityContext,
        snapshot: &RequestSnapshot,
        head: &response::Parts,
    ) -> Option<Detail> {
        let is_tunnel = is_tunnel(&snapshot.method, head.status);
        self.decide(cx, &snapshot.redaction, || {
            class_at_head(cx, head, is_tunnel)
        })
    }

    /// Returns how much of a request that is over is recorded. `None`: nothing.
    pub(in crate::layer) fn decide_at_end(
        &self,
        cx: &SecurityContext,
        outcome: &Outcome,
        redaction: &Redaction,
    ) -> Option<Detail> {
        self.decide(cx, redaction, || class_at_end(cx, outcome))
    }

    /// Decides by the first rule that fits the route. `class` is calculated only if there is one.
    fn decide(
        &self,
        cx: &SecurityContext,
        redaction: &Redaction,
        class: impl FnOnce() -> Class,
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
        let class = class();
        let (level, one_of) = rule.level_of(class);
        let is_left_out = level == AuditLevel::None && class != Class::Undecided;
        let is_recorded = !is_left_out && is_chosen(cx, one_of, redaction);
        is_recorded.then_some(Detail {
            fields: level == AuditLevel::Fields,
            one_of,
        })
    }
}

impl AuditRule {
    /// Returns how much is recorded of requests of a class, and of how many of them one.
    ///
    /// All that are undecided are recorded, with what a success would have: the end of one that fails adds the rest.
    fn level_of(&self, class: Class) -> (AuditLevel, NonZeroU32) {
        let all = NonZeroU32::MIN;
        match class {
            Class::Failure => (self.failures, all),
            Class::Refusal => (self.refusals, all),
            Class::Success => (self.successes, NonZeroU32::new(self.one_of).unwrap_or(all)),
            Class::Undecided => (self.successes, all),
        }
    }
}

/// Converts a number for an event of the trail.
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

/// Returns what became of a request when the head of its response goes out.
///
/// A response of known length is decided: what is left is its transmission. A stream and a tunnel are not, nor is a gRPC
/// response without a status in its head.
fn class_at_head(cx: &SecurityContext, head: &response::Parts, is_tunnel: bool) -> Class {
    let is_over = cx.is_response_length_known() && !is_tunnel;
    let class = match (cx.is_grpc(), grpc_status(&head.headers)) {
        _ if !is_good(head.status) => Class::Failure,
        (true, Some(1..)) => Class::Failure,
        (true, Some(0)) | (false, _) if is_over => Class::Success,
        _ => Class::Undecided,
    };
    with_observations(cx, class)
}

/// Returns whether the connection has another protocol from the response on (WebSocket, `CONNECT`).
fn is_tunnel(method: &Method, status: StatusCode) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || method == Method::CONNECT && status.is_success()
}

/// Returns what became of a request that is over.
fn class_at_end(cx: &SecurityContext, outcome: &Outcome) -> Class {
    let class = match succeeded(cx, outcome) {
        true => Class::Success,
        false => Class::Failure,
    };
    with_observations(cx, class)
}

/// Adds to what a response shows what guards and handlers noticed: a request that was refused is a refusal, and one
/// that an operator wants to read about is no success.
fn with_observations(cx: &SecurityContext, class: Class) -> Class {
    let (refused, noticed) = cx.with_observations(|seen| (is_refusal(seen), is_noticed(seen)));
    match (refused, noticed) {
        (true, _) => Class::Refusal,
        (false, true) => Class::Failure,
        (false, false) => class,
    }
}

/// Reads the status of a gRPC response. One that is no number is a failure to all clients.
fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    let status = headers.get("grpc-status")?.to_str().ok();
    Some(status.and_then(|it| it.parse().ok()).unwrap_or(u16::MAX))
}

/// Tells whether a guard refused, would have refused in shadow, or a credential failed.
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

/// Returns whether a request has the whole response, which says that it succeeded. A gRPC response says so by its status
/// in a header or trailer: one that cannot be read, or that is in the body (gRPC-Web), is none.
fn succeeded(cx: &SecurityContext, outcome: &Outcome) -> bool {
    let is_whole = matches!(outcome.kind, OutcomeKind::Complete | OutcomeKind::Upgraded);
    let is_ok = match outcome.grpc_status {
        Some(status) => status == 0,
        None => !cx.is_grpc(),
    };
    is_whole && is_ok && outcome.status.is_some_and(is_good)
}

/// Tells whether a status is none of an error.
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
