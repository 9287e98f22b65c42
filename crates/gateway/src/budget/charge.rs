//! What a request reserved, and its settlement: once, however the request ends.
//!
//! | what ends the request | what is charged |
//! |---|---|
//! | a complete response | the usage that the upstream reports, otherwise the text that passed |
//! | a client that disconnects, a response that is cut | tokens in, and the whole reserve of tokens out; the usage if the event that ends the stream told it |
//! | no upstream could be reached, in any attempt | nothing: no model ran |
//! | the process is killed | the reserve, since no one settles it |

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, response};
use palisade::core::{Fact, SecurityContext};
use palisade_rate_limit::{BudgetKey, BudgetStore, Reservation};

use super::{
    api::Api,
    charged_usage::{ChargedUsage, Ending},
    cost::Cost,
    meter::Meter,
    policy::{Budget, CounterSubject},
    request::ModelRequest,
    speech::SoundSide,
    unit::Unit,
    usage::Usage,
};

/// A budget, and whom it counts.
pub(super) struct Entry {
    /// The budget as configured.
    pub(super) budget: Arc<Budget>,
    /// The principal, owner, model or upstream whose counter is charged.
    pub(super) subject: CounterSubject,
}

impl Entry {
    /// Returns the counter of the window around a moment.
    pub(super) fn key_at(&self, now: Duration) -> BudgetKey {
        let CounterSubject { kind, id } = &self.subject;
        let span = self.budget.window.around(now);
        BudgetKey::new(Arc::clone(&self.budget.name), *kind, id.as_str(), span)
    }
}

/// A reserve that must be settled. Dropped without more, it charges the tokens in and the reserve of tokens
/// out: the upstream has the request.
pub(crate) struct Charge {
    /// The request: its audit record gets what was reserved and what was charged.
    cx: SecurityContext,
    /// The counters that are settled.
    store: Arc<dyn BudgetStore>,
    /// `None` once it is settled.
    reservation: Option<Reservation>,
    /// The budgets of the reservation, in its order.
    entries: Vec<Entry>,
    /// The most that the request can cost, as it was reserved.
    cost: Cost,
    /// `RateLimit` and `RateLimit-Policy` of the response.
    fields: Vec<(HeaderName, HeaderValue)>,
    /// `None`: the request costs no tokens.
    api: Option<Api>,
    /// Whether events with the usage are removed from a stream, because the client did not ask for them.
    hides_usage: bool,
    /// Whether the request asks for one answer of a model.
    has_one_choice: bool,
}

impl Charge {
    /// Takes over a reserve, and records it in the audit trail as `budget_reserved`.
    ///
    /// From here on the reserve is settled once, whatever happens: by [`settle_usage`](Self::settle_usage),
    /// [`settle_failed`](Self::settle_failed), or the drop of this value.
    pub(super) fn new(
        cx: &SecurityContext,
        store: Arc<dyn BudgetStore>,
        reservation: Reservation,
        entries: Vec<Entry>,
        cost: Cost,
        fields: Vec<(HeaderName, HeaderValue)>,
    ) -> Self {
        record_reserved(cx, &cost);
        Self {
            cx: cx.clone(),
            store,
            reservation: Some(reservation),
            entries,
            cost,
            fields,
            api: None,
            hides_usage: false,
            has_one_choice: false,
        }
    }

    /// Says which request it is, and records its model. In shadow the usage that the client sees is not changed.
    pub(super) fn of_request(mut self, request: &ModelRequest, only_shadow: bool) -> Self {
        self.api = Some(request.api());
        self.hides_usage = request.hides_usage() && !only_shadow;
        self.has_one_choice = request.has_one_choice();
        record_note(&self.cx, "model", request.model().to_owned());
        self
    }

    /// Returns whether the usage of a stream is for the gateway alone.
    pub(super) const fn hides_usage(&self) -> bool {
        self.hides_usage
    }

    /// Returns whether the request asks for one answer of a model.
    pub(super) const fn has_one_choice(&self) -> bool {
        self.has_one_choice
    }

    /// Notes the model of a request that has to do with sound.
    pub(super) fn of_sound(self, model: &str) -> Self {
        if !model.is_empty() {
            record_note(&self.cx, "model", model.to_owned());
        }
        self
    }

    /// Adds what is left to a response, and returns what reads its body.
    ///
    /// The meter owns the charge: it settles at the end of the body, and its drop settles a body that ends early. `None`:
    /// nothing in the response changes the costs, so the reserve is settled at once.
    pub(crate) fn follow_response(self, head: &mut response::Parts) -> Option<Meter> {
        for (name, value) in &self.fields {
            head.headers.append(name.clone(), value.clone());
        }
        match (self.api, self.cost.speech) {
            (Some(api), _) => Some(Meter::of_document(self, api, head)),
            (None, Some(speech)) => Some(match speech.side {
                SoundSide::Request => Meter::of_document(self, Api::Transcription, head),
                SoundSide::Response => Meter::of_speech(self, head),
            }),
            (None, None) => None,
        }
    }

    /// Settles a request that got no response.
    ///
    /// Everything is given back only if no upstream has the request, in any attempt. After any other failure, such as a
    /// timeout, a model may have run: the drop of the charge then settles the reserve.
    pub(crate) fn settle_failed(mut self, may_have_run: bool) {
        if !may_have_run {
            self.settle_usage(&Usage::default(), Ending::NothingRan);
        }
    }

    /// Settles by what the upstream said, or by what passed. A second call does nothing.
    ///
    /// Each budget of the reservation is charged in its own unit. The audit record gets the amounts, the metrics get them by
    /// budget, with a mark if they were estimated. The store is told without waiting for it.
    pub(super) fn settle_usage(&mut self, usage: &Usage, ending: Ending) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let used = match &self.cost.speech {
            Some(speech) => ChargedUsage::from_speech(usage, ending, speech),
            None => ChargedUsage::from_usage(usage, ending, &self.cost.tokens),
        };
        let units = |entry: &Entry| {
            let unit = entry.budget.unit;
            self.cost.units_of(unit, &used.amounts)
        };
        let units: Vec<u64> = self.entries.iter().map(units).collect();
        if self.api.is_some() || self.cost.speech.is_some() {
            self.record_usage(&used);
        }
        for (entry, units) in self.entries.iter().zip(&units) {
            count_units(&entry.budget, *units, used.is_estimated());
        }
        self.store.settle(reservation, &units);
    }

    /// Tells the audit trail.
    fn record_usage(&self, used: &ChargedUsage) {
        let amounts = &used.amounts;
        match self.cost.speech {
            Some(speech) => {
                if speech.side == SoundSide::Response {
                    self.cx.settle("characters", amounts.characters);
                }
                self.cx.settle("audio_ms", amounts.audio_millis);
            }
            None => {
                self.cx.settle("tokens_in", amounts.tokens_in);
                self.cx.settle("tokens_out", amounts.tokens_out);
            }
        }
        let money = self.cost.money(amounts);
        if money > 0 {
            self.cx.settle("money_millionths", money);
        }
        if let Some(reason) = used.estimated {
            record_note(&self.cx, "budget_estimated", reason.to_owned());
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.settle_usage(&Usage::default(), Ending::Cut);
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

/// Tells the audit trail the most that a request can cost, by the units in which it is settled.
fn record_reserved(cx: &SecurityContext, cost: &Cost) {
    let units: &[(&str, Unit)] = match cost.speech.map(|speech| speech.side) {
        Some(SoundSide::Request) => &[("audio_ms", Unit::AudioSeconds)],
        Some(SoundSide::Response) => &[
            ("characters", Unit::Characters),
            ("audio_ms", Unit::AudioSeconds),
        ],
        None => &[
            ("tokens_in", Unit::TokensIn),
            ("tokens_out", Unit::TokensOut),
        ],
    };
    for (name, unit) in units.iter().chain(&[("money_millionths", Unit::Money)]) {
        if let amount @ 1.. = cost.most_units(*unit) {
            cx.reserve(*name, amount);
        }
    }
}

/// Adds a note to the audit record of a request. It must hold no text of the client but the name of the model.
fn record_note(cx: &SecurityContext, key: &'static str, value: String) {
    let value = value.into();
    cx.record(Fact::Noted { key, value });
}

/// Counts units for the `metrics` facade. Budgets are those of the configuration.
fn count_units(budget: &Budget, units: u64, is_estimated: bool) {
    let kind = match is_estimated {
        true => "estimated",
        false => "told",
    };
    let name = budget.name.to_string();
    metrics::counter!("palisade_budget_units_total", "budget" => name, "kind" => kind)
        .increment(units);
}
