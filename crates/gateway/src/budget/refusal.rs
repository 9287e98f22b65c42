//! What a client is told when a request does not fit a budget, or cannot be counted.
//!
//! | status | code | when |
//! |---|---|---|
//! | 400 | `unreadable_request` | the body is not one that can be counted |
//! | 400 | `max_tokens_exceeded` | it asks for more tokens than a rule allows |
//! | 402 | `budget_exceeded` | it does not fit a budget of a day or a month |
//! | 403 | `model_not_allowed`, `model_not_priced`, `path_not_metered` | it could not be counted, or may not be used |
//! | 429 | `budget_exceeded` | it does not fit a budget of a minute or an hour |
//! | 503 | `unavailable` | the counters cannot be asked |
//!
//! A refusal names budgets, units and numbers, never the principal or the text of a request. `Retry-After` is there only
//! if waiting helps: a request that is larger than the whole budget has none.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use palisade::core::Rejection;
use palisade_internal::rfc3339;
use palisade_rate_limit::{BudgetCharge, BudgetProblem, BudgetState, CalendarPeriod};
use serde_json::{Value, json};

use super::{charge::Entry, fields};

/// When a request should come again that only waits for others to be settled, in seconds.
const WHEN_SETTLED: u64 = 1;

/// A budget that a request does not fit.
struct Violation<'a> {
    /// The budget, and whose counter it is.
    entry: &'a Entry,
    /// What the request needs.
    charge: &'a BudgetCharge,
    /// What is used and reserved.
    state: BudgetState,
}

impl Violation<'_> {
    /// Returns whether waiting helps: the request is not larger than the whole budget.
    const fn may_fit_later(&self) -> bool {
        self.charge.units() <= self.charge.amount()
    }

    /// Returns the seconds until it may fit: until others are settled, or until the window ends.
    fn seconds_to_wait(&self, now: Duration) -> u64 {
        let used = self.state.used.saturating_add(self.charge.units());
        let end = self.charge.key().span().end();
        match used <= self.charge.amount() {
            true => WHEN_SETTLED,
            false => end.saturating_sub(now.as_secs()).max(1),
        }
    }

    /// Says for programs what is left, and when there is more.
    fn to_document(&self) -> Value {
        let budget = &self.entry.budget;
        let shown = |units| Value::from(budget.unit.format_units(units));
        let amount = self.charge.amount();
        let span = self.charge.key().span();
        json!({
            "budget": &*budget.name,
            "unit": budget.unit.name(),
            "window": span.period().name(),
            "amount": shown(amount),
            "used": shown(self.state.used),
            "reserved": shown(self.state.reserved),
            "left": shown(amount.saturating_sub(self.state.charged())),
            "needed": shown(self.charge.units()),
            "resets_at": rfc3339::write_seconds(Duration::from_secs(span.end())),
        })
    }
}

/// Refuses a request that does not fit.
pub(super) fn budget_exceeded(
    entries: &[Entry],
    charges: &[BudgetCharge],
    states: &[BudgetState],
    now: Duration,
) -> Box<Rejection> {
    let asked = entries.iter().zip(charges).zip(states);
    let violations: Vec<Violation<'_>> = asked
        .filter(|((_, charge), state)| {
            state.charged().saturating_add(charge.units()) > charge.amount()
        })
        .map(|((entry, charge), state)| Violation {
            entry,
            charge,
            state: *state,
        })
        .collect();
    let is_long = |violation: &Violation<'_>| {
        let period = violation.charge.key().span().period();
        matches!(period, CalendarPeriod::Day | CalendarPeriod::Month)
    };
    let (status, detail) = match violations.iter().any(is_long) {
        true => (
            StatusCode::PAYMENT_REQUIRED,
            "The most that this request can cost does not fit the budget.",
        ),
        false => (
            StatusCode::TOO_MANY_REQUESTS,
            "The most that this request can cost does not fit the budget now.",
        ),
    };
    let names: Vec<&str> = violations.iter().map(|it| &*it.entry.budget.name).collect();
    let documents: Vec<Value> = violations.iter().map(Violation::to_document).collect();
    let mut rejection = Rejection::new(status, "budget_exceeded", detail)
        .with_policy(names.join(", "))
        .with_member("violated-budgets", documents);
    for (name, value) in fields::header_fields(entries, charges, states, now) {
        rejection = rejection.with_header(name, value);
    }
    if violations.iter().all(Violation::may_fit_later) {
        let wait = violations
            .iter()
            .map(|violation| violation.seconds_to_wait(now))
            .max();
        let wait = HeaderValue::from(wait.unwrap_or(WHEN_SETTLED));
        rejection = rejection.with_header(RETRY_AFTER, wait);
    }
    Box::new(rejection)
}

/// The counters cannot be asked: nothing is granted.
pub(super) fn store_away(problem: BudgetProblem) -> Box<Rejection> {
    let rejection = Rejection::unavailable(Duration::from_secs(1));
    Box::new(rejection.with_reason(problem.to_string()))
}

/// The request cannot be counted. `reason` is for the audit record, and for the client.
pub(super) fn unreadable_request(reason: &'static str) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "unreadable_request",
        "The tokens of this request cannot be counted.",
    );
    Box::new(rejection.with_detail(format!(
        "The tokens of this request cannot be counted: {reason}."
    )))
}

/// The request names models beside the one that was checked. No rule, budget or price sees them.
pub(super) fn further_models() -> Box<Rejection> {
    Box::new(Rejection::new(
        StatusCode::BAD_REQUEST,
        "unreadable_request",
        "`models`, `fallbacks` and `route` choose models that are not checked here. Name one model in `model`.",
    ))
}

/// The request says itself how long its sound is, in a way that is not known here.
pub(super) fn unknown_length() -> Box<Rejection> {
    unreadable_text(
        "`speed` is no number of at least 0.25, or `duration` sets the length of the sound",
    )
}

/// The text of the request cannot be counted. `reason` is for the audit record, and for the client.
pub(super) fn unreadable_text(reason: &'static str) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "unreadable_request",
        "The text of this request cannot be counted.",
    );
    Box::new(rejection.with_detail(format!(
        "The text of this request cannot be counted: {reason}."
    )))
}

/// The sound of the request cannot be counted. `reason` is for the audit record, and for the client.
pub(super) fn unreadable_sound(reason: &'static str) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "unreadable_request",
        "The sound of this request cannot be counted.",
    );
    Box::new(rejection.with_detail(format!(
        "The sound of this request cannot be counted: {reason}."
    )))
}

/// The request has no text that could be spoken. The name of the field is that of the configuration.
pub(super) fn no_text(field: &str) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "unreadable_request",
        "The text of this request cannot be counted.",
    );
    Box::new(rejection.with_detail(format!("The request has no text in the field `{field}`.")))
}

/// A rule allows fewer tokens.
pub(super) fn too_many_tokens(limit: u64) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "max_tokens_exceeded",
        "The request asks for more tokens than are allowed.",
    );
    Box::new(rejection.with_member("max_tokens", limit))
}

/// A rule does not name the model.
pub(super) fn model_not_allowed() -> Box<Rejection> {
    forbidden("model_not_allowed", "This model may not be used.")
}

/// A budget of money cannot count the model.
pub(super) fn model_not_priced() -> Box<Rejection> {
    forbidden("model_not_priced", "This model has no price here.")
}

/// The path could cost tokens that no one counts.
pub(super) fn path_not_metered() -> Box<Rejection> {
    let reason = "add the path to `free_paths` of `[metering]` if it costs no tokens";
    let rejection = forbidden("path_not_metered", "This path is not counted by a budget.");
    Box::new(rejection.with_reason(reason))
}

/// Returns a refusal with 403 Forbidden.
fn forbidden(code: &'static str, detail: &'static str) -> Box<Rejection> {
    Box::new(Rejection::new(StatusCode::FORBIDDEN, code, detail))
}
