//! The members of a record, in their order.

use palisade_core::{Ending, Identity, Principal};

use super::{RequestRecord, Stage, facts, seen::Path};
use crate::{json::Object, redact, time::rfc3339};

/// The version of the record's members. Members may be added to it; none changes its meaning.
const VERSION: u64 = 1;
/// Bytes of a record before it is sealed. Readers take lines of up to 64 KiB.
pub(crate) const MAX_RECORD: usize = 32 * 1024;
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

impl RequestRecord {
    /// Writes the event as a record that is still open, for the chain to seal. One that would be too
    /// long is written without what guards and handlers noted, and says how long it was.
    pub(crate) fn draft(&self, form: Form, out: &mut Vec<u8>) {
        let start = out.len();
        let mut record = self.begin(form, out);
        self.shown(&mut record, form);
        self.outcome(&mut record);
        self.observations(&mut record);
        self.costs(&mut record);
        record.leave_open();
        let length = out.len().saturating_sub(start);
        if length > MAX_RECORD {
            out.truncate(start);
            self.draft_cut(form, length, out);
        }
    }

    fn draft_cut(&self, form: Form, length: usize, out: &mut Vec<u8>) {
        let mut record = self.begin(form, out);
        self.outcome(&mut record);
        if let Some((guard, code)) = self.refused_by() {
            record.objects("refused", [(guard, code)], |object, (guard, code)| {
                object.limited("guard", guard, NAME);
                object.limited("code", code, NAME);
            });
        }
        record.number("cut_from_bytes", u64::try_from(length).unwrap_or(u64::MAX));
        record.leave_open();
    }

    fn begin<'a>(&self, form: Form, out: &'a mut Vec<u8>) -> Object<'a> {
        let mut record = Object::open(out);
        record.number("v", VERSION);
        record.text("type", form.name());
        record.text("time", &rfc3339(self.seen.time));
        record.text("id", &self.request_id().to_string());
        if form != Form::End {
            self.request(&mut record);
        }
        record
    }

    fn request(&self, record: &mut Object<'_>) {
        record.text("method", self.seen.method.as_str());
        if let Some(route) = self.route() {
            record.limited("route", route, NAME);
        }
        self.path(record);
        if let Some(client) = self.cx.client() {
            record.text("client", &self.redaction.client(client.ip()).to_string());
            record.text("scheme", client.scheme().as_str());
        }
        match self.cx.identity() {
            Identity::Anonymous => record.text("identity", "anonymous"),
            Identity::Unknown => record.text("identity", "unknown"),
            Identity::Known(who) => principal(record, who),
        }
    }

    fn path(&self, record: &mut Object<'_>) {
        match &self.seen.path {
            Some(Path::Clear(path)) => record.limited("path", path, TEXT),
            Some(Path::Unknown(path)) if self.route().is_none() => {
                if self.redaction.unknown_paths {
                    return record.limited("path", &path.shortened(), TEXT);
                }
                let length = u64::try_from(path.length).unwrap_or(u64::MAX);
                record.number("path_length", length);
                if let Some(code) = self.redaction.path_code(&path.start, path.length) {
                    record.text("path_code", &format!("hmac:{code}"));
                }
            }
            _ => {}
        }
    }

    fn shown(&self, record: &mut Object<'_>, form: Form) {
        if form == Form::End || self.seen.shown.is_empty() {
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
        self.cx.with_observations(|seen| facts::write(record, seen));
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
