//! What a request reserved, and its settlement: once, however the request ends.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode, response};
use palisade::core::{Fact, SecurityContext};
use palisade_rate_limit::{BudgetKey, BudgetStore, Reservation};

use super::{
    api::Api,
    meter::Meter,
    policy::{Budget, CounterSubject, Unit},
    price::Price,
    request::ModelRequest,
    usage::Usage,
};

/// A budget, and whom it counts.
pub(super) struct Entry {
    pub(super) budget: Arc<Budget>,
    pub(super) subject: CounterSubject,
}

impl Entry {
    /// Returns the counter of the window around a moment.
    pub(super) fn key(&self, now: Duration) -> BudgetKey {
        let CounterSubject { kind, id } = &self.subject;
        let span = self.budget.window.around(now);
        BudgetKey::new(Arc::clone(&self.budget.name), *kind, id.as_str(), span)
    }
}

/// The most tokens of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    /// Tokens in of what the client sent, without what the upstream adds.
    pub(super) text: u64,
    pub(super) tokens_in: u64,
    pub(super) tokens_out: u64,
    /// Whether tokens in may be written into a cache of the upstream.
    pub(super) writes_cache: bool,
}

/// The most that a request can cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) tokens: Tokens,
    price: Price,
}

impl Cost {
    /// Returns the cost of a request without tokens.
    pub(super) fn request() -> Self {
        Self::default()
    }

    /// Returns the cost of tokens at a price.
    pub(super) const fn of(tokens: Tokens, price: Price) -> Self {
        Self { tokens, price }
    }

    /// Returns the units of one budget.
    pub(super) fn units(&self, unit: Unit) -> u64 {
        let Tokens {
            tokens_in,
            tokens_out,
            writes_cache,
            ..
        } = self.tokens;
        let written = [0, if writes_cache { tokens_in } else { 0 }];
        let units = written.map(|written| self.units_of(unit, tokens_in, written, tokens_out));
        units.into_iter().max().unwrap_or(u64::MAX)
    }

    fn units_of(&self, unit: Unit, tokens_in: u64, written: u64, tokens_out: u64) -> u64 {
        match unit {
            Unit::Money => self.price.of(tokens_in, written, tokens_out),
            Unit::Requests => 1,
            Unit::Tokens => tokens_in.saturating_add(tokens_out),
            Unit::TokensIn => tokens_in,
            Unit::TokensOut => tokens_out,
        }
    }
}

/// How a request ended, as far as it costs tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// The response ended before its end, or there was none. Without a usage the reserve of tokens out is
    /// charged: how far the upstream went on is not known.
    Cut,
    /// The response was complete.
    Complete,
    /// No model ran.
    NothingRan,
    /// The response could not be read.
    Unreadable,
}

/// A reserve that must be settled. Dropped without more, it charges the tokens in and the reserve of tokens
/// out: the upstream has the request.
pub(crate) struct Charge {
    cx: SecurityContext,
    store: Arc<dyn BudgetStore>,
    /// `None` once it is settled.
    reservation: Option<Reservation>,
    entries: Vec<Entry>,
    cost: Cost,
    fields: Vec<(HeaderName, HeaderValue)>,
    /// `None`: the request costs no tokens.
    api: Option<Api>,
    hides_usage: bool,
}

impl Charge {
    /// Takes over a reserve.
    pub(super) fn new(
        cx: &SecurityContext,
        store: Arc<dyn BudgetStore>,
        reservation: Reservation,
        entries: Vec<Entry>,
        cost: Cost,
        fields: Vec<(HeaderName, HeaderValue)>,
    ) -> Self {
        let tokens = cost.tokens;
        if tokens.tokens_in > 0 {
            let reserved = format!(
                "tokens_in={} tokens_out={}",
                tokens.tokens_in, tokens.tokens_out
            );
            note(cx, "budget_reserved", reserved);
        }
        Self {
            cx: cx.clone(),
            store,
            reservation: Some(reservation),
            entries,
            cost,
            fields,
            api: None,
            hides_usage: false,
        }
    }

    /// Says which request it is. In shadow the usage that the client sees is not changed.
    pub(super) fn of_request(mut self, request: Option<&ModelRequest>, only_shadow: bool) -> Self {
        if let Some(request) = request {
            self.api = Some(request.api());
            self.hides_usage = request.hides_usage() && !only_shadow;
            note(&self.cx, "model", request.model().to_owned());
        }
        self
    }

    /// Returns whether the usage of a stream is for the gateway alone.
    pub(super) const fn hides_usage(&self) -> bool {
        self.hides_usage
    }

    /// Adds what is left to a response, and returns what reads its body.
    pub(crate) fn follow(self, head: &mut response::Parts) -> Option<Meter> {
        for (name, value) in &self.fields {
            head.headers.append(name.clone(), value.clone());
        }
        self.api.map(|api| Meter::new(self, api, head))
    }

    /// Settles a request that got no response, by the code of its refusal.
    pub(crate) fn failed(mut self, code: &str) {
        if matches!(code, "unavailable" | "upstream_unreachable") {
            self.settle(&Usage::default(), Ending::NothingRan);
        }
    }

    /// Settles by what the upstream said, or by what passed. A second call does nothing.
    pub(super) fn settle(&mut self, usage: &Usage, ending: Ending) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let used = Used::of(usage, ending, &self.cost.tokens);
        let units = |entry: &Entry| {
            let unit = entry.budget.unit;
            let cost = &self.cost;
            cost.units_of(unit, used.tokens_in, used.cache_write, used.tokens_out)
        };
        let units: Vec<u64> = self.entries.iter().map(units).collect();
        if self.api.is_some() {
            self.report(&used);
        }
        for (entry, units) in self.entries.iter().zip(&units) {
            count(&entry.budget, *units, used.is_estimated());
        }
        self.store.settle(reservation, &units);
    }

    /// Tells the audit trail.
    fn report(&self, used: &Used) {
        self.cx.settle("tokens_in", used.tokens_in);
        self.cx.settle("tokens_out", used.tokens_out);
        let price = self.cost.price;
        let money = price.of(used.tokens_in, used.cache_write, used.tokens_out);
        if money > 0 {
            self.cx.settle("money_millionths", money);
        }
        if let Some(reason) = used.estimated {
            note(&self.cx, "budget_estimated", reason.to_owned());
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.settle(&Usage::default(), Ending::Cut);
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("cost", &self.cost)
            .field("reservation", &self.reservation)
            .finish_non_exhaustive()
    }
}

/// Returns whether an upstream refused a request without running a model.
pub(super) const fn ran_nothing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::TOO_MANY_REQUESTS
    )
}

/// What is charged, and why it is an estimate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Used {
    tokens_in: u64,
    tokens_out: u64,
    /// Tokens in that were written into a cache.
    cache_write: u64,
    estimated: Option<&'static str>,
}

/// The most tokens that a usage is believed: a larger one is a mistake.
const MOST_TOLD: u64 = 1 << 31;
/// The mark of a usage that is larger than the reserve.
const ABOVE_RESERVE: &str = "above_reserve";

impl Used {
    /// Returns whether it is not what the upstream told.
    fn is_estimated(&self) -> bool {
        self.estimated.is_some_and(|reason| reason != ABOVE_RESERVE)
    }

    /// Decides what is charged: what is told, otherwise the reserve at most.
    fn of(usage: &Usage, ending: Ending, most: &Tokens) -> Self {
        if ending == Ending::NothingRan {
            return Self {
                tokens_in: 0,
                tokens_out: 0,
                cache_write: 0,
                estimated: None,
            };
        }
        let passed = match ending {
            Ending::Cut | Ending::Unreadable => most.tokens_out,
            _ => usage.text.min(most.tokens_out),
        };
        let missing = match ending {
            Ending::Cut => "cut",
            Ending::Unreadable => "unreadable",
            _ => "no_usage",
        };
        // No request has no tokens in; and text has tokens.
        let told_in = usage.tokens_in.filter(|tokens| *tokens > 0);
        let may_be_zero = usage.text == 0 && ending != Ending::Cut;
        let told_out = usage.tokens_out.filter(|told| *told > 0 || may_be_zero);
        let is_above = |told: Option<u64>, most: u64| told.is_some_and(|told| told > most);
        let is_above = is_above(told_in, most.tokens_in) || is_above(told_out, most.tokens_out);
        let estimated = match (told_in, told_out) {
            _ if usage.is_wrong => Some("wrong_usage"),
            _ if is_above => Some(ABOVE_RESERVE),
            (Some(_), Some(_)) => None,
            _ => Some(missing),
        };
        let sent = most.text.min(most.tokens_in);
        let tokens_in = told_in.map_or(sent, |told| told.min(MOST_TOLD));
        Self {
            tokens_in,
            tokens_out: told_out.map_or(passed, |told| told.min(MOST_TOLD)),
            cache_write: match told_in {
                None if most.writes_cache => tokens_in,
                _ => usage.cache_write,
            },
            estimated,
        }
    }
}

fn note(cx: &SecurityContext, key: &'static str, value: String) {
    let value = value.into();
    cx.record(Fact::Noted { key, value });
}

/// Counts units for the `metrics` facade. Budgets are those of the configuration.
fn count(budget: &Budget, units: u64, is_estimated: bool) {
    let kind = match is_estimated {
        true => "estimated",
        false => "told",
    };
    let name = budget.name.to_string();
    metrics::counter!("palisade_budget_units_total", "budget" => name, "kind" => kind)
        .increment(units);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Tokens = Tokens {
        text: 100,
        tokens_in: 150,
        tokens_out: 50,
        writes_cache: false,
    };

    fn usage(tokens_in: Option<u64>, tokens_out: Option<u64>, text: u64) -> Usage {
        Usage {
            tokens_in,
            tokens_out,
            text,
            cache_write: 0,
            is_wrong: false,
        }
    }

    #[track_caller]
    fn check(usage: &Usage, ending: Ending, expected: (u64, u64, Option<&'static str>)) {
        let used = Used::of(usage, ending, &MOST);
        assert_eq!((used.tokens_in, used.tokens_out, used.estimated), expected);
    }

    #[test]
    fn a_usage_within_the_reserve_is_believed() {
        use Ending::{Complete, Cut};
        check(&usage(Some(12), Some(7), 30), Complete, (12, 7, None));
        check(&usage(Some(150), Some(50), 0), Complete, (150, 50, None));
        check(&usage(Some(12), Some(0), 0), Complete, (12, 0, None));
        check(&usage(Some(12), Some(7), 30), Cut, (12, 7, None));
    }

    #[test]
    fn without_usage_what_passed_is_charged_and_a_cut_is_the_reserve() {
        use Ending::{Complete, Cut, Unreadable};
        let none = usage(None, None, 30);
        check(&none, Complete, (100, 30, Some("no_usage")));
        check(&none, Cut, (100, 50, Some("cut")));
        check(&usage(None, None, 0), Cut, (100, 50, Some("cut")));
        check(&usage(Some(12), Some(0), 0), Cut, (12, 50, Some("cut")));
        check(&none, Unreadable, (100, 50, Some("unreadable")));
        check(&usage(None, None, 900), Cut, (100, 50, Some("cut")));
        check(&usage(Some(12), None, 30), Cut, (12, 50, Some("cut")));
        // Tokens that are told as none, though text passed.
        check(
            &usage(Some(0), Some(0), 30),
            Complete,
            (100, 30, Some("no_usage")),
        );
    }

    #[test]
    fn a_usage_above_the_reserve_is_charged_up_to_a_ceiling_and_marked() {
        let above = usage(Some(151), Some(51), 3);
        check(&above, Ending::Complete, (151, 51, Some("above_reserve")));
        let huge = usage(Some(u64::MAX), Some(u64::MAX), 3);
        let most = 1 << 31;
        check(&huge, Ending::Complete, (most, most, Some("above_reserve")));
        let wrong = Usage {
            is_wrong: true,
            ..usage(None, Some(9), 3)
        };
        check(&wrong, Ending::Complete, (100, 9, Some("wrong_usage")));
    }

    #[test]
    fn without_a_model_nothing_but_the_request_is_charged() {
        check(&usage(None, None, 30), Ending::NothingRan, (0, 0, None));
    }

    #[test]
    fn what_is_written_into_a_cache_has_its_own_price_before_and_after() {
        let price = Price {
            input: 1_000_000,
            output: 0,
            cache_write: 3_000_000,
        };
        let most = |writes_cache| Tokens {
            writes_cache,
            ..MOST
        };
        assert_eq!(Cost::of(most(false), price).units(Unit::Money), 150);
        assert_eq!(Cost::of(most(true), price).units(Unit::Money), 450);
        let told = Usage {
            cache_write: 40,
            ..usage(Some(100), Some(0), 0)
        };
        assert_eq!(
            Used::of(&told, Ending::Complete, &most(true)).cache_write,
            40
        );
        let none = usage(None, None, 0);
        assert_eq!(Used::of(&none, Ending::Cut, &most(true)).cache_write, 100);
        assert_eq!(Used::of(&none, Ending::Cut, &most(false)).cache_write, 0);
    }
}
