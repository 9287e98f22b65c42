//! The members of a record, in their order.

use palisade_core::{Ending, Identity, Principal};

use super::{Event, Stage, facts};
use crate::{json::Object, redact, time::rfc3339};

/// The version of the record's members. Members may be added to it; none changes its meaning.
const VERSION: u64 = 1;
/// Characters of a name that an operator or a store chose.
pub(super) const NAME: usize = 128;
/// Characters of a longer text.
pub(super) const TEXT: usize = 512;

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
        self.cx.with_facts(|facts| facts::write(record, facts));
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
