//! What the guards noticed, each kind under a name of its own.

use palisade_core::Fact;

use super::encode::{NAME, TEXT};
use crate::json::Object;

/// Writes a member for each kind of which there is a fact.
pub(super) fn write(record: &mut Object<'_>, facts: &[Fact]) {
    refusals(record, "refused", facts, |fact| match fact {
        Fact::Refused { guard, code } => Some((guard, code)),
        _ => None,
    });
    refusals(record, "would_refuse", facts, |fact| match fact {
        Fact::WouldRefuse { guard, code } => Some((guard, code)),
        _ => None,
    });
    record.objects(
        "credential_failed",
        facts.iter().filter_map(failed),
        |it, (kind, code)| {
            it.text("kind", kind);
            it.text("code", code);
        },
    );
    record.objects(
        "cleaned",
        facts.iter().filter_map(cleaned),
        |it, (field, removed)| {
            it.limited("field", field, NAME);
            it.number("removed", removed.into());
        },
    );
    record.objects(
        "degraded",
        facts.iter().filter_map(degraded),
        |it, (guard, what)| {
            it.text("guard", guard);
            it.text("what", what);
        },
    );
    record.objects(
        "noted",
        facts.iter().filter_map(noted),
        |it, (key, value)| {
            it.text("key", key);
            it.limited("value", value, TEXT);
        },
    );
    record.objects(
        "close_panicked",
        facts.iter().filter_map(panicked),
        |it, guard| {
            it.text("guard", guard);
        },
    );
}

/// Writes who refused, and the private reason that was noted right after it.
fn refusals(
    record: &mut Object<'_>,
    key: &str,
    facts: &[Fact],
    pick: impl Fn(&Fact) -> Option<(&'static str, &'static str)>,
) {
    let found = facts.iter().enumerate();
    let found = found.filter_map(|(index, fact)| pick(fact).map(|it| (index, it)));
    record.objects(key, found, |object, (index, (guard, code))| {
        object.text("guard", guard);
        object.text("code", code);
        if let Some(Fact::Reason { guard: by, text }) = facts.get(index + 1)
            && *by == guard
        {
            object.limited("reason", text, TEXT);
        }
    });
}

fn failed(fact: &Fact) -> Option<(&'static str, &'static str)> {
    match fact {
        Fact::CredentialFailed { kind, code } => Some((kind, code)),
        _ => None,
    }
}

fn cleaned(fact: &Fact) -> Option<(&str, u32)> {
    match fact {
        Fact::Cleaned { field, removed } => Some((field, *removed)),
        _ => None,
    }
}

fn degraded(fact: &Fact) -> Option<(&'static str, &'static str)> {
    match fact {
        Fact::Degraded { guard, what } => Some((guard, what)),
        _ => None,
    }
}

fn noted(fact: &Fact) -> Option<(&'static str, &str)> {
    match fact {
        Fact::Noted { key, value } => Some((key, value)),
        _ => None,
    }
}

fn panicked(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::ClosePanicked { guard } => Some(guard),
        _ => None,
    }
}
