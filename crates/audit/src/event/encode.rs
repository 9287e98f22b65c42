//! The members of a record, in their order.

use palisade_core::{Ending, Fact, Identity, Principal};

use super::{Event, Stage};
use crate::{json::Object, redact, time::rfc3339};

/// The version of the record's members. Members may be added to it; none changes its meaning.
const VERSION: u64 = 1;
/// Characters of a name that an operator or a store chose.
const NAME: usize = 128;
/// Characters of a longer text.
const TEXT: usize = 512;

/// Which record an event becomes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// What is known at the end, after a head.
    End,
    /// Before the handler.
    Gate,
    /// Before the answer.
    Head,
    /// All in one.
    Request,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Gate => "gate",
            Self::Head => "head",
            Self::Request => "request",
        }
    }
}

impl Event {
    /// Writes the event as a record that is still open, for the chain to seal.
    pub(crate) fn draft(&self, form: Form, out: &mut Vec<u8>) {
        let mut record = Object::open(out);
        record.number("v", VERSION);
        record.text("type", form.name());
        record.text("time", &rfc3339(self.seen.time));
        record.text("id", &self.request_id().to_string());
        if form != Form::End {
            self.request(&mut record);
        }
        self.outcome(&mut record);
        self.observations(&mut record);
        self.costs(&mut record);
        record.leave_open();
    }

    fn request(&self, record: &mut Object<'_>) {
        record.text("method", self.seen.method.as_str());
        if let Some(route) = self.route() {
            record.limited("route", route, NAME);
        }
        if let Some(path) = self.seen.path.as_deref()
            && (self.route().is_none() || self.redaction.raw_paths)
        {
            record.limited("path", path, TEXT);
        }
        if let Some(client) = self.cx.client() {
            record.text("client", &self.redaction.client(client.ip()).to_string());
            record.text("scheme", client.scheme().as_str());
        }
        match self.cx.identity() {
            Identity::Anonymous => record.text("identity", "anonymous"),
            Identity::Unknown => record.text("identity", "unknown"),
            Identity::Known(who) => principal(record, who),
        }
        self.shown(record);
    }

    fn shown(&self, record: &mut Object<'_>) {
        if self.seen.shown.is_empty() {
            return;
        }
        let mut fields = record.object("fields");
        for shown in &self.seen.shown {
            let Some(field) = self.redaction.fields.get(shown.field) else {
                continue;
            };
            let place = match field.place {
                redact::Place::Header(_) => "header",
                redact::Place::Query(_) => "query",
            };
            let name = format!("{place}.{}", field.place.name());
            match field.form {
                redact::Form::Clear => fields.limited(&name, &shown.value, TEXT),
                redact::Form::Correlated => fields.text(&name, &format!("hmac:{}", shown.value)),
            }
        }
        fields.close();
    }

    fn outcome(&self, record: &mut Object<'_>) {
        if let Some(status) = self.status() {
            record.number("status", status.as_u16().into());
        }
        if let Stage::Over(ending) = self.stage {
            over(record, &ending);
        }
        let micros = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX);
        record.number("duration_us", micros);
    }

    fn observations(&self, record: &mut Object<'_>) {
        self.cx.with_facts(|facts| observations(record, facts));
        if let lost @ 1.. = self.cx.facts_lost() {
            record.number("facts_lost", lost.into());
        }
    }

    fn costs(&self, record: &mut Object<'_>) {
        let costs = self.cx.settlements();
        if costs.is_empty() {
            return;
        }
        let mut settled = record.object("settled");
        for (unit, amount) in costs {
            settled.number(unit, amount);
        }
        settled.close();
    }
}

fn principal(record: &mut Object<'_>, who: &Principal) {
    let mut object = record.object("principal");
    object.text("kind", who.kind());
    object.limited("id", who.id(), NAME);
    if let Some(credential) = who.credential() {
        object.limited("credential", credential, NAME);
    }
    if let Some(owner) = who.owner() {
        object.limited("owner", owner, NAME);
    }
    object.close();
}

fn over(record: &mut Object<'_>, ending: &Ending) {
    record.text("how", ending.how.as_str());
    record.number("bytes", ending.bytes);
    if let Some(status) = ending.grpc_status {
        record.number("grpc_status", status.into());
    }
}

fn observations(record: &mut Object<'_>, facts: &[Fact]) {
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
