//! Budgets of requests, tokens, characters, sound and money: `[[budgets]]`, `[[prices]]`, `[[speech]]`,
//! `[[transcriptions]]`, `[[model_rules]]`, `[metering]`.
//!
//! # Design
//!
//! A request to a model has no known price until its response has ended. So the gateway works in two steps:
//!
//! 1. *Before*: it reads the whole request, finds an upper bound of tokens in and out, and reserves that
//!    from all budgets at once ([`BudgetStore::reserve`]). What does not fit is refused with 402 (days and
//!    months) or 429 (minutes and hours), before the upstream gets it. The greatest number of tokens
//!    out is written into the request, so that the upstream keeps to the bound.
//! 2. *After*: [`Meter`] reads the response on its way and settles the reserve by the `usage` of the
//!    upstream, or by what passed. It settles when it is dropped too: a client that leaves before the
//!    usage pays the reserve.
//!
//! The body is parsed once and written again from what was parsed: a key that is there twice reaches the
//! upstream with the value that was counted.
//!
//! What cannot be counted is refused rather than free: an unknown path, a model without a price, a
//! response in the background.
//!
//! | file | what it has |
//! |---|---|
//! | `section.rs`, `policy.rs`, `values.rs`, `speech_values.rs`, `transcription_values.rs`, `unit.rs` | the keys as written, and checked |
//! | `model_rule.rs`, `price.rs` | which models, how many tokens, at what price |
//! | `admission.rs` | reads a body and reserves for it |
//! | `api.rs`, `request/` | what a request asks for |
//! | `field_names.rs` | which fields servers take for a named one |
//! | `speech/` | the text that a request speaks, and the sound of the response |
//! | `transcription/` | the sound that a request sends |
//! | `refusal.rs`, `fields.rs` | what a client is told |
//! | `cost.rs` | the most that it can cost |
//! | `charge.rs`, `charged_usage.rs`, `usage.rs`, `meter.rs` | what it used |
//!
//! # The bound
//!
//! A token has at least one byte of text, so tokens in are at most the bytes of the body, and
//! `overhead_tokens` for what the upstream adds itself. What a request only names (an earlier response, a
//! file, an image) counts as `reference_tokens` each.
//!
//! A usage above the bound is charged as it is told, up to 2^31 tokens, and marked in the audit trail. The
//! window is then exceeded once, and the next request is refused.

mod admission;
mod meter;
mod charge;
mod charged_usage;
mod usage;
mod refusal;
mod field_names;
mod fields;
mod request;
mod api;
mod cost;
mod policy;
mod speech_values;
mod transcription_values;
mod values;
mod section;
mod speech;
mod transcription;
mod model_rule;
mod unit;
mod price;
mod value_count;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Method, request::Parts};
use http_body::Body;
use http_body_util::{Either, Full};
use palisade::core::{BoxError, Identity, Rejection, SecurityContext, SharedClock};
use palisade_rate_limit::{BudgetCharge, BudgetStore};

use self::{admission::Counted, api::Api, charge::Entry, cost::Cost};
pub(crate) use self::{charge::Charge, meter::Meter, policy::BudgetPolicy};

/// The budgets of a gateway, with the store of their counters. Clones share both.
#[derive(Clone)]
pub(crate) struct Budgets(Arc<Inner>);

/// What all clones share.
struct Inner {
    /// The sections of the file, checked.
    policy: BudgetPolicy,
    /// The counters: in memory with a journal, or in Redis.
    store: Arc<dyn BudgetStore>,
    /// Chooses the window that is charged.
    clock: SharedClock,
    /// Whether nothing is refused or changed.
    only_shadow: bool,
}

/// A request that may be forwarded: its body, and what must be settled afterwards.
pub(crate) struct Admitted<B> {
    /// The body for the upstream: as it came, or written again with the bounds in it.
    pub(crate) body: Either<B, Full<Bytes>>,
    /// The reserve. `None`: no budget counts this request.
    pub(crate) charge: Option<Charge>,
}

/// Whom a request is counted for.
pub(crate) struct Caller<'a> {
    /// Names the principal, and receives notes for the audit record.
    pub(crate) cx: &'a SecurityContext,
    /// The addresses and the path prefix of the upstream.
    pub(crate) upstream: &'a str,
    /// Whether the client asks for another protocol.
    pub(crate) switches: bool,
}

impl<B> Admitted<B> {
    /// Admits a request that no budget counts.
    pub(crate) const fn uncounted(body: B) -> Self {
        let body = Either::Left(body);
        Self { body, charge: None }
    }
}

impl Caller<'_> {
    /// Returns the principal as `kind:id`, and its owner. Without a principal both are `guest`, which all
    /// guests share.
    fn principal_and_owner(&self) -> (String, String) {
        match self.cx.identity() {
            Identity::Known(who) => {
                let name = format!("{}:{}", who.kind(), who.id());
                let owner = who.owner().map_or_else(|| name.clone(), str::to_owned);
                (name, owner)
            }
            _ => ("guest".to_owned(), "guest".to_owned()),
        }
    }
}

/// What a path is to the budgets.
enum Target<'a> {
    /// Its body is read.
    Counted(Counted<'a>),
    /// Everything that costs neither tokens nor sound.
    Free,
}

impl Budgets {
    /// Joins a policy and a store.
    pub(crate) fn new(
        policy: BudgetPolicy,
        store: Arc<dyn BudgetStore>,
        clock: SharedClock,
        only_shadow: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            policy,
            store,
            clock,
            only_shadow,
        }))
    }

    /// Reserves what a request may cost, and returns it as it may be forwarded.
    ///
    /// # Errors
    ///
    /// The refusal for the client. Nothing is reserved then.
    pub(crate) async fn admit<B>(
        &self,
        caller: Caller<'_>,
        head: &mut Parts,
        body: B,
    ) -> Result<Admitted<B>, Box<Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let target = match self.target_of(head, !body.is_end_stream(), caller.switches) {
            Ok(target) => target,
            Err(rejection) => {
                self.refuse_unless_shadow(caller.cx, rejection)?;
                Target::Free
            }
        };
        match target {
            Target::Free => {
                let charge = self
                    .reserve_cost(&caller, None, Cost::without_tokens())
                    .await?;
                let body = Either::Left(body);
                Ok(Admitted { body, charge })
            }
            Target::Counted(counted) => self.admit_counted(counted, &caller, head, body).await,
        }
    }

    /// Says what a path is.
    ///
    /// # Errors
    ///
    /// 403: it could cost tokens or speak a text that no one counts.
    fn target_of(
        &self,
        head: &Parts,
        has_body: bool,
        switches: bool,
    ) -> Result<Target<'_>, Box<Rejection>> {
        let policy = &self.0.policy;
        let path = head.uri.path();
        if policy.is_free(path) {
            return Ok(Target::Free);
        }
        if let Some(rule) = policy.speech_at(path).filter(|_| !switches) {
            return Ok(Target::Counted(Counted::Speech(rule)));
        }
        if let Some(rule) = policy.transcription_at(path).filter(|_| !switches) {
            return Ok(Target::Counted(Counted::Transcription(rule)));
        }
        if !policy.reads_models() && !policy.reads_speech() {
            return Ok(Target::Free);
        }
        let is_read = head.method == Method::POST && policy.reads_models();
        if let Some(api) = Api::for_path(path).filter(|_| is_read) {
            return Ok(Target::Counted(Counted::Model(api)));
        }
        // Some servers read the body of a `GET`.
        let reads = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        match reads && !has_body && !switches && !policy.has_text(head.uri.query()) {
            true => Ok(Target::Free),
            false => Err(refusal::path_not_metered()),
        }
    }

    /// Reserves a cost from all budgets that count a request.
    ///
    /// # Errors
    ///
    /// 402 or 429: it does not fit. 503: the store cannot be asked.
    async fn reserve_cost(
        &self,
        caller: &Caller<'_>,
        model: Option<&str>,
        cost: Cost,
    ) -> Result<Option<Charge>, Box<Rejection>> {
        let now = self.0.clock.unix_time();
        let entries = self.matching_budgets(caller, model);
        if entries.is_empty() {
            return Ok(None);
        }
        let charge = |entry: &Entry| {
            let key = entry.key_at(now);
            BudgetCharge::new(key, entry.budget.amount, cost.most_units(entry.budget.unit))
        };
        let charges: Vec<BudgetCharge> = entries.iter().map(charge).collect();
        let decision = self.0.store.reserve(charges.clone()).get().await;
        let refused = match decision {
            Ok(decision) if decision.is_granted() => {
                let states = decision.states().to_vec();
                let fields = fields::header_fields(&entries, &charges, &states, now);
                let reservation = decision.into_reservation();
                return Ok(reservation.map(|reservation| {
                    let store = Arc::clone(&self.0.store);
                    Charge::new(caller.cx, store, reservation, entries, cost, fields)
                }));
            }
            Ok(decision) => refusal::budget_exceeded(&entries, &charges, decision.states(), now),
            Err(problem) => refusal::store_away(problem),
        };
        self.refuse_unless_shadow(caller.cx, refused)?;
        Ok(None)
    }

    /// Returns the budgets that count a request, each with whom it counts.
    /// `model` is `None` if the request costs neither tokens nor sound.
    fn matching_budgets(&self, caller: &Caller<'_>, model: Option<&str>) -> Vec<Entry> {
        let (principal, _) = caller.principal_and_owner();
        let owner = match caller.cx.identity() {
            Identity::Known(who) => who.owner(),
            _ => None,
        };
        let budgets = self.0.policy.budgets.iter();
        budgets
            .filter_map(|budget| {
                let subject = budget.subject_of(&principal, owner, caller.upstream, model)?;
                Some(Entry {
                    budget: Arc::clone(budget),
                    subject,
                })
            })
            .collect()
    }

    /// In shadow, records a refusal. Otherwise returns it.
    ///
    /// # Errors
    ///
    /// The refusal, unless budgets are in shadow.
    fn refuse_unless_shadow(
        &self,
        cx: &SecurityContext,
        rejection: Box<Rejection>,
    ) -> Result<(), Box<Rejection>> {
        match self.0.only_shadow {
            true => {
                cx.would_refuse("budget", &rejection);
                Ok(())
            }
            false => Err(rejection),
        }
    }
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets")
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}
