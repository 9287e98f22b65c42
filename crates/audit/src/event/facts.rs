//! What the guards noticed, each kind under a name of its own.

use palisade_core::{Counted, Fact, Observations, Refusal};

use super::encode::{NAME, TEXT};
use crate::json::Object;

/// Writes a member for each kind of which there is one. A `count` stands where there were several.
pub(super) fn write(record: &mut Object<'_>, seen: &Observations) {
    let refusals = seen.refusals();
    record.objects("refused", refusals.iter(), refusal);
    more(
        record,
        "refused_count",
        refusals.count(),
        refusals.iter().len(),
    );
    record.objects(
        "would_refuse",
        seen.shadow_refusals().iter(),
        |it, counted| {
            refusal(it, &counted.value);
            count(it, counted);
        },
    );
    let failures = seen.credential_failures();
    record.objects("credential_failed", failures.iter(), |it, failed| {
        it.text("kind", failed.kind);
        it.text("code", failed.code);
        it.text("failure", failed.failure.as_str());
    });
    more(
        record,
        "credential_failed_count",
        failures.count(),
        failures.iter().len(),
    );
    let facts = seen.facts();
    of_kind(record, "cleaned", facts, |it, fact| {
        if let Fact::Cleaned { field, removed } = fact {
            it.limited("field", field, NAME);
            it.number("removed", (*removed).into());
        }
    });
    of_kind(record, "credential_exposed", facts, |it, fact| {
        if let Fact::CredentialExposed { kind, id } = fact {
            it.limited("kind", kind, NAME);
            if let Some(id) = id {
                it.limited("id", id, NAME);
            }
        }
    });
    of_kind(record, "degraded", facts, |it, fact| {
        if let Fact::Degraded { guard, what } = fact {
            it.text("guard", guard);
            it.text("what", what);
        }
    });
    of_kind(record, "noted", facts, |it, fact| {
        if let Fact::Noted { key, value } = fact {
            it.text("key", key);
            it.limited("value", value, TEXT);
        }
    });
    of_kind(record, "close_panicked", facts, |it, fact| {
        if let Fact::ClosePanicked { guard } = fact {
            it.text("guard", guard);
        }
    });
    if let lost @ 1.. = seen.facts_lost() {
        record.number("facts_lost", lost.into());
    }
}

/// Writes who refused, and the private reason.
fn refusal(it: &mut Object<'_>, refusal: &Refusal) {
    it.text("guard", refusal.guard);
    it.text("code", refusal.code);
    if let Some(reason) = &refusal.reason {
        it.limited("reason", reason, TEXT);
    }
}

/// Writes how many there were if not all of them stand there.
fn more(record: &mut Object<'_>, key: &str, all: u32, written: usize) {
    if usize::try_from(all).is_ok_and(|all| all > written) {
        record.number(key, all.into());
    }
}

fn count<T>(it: &mut Object<'_>, counted: &Counted<T>) {
    if counted.count > 1 {
        it.number("count", counted.count.into());
    }
}

/// Writes the facts of one kind.
fn of_kind(
    record: &mut Object<'_>,
    name: &str,
    facts: &[Counted<Fact>],
    write: impl Fn(&mut Object<'_>, &Fact),
) {
    let ours = facts.iter().filter(|it| kind(&it.value) == name);
    record.objects(name, ours, |it, counted| {
        write(it, &counted.value);
        count(it, counted);
    });
}

fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::Cleaned { .. } => "cleaned",
        Fact::ClosePanicked { .. } => "close_panicked",
        Fact::CredentialExposed { .. } => "credential_exposed",
        Fact::Degraded { .. } => "degraded",
        Fact::Noted { .. } => "noted",
        _ => "other",
    }
}
