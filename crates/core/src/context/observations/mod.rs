//! Refusals, failed credentials and facts of one request, bounded in number.
//!
//! The records of the context hold one. The audit layer and metrics read it when the request
//! ends.

mod counted;
mod fact;

use std::mem;

pub use self::{
    counted::{Counted, FirstAndLast},
    fact::{Fact, FailedCredential, Refusal},
};
use crate::credential::CredentialFailure;

/// The most different facts of one kind that are kept.
const FACTS_OF_A_KIND: usize = 16;
/// The most different values of one `Noted` key: a client that controls one key leaves capacity for others.
const VALUES_OF_A_KEY: usize = 4;
/// The most different shadow refusals. No usual stack has more guards in shadow.
const SHADOW_REFUSALS: usize = 16;
/// The capacity that the first fact reserves: one allocation for nearly every request that has facts.
const RESERVED: usize = 8;

/// What the guards observed about one request. Read it with
/// [`SecurityContext::with_observations`](crate::SecurityContext::with_observations).
///
/// Each kind is bounded separately, so that a client that causes many facts of one kind cannot displace
/// another kind, a refusal, a failed credential or a shadow refusal:
///
/// - refusals and failed credentials: the first, the last and their number;
/// - shadow refusals: 16 different ones, each with its number;
/// - facts: 16 different ones of each kind, and of `Noted` 4 values a key. Equal ones are counted, and what
///   was cleaned of one field is added up.
///
/// A metrics layer reads it when the request ends:
///
/// ```
/// use http::Request;
/// use palisade_core::{Rejection, SecurityContext};
///
/// let (mut head, ()) = Request::new(()).into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// let challenge = http::HeaderValue::from_static("Bearer");
/// cx.credential_failed("jwt", &Rejection::credentials_invalid(challenge));
/// cx.would_refuse("access", &Rejection::insufficient_scope());
///
/// cx.with_observations(|observed| {
///     assert_eq!(observed.guesses(), 1);
///     assert_eq!(observed.shadow_refusals()[0].value.code, "insufficient_scope");
///     assert_eq!(observed.refusals().count(), 0);
/// });
/// ```
#[derive(Debug, Default)]
pub struct Observations {
    /// The first and the last failed credential.
    credential_failures: FirstAndLast<FailedCredential>,
    /// Different facts, each with its number.
    facts: Vec<Counted<Fact>>,
    /// Facts that were dropped because their kind was full.
    facts_lost: u32,
    /// Failed credentials that could be guesses.
    guesses: u32,
    /// The first and the last refusal.
    refusals: FirstAndLast<Refusal>,
    /// Different refusals in shadow, each with its number.
    shadow_refusals: Vec<Counted<Refusal>>,
}

impl Observations {
    /// Nothing was observed.
    pub(in crate::context) const NOTHING: Self = Self {
        credential_failures: FirstAndLast::NONE,
        facts: Vec::new(),
        facts_lost: 0,
        guesses: 0,
        refusals: FirstAndLast::NONE,
        shadow_refusals: Vec::new(),
    };

    /// Returns the refusals. There are several if a guard refused a response that was a refusal
    /// already.
    #[must_use]
    pub const fn refusals(&self) -> &FirstAndLast<Refusal> {
        &self.refusals
    }

    /// Returns what guards in shadow would have refused, at most 16 different ones.
    #[must_use]
    pub fn shadow_refusals(&self) -> &[Counted<Refusal>] {
        &self.shadow_refusals
    }

    /// Returns the credentials that were sent and not accepted.
    #[must_use]
    pub const fn credential_failures(&self) -> &FirstAndLast<FailedCredential> {
        &self.credential_failures
    }

    /// Returns how many failed credentials could be guesses; see [`CredentialFailure`].
    #[must_use]
    pub const fn guesses(&self) -> u32 {
        self.guesses
    }

    /// Returns the facts, each different one once, in the order of their first occurrence.
    #[must_use]
    pub fn facts(&self) -> &[Counted<Fact>] {
        &self.facts
    }

    /// Returns how many facts, shadow refusals and settlements were dropped because their kind was
    /// full.
    #[must_use]
    pub const fn facts_lost(&self) -> u32 {
        self.facts_lost
    }

    /// Counts an equal fact, adds a new one, or counts it as lost.
    pub(in crate::context) fn record(&mut self, fact: Fact) {
        if let Some(known) = self
            .facts
            .iter_mut()
            .find(|known| same(&known.value, &fact))
        {
            known.count = known.count.saturating_add(1);
            return add_up(&mut known.value, &fact);
        }
        if !self.has_capacity(&fact) {
            return self.lose_fact();
        }
        if self.facts.capacity() == 0 {
            self.facts.reserve_exact(RESERVED);
        }
        self.facts.push(Counted::once(fact));
    }

    /// Counts a fact that was dropped.
    pub(in crate::context) fn lose_fact(&mut self) {
        self.facts_lost = self.facts_lost.saturating_add(1);
    }

    /// Tells whether the kind of a fact, and the key of a `Noted`, are below their bounds.
    fn has_capacity(&self, fact: &Fact) -> bool {
        let kind = mem::discriminant(fact);
        let known = self.facts.iter().map(|known| &known.value);
        let of_kind = known
            .clone()
            .filter(|it| mem::discriminant(*it) == kind)
            .count();
        let of_key = match fact {
            Fact::Noted { key, .. } => known.filter(|it| has_key(it, key)).count(),
            _ => 0,
        };
        of_kind < FACTS_OF_A_KIND && of_key < VALUES_OF_A_KEY
    }

    /// Adds a refusal.
    pub(in crate::context) fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }

    /// Adds a shadow refusal. One with the same guard, code and policy is counted; its first reason stays.
    pub(in crate::context) fn would_refuse(&mut self, refusal: Refusal) {
        let known = self.shadow_refusals.iter_mut();
        let mut same = known.filter(|it| it.value.is_alike(&refusal));
        if let Some(known) = same.next() {
            known.count = known.count.saturating_add(1);
        } else if self.shadow_refusals.len() < SHADOW_REFUSALS {
            self.shadow_refusals.push(Counted::once(refusal));
        } else {
            self.lose_fact();
        }
    }

    /// Adds a failed credential and counts it if it could be a guess.
    pub(in crate::context) fn credential_failed(
        &mut self,
        kind: &'static str,
        code: &'static str,
        failure: CredentialFailure,
    ) {
        let guess = u32::from(failure.is_guess());
        self.guesses = self.guesses.saturating_add(guess);
        self.credential_failures.push(FailedCredential {
            kind,
            code,
            failure,
        });
    }
}

/// Returns whether two facts differ in number only.
fn same(one: &Fact, other: &Fact) -> bool {
    match (one, other) {
        (Fact::Cleaned { field, .. }, Fact::Cleaned { field: same, .. }) => field == same,
        _ => one == other,
    }
}

/// Adds the removed code points of one fact to another.
fn add_up(sum: &mut Fact, more: &Fact) {
    if let (Fact::Cleaned { removed, .. }, Fact::Cleaned { removed: more, .. }) = (sum, more) {
        *removed = removed.saturating_add(*more);
    }
}

/// Returns whether a fact is `Noted` under a key.
fn has_key(fact: &Fact, wanted: &str) -> bool {
    matches!(fact, Fact::Noted { key, .. } if *key == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(key: &'static str, value: usize) -> Fact {
        let value = value.to_string().into();
        Fact::Noted { key, value }
    }

    fn cleaned(field: &str, removed: u32) -> Fact {
        let field = field.into();
        Fact::Cleaned { field, removed }
    }

    fn refusal(guard: &'static str, code: &'static str) -> Refusal {
        Refusal {
            guard,
            code,
            policy: None,
            reason: None,
        }
    }

    #[test]
    fn equal_facts_are_counted_and_numbers_added_up() {
        let mut observed = Observations::default();
        for removed in 1..=100 {
            observed.record(cleaned("text", removed));
            observed.record(noted("via", 1));
        }
        let facts: Vec<_> = observed
            .facts()
            .iter()
            .map(|it| (it.value.clone(), it.count))
            .collect();
        assert_eq!(
            facts,
            [(cleaned("text", 5050), 100), (noted("via", 1), 100)]
        );
        assert_eq!(observed.facts_lost(), 0);
    }

    #[test]
    fn one_kind_of_fact_leaves_capacity_for_the_others() {
        let mut observed = Observations::default();
        for number in 0..1000 {
            observed.record(cleaned(&number.to_string(), 1));
            observed.record(noted("steered", number));
        }
        assert_eq!(observed.facts().len(), 16 + 4);
        assert_eq!(observed.facts_lost(), 2000 - 20);
        let degraded = Fact::Degraded {
            guard: "g",
            what: "w",
        };
        for fact in [
            degraded,
            Fact::ClosePanicked { guard: "g" },
            noted("via", 1),
        ] {
            observed.record(fact.clone());
            assert_eq!(observed.facts().last().unwrap().value, fact);
        }
    }

    #[test]
    fn a_thousand_facts_displace_no_refusal_and_no_failed_credential() {
        let mut observed = Observations::default();
        for number in 0..1000 {
            observed.record(cleaned(&number.to_string(), 1));
        }
        observed.credential_failed("key", "unauthenticated", CredentialFailure::Guess);
        observed.would_refuse(refusal("shadow", "limited"));
        observed.refuse(refusal("sanitize", "too_long"));
        assert_eq!(observed.refusals().last().unwrap().code, "too_long");
        assert_eq!(observed.shadow_refusals()[0].value.guard, "shadow");
        assert_eq!(
            (observed.credential_failures().count(), observed.guesses()),
            (1, 1)
        );
    }

    #[test]
    fn of_several_refusals_the_first_and_the_last_stay() {
        let mut observed = Observations::default();
        for code in ["a", "b", "c"] {
            observed.refuse(refusal("g", code));
        }
        let codes: Vec<_> = observed.refusals().iter().map(|it| it.code).collect();
        assert_eq!((codes, observed.refusals().count()), (vec!["a", "c"], 3));
    }

    #[test]
    fn a_guess_between_two_expired_credentials_is_still_counted() {
        let mut observed = Observations::default();
        for failure in [
            CredentialFailure::Expired,
            CredentialFailure::Guess,
            CredentialFailure::Revoked,
        ] {
            observed.credential_failed("jwt", "unauthenticated", failure);
        }
        assert_eq!(
            (observed.credential_failures().count(), observed.guesses()),
            (3, 1)
        );
    }

    #[test]
    fn equal_shadow_refusals_are_counted_and_different_ones_bounded() {
        let mut observed = Observations::default();
        for _ in 0..100 {
            observed.would_refuse(refusal("g", "c"));
        }
        let codes: Vec<&'static str> = (0..40).map(|i| &*i.to_string().leak()).collect();
        for code in codes {
            observed.would_refuse(refusal("g", code));
        }
        assert_eq!(observed.shadow_refusals()[0].count, 100);
        assert_eq!(
            (observed.shadow_refusals().len(), observed.facts_lost()),
            (16, 25)
        );
    }
}
