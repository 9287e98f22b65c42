//! Writes what the guards noticed: refusals, failed credentials and facts, each under its own
//! name.
//!
//! Of many refusals the first and the last are written, with the total. Facts of one kind are an
//! array; equal ones have a `count`. Kinds of facts that are not recorded are skipped.
//!
//! | Member | Says |
//! |---|---|
//! | `refused`, `refused_count` | guard, code, policy and private reason of the first and the last refusal; how many |
//! | `would_refuse` | the same of guards in shadow mode |
//! | `credential_failed`, `credential_failed_count` | kind, code and sort of failure |
//! | `cleaned`, `credential_exposed`, `degraded`, `noted`, `close_panicked` | facts of this kind |
//! | `facts_lost` | facts beyond the limits of the core |
//!
//! Reasons, notes and identifiers of credentials are texts of guards and handlers, which may name a person. A trail with
//! pseudonyms has no reason, codes in place of identifiers, and of notes only those in clear that name no one.

use palisade_core::{Counted, Fact, Observations, Refusal};

use super::{
    encode::{MAX_NAME_CHARS, MAX_TEXT_CHARS},
    notes::{NoteForm, pseudonymous_form},
    redaction::Redaction,
};
use crate::record::json::Object;

/// Writes a member for each kind of which there is one. A `count` stands where there were several. The redaction says
/// whether texts that may name a person are written.
pub(super) fn write(record: &mut Object<'_>, seen: &Observations, redaction: &Redaction) {
    let texts = !redaction.principal_pseudonyms;
    let refusals = seen.refusals();
    record.objects("refused", refusals.iter(), |it, refusal| {
        refusal_members(it, refusal, texts);
    });
    total_if_more(
        record,
        "refused_count",
        refusals.count(),
        refusals.iter().len(),
    );
    record.objects(
        "would_refuse",
        seen.shadow_refusals().iter(),
        |it, counted| {
            refusal_members(it, &counted.value, texts);
            count_if_several(it, counted);
        },
    );
    let failures = seen.credential_failures();
    record.objects("credential_failed", failures.iter(), |it, failed| {
        it.text("kind", failed.kind);
        it.text("code", failed.code);
        it.text("failure", failed.failure.as_str());
    });
    total_if_more(
        record,
        "credential_failed_count",
        failures.count(),
        failures.iter().len(),
    );
    let facts = seen.facts();
    for name in [
        "cleaned",
        "credential_exposed",
        "degraded",
        "noted",
        "close_panicked",
    ] {
        facts_of_kind(record, name, facts, redaction);
    }
    if let lost @ 1.. = seen.facts_lost() {
        record.number("facts_lost", lost.into());
    }
}

/// Writes who refused, and the private reason, which the client does not get. At most 512 characters of it.
fn refusal_members(it: &mut Object<'_>, refusal: &Refusal, texts: bool) {
    it.text("guard", refusal.guard);
    it.text("code", refusal.code);
    if let Some(policy) = &refusal.policy {
        it.limited("policy", policy, MAX_TEXT_CHARS);
    }
    if let Some(reason) = refusal.reason.as_ref().filter(|_| texts) {
        it.limited("reason", reason, MAX_TEXT_CHARS);
    }
}

/// Writes how many there were if not all of them stand there.
fn total_if_more(record: &mut Object<'_>, key: &str, all: u32, written: usize) {
    if usize::try_from(all).is_ok_and(|all| all > written) {
        record.number(key, all.into());
    }
}

/// Writes how often it happened, if more than once.
fn count_if_several<T>(it: &mut Object<'_>, counted: &Counted<T>) {
    if counted.count > 1 {
        it.number("count", counted.count.into());
    }
}

/// Writes the facts of one kind as an array, if there are any. Equal ones are one entry with a `count`.
fn facts_of_kind(
    record: &mut Object<'_>,
    name: &str,
    facts: &[Counted<Fact>],
    redaction: &Redaction,
) {
    let of_kind = facts.iter().filter(|it| kind_name(&it.value) == name);
    record.objects(name, of_kind, |it, counted| {
        fact_members(it, &counted.value, redaction);
        count_if_several(it, counted);
    });
}

/// Writes what a fact says. Kinds that are not recorded have no members.
fn fact_members(it: &mut Object<'_>, fact: &Fact, redaction: &Redaction) {
    match fact {
        Fact::Cleaned { field, removed } => {
            it.limited("field", field, MAX_NAME_CHARS);
            it.number("removed", (*removed).into());
        }
        Fact::ClosePanicked { guard } => it.text("guard", guard),
        Fact::CredentialExposed { kind, id } => {
            it.limited("kind", kind, MAX_NAME_CHARS);
            if let Some(id) = id {
                let id = redaction.recorded_name("credential", id);
                it.limited("id", &id, MAX_NAME_CHARS);
            }
        }
        Fact::Degraded { guard, what } => {
            it.text("guard", guard);
            it.text("what", what);
        }
        Fact::Noted { key, value } => {
            it.text("key", key);
            match pseudonymous_form(key) {
                NoteForm::Clear => it.limited("value", value, MAX_TEXT_CHARS),
                NoteForm::Code(part) => {
                    let value = redaction.recorded_name(part, value);
                    it.limited("value", &value, MAX_TEXT_CHARS);
                }
            }
        }
        _ => {}
    }
}

/// Returns the member under which a fact is written; `other` for kinds that are not recorded. The core may gain
/// kinds that this crate does not know yet.
fn kind_name(fact: &Fact) -> &'static str {
    match fact {
        Fact::Cleaned { .. } => "cleaned",
        Fact::ClosePanicked { .. } => "close_panicked",
        Fact::CredentialExposed { .. } => "credential_exposed",
        Fact::Degraded { .. } => "degraded",
        Fact::Noted { .. } => "noted",
        _ => "other",
    }
}
