//! Writes the members of a request record, in a fixed order.
//!
//! The file sink calls it on its writer thread, other sinks through `to_json`. A record that
//! would be longer than 32 KiB is written again without the notes of guards and handlers, and
//! says so.
//!
//! | Type | Written when | Members |
//! |---|---|---|
//! | `request` | the request is over, without a head record | all |
//! | `gate` | before the handler | the request, without an outcome |
//! | `head` | before the response, if a sink requires it | the request, status, what was noticed so far |
//! | `end` | the request is over, after a head record | identifier, outcome, what was noticed, cost; chosen fields that the head lacks |

use palisade_core::{Identity, Outcome, Principal};

use super::{
    RequestRecord, Stage, document::VERSION, observations, request_origin::recorded_host,
    request_snapshot::RecordedPath,
};
use crate::{
    record::json::Object,
    record::redaction::{FieldForm, Redaction},
};

/// Bytes of a record before it is sealed. Readers take lines of up to 64 KiB.
pub(crate) const MAX_RECORD: usize = 32 * 1024;
/// Characters of a name that an operator or a store chose.
pub(super) const MAX_NAME_CHARS: usize = 128;
/// Characters of a longer text.
pub(super) const MAX_TEXT_CHARS: usize = 512;

/// The type of a record, in its member `type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RecordType {
    /// The end of a request whose head is already recorded.
    End,
    /// Before the handler starts.
    Gate,
    /// Before the response starts.
    Head,
    /// The whole request in one record.
    Request,
}

impl RecordType {
    /// Returns the value of the member `type`.
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
    /// Writes the record without its closing brace, so that the chain can add number and hash.
    ///
    /// A record of more than 32 KiB is written without notes, and `cut_from_bytes` has its full
    /// length.
    pub(crate) fn encode_unsealed(&self, form: RecordType, out: &mut Vec<u8>) {
        let start = out.len();
        let mut record = self.begin_record(form, out);
        self.chosen_fields(&mut record, form);
        self.outcome_members(&mut record);
        self.observations(&mut record);
        self.cost_members(&mut record);
        record.leave_open();
        let length = out.len().saturating_sub(start);
        if length > MAX_RECORD {
            out.truncate(start);
            self.encode_unsealed_without_notes(form, length, out);
        }
    }

    /// Writes the short form of a record that would be too long: request, outcome and last refusal.
    ///
    /// Notes come from guards and handlers, and some of those from clients. Without a bound, one request could make a
    /// line that no verifier reads.
    fn encode_unsealed_without_notes(&self, form: RecordType, length: usize, out: &mut Vec<u8>) {
        let mut record = self.begin_record(form, out);
        self.outcome_members(&mut record);
        if let Some((guard, code)) = self.refused_by() {
            record.objects("refused", [(guard, code)], |object, (guard, code)| {
                object.limited("guard", guard, MAX_NAME_CHARS);
                object.limited("code", code, MAX_NAME_CHARS);
            });
        }
        record.number("cut_from_bytes", u64::try_from(length).unwrap_or(u64::MAX));
        record.leave_open();
    }

    /// Writes version, type, time and identifier, and the members of the request except in an `end`
    /// record.
    fn begin_record<'a>(&self, form: RecordType, out: &'a mut Vec<u8>) -> Object<'a> {
        let mut record = Object::open(out);
        record.number("v", VERSION);
        record.text("type", form.name());
        record.time("time", self.snapshot.received_at);
        record.plain("id", self.request_id());
        if let one_of @ 2.. = self.detail.one_of.get() {
            record.number("sampled", one_of.into());
        }
        if form != RecordType::End {
            self.request_members(&mut record);
        }
        record
    }

    /// Writes trace, method, route or path, client and identity.
    fn request_members(&self, record: &mut Object<'_>) {
        if let Some(trace) = self.cx.trace() {
            record.text("trace_id", &trace.trace_id());
        }
        record.text("method", self.snapshot.method.as_str());
        if let Some(route) = self.route() {
            record.limited("route", route, MAX_NAME_CHARS);
        }
        self.path_members(record);
        self.origin_members(record);
        match self.cx.identity() {
            Identity::Anonymous => record.text("identity", "anonymous"),
            Identity::Unknown => record.text("identity", "unknown"),
            Identity::Known(who) => principal_members(record, who, self.redaction()),
        }
        if let Some(key) = &self.redaction().key {
            record.text("hmac_key", &key.id());
        }
        if let Some(bytes) = self.snapshot.origin.request_bytes {
            record.number("request_bytes", bytes);
        }
    }

    /// Writes host, version of HTTP and addresses, and how the address of the client was decided.
    fn origin_members(&self, record: &mut Object<'_>) {
        let (origin, client) = (&self.snapshot.origin, self.cx.client());
        // That of a trusted proxy is what the client asked for. A host can be the name of a person.
        let forwarded = client.and_then(|client| client.forwarded_host());
        let host = match forwarded {
            Some(forwarded) => recorded_host(forwarded.as_str()),
            None => origin.host(),
        };
        if let Some(host) = host.filter(|_| !self.redaction().principal_pseudonyms) {
            record.text("host", host);
        }
        record.text("http", origin.http());
        if let Some(tls) = origin.peer.and_then(|peer| peer.tls) {
            record.text("tls", tls.as_str());
        }
        let Some(client) = client else { return };
        let client_ip = self.redaction().recorded_client(client.ip());
        record.plain("client", client_ip);
        let by_proxy = client.is_through_proxy();
        record.text("client_from", if by_proxy { "proxy" } else { "peer" });
        let peer = origin.peer.map(|peer| peer.address.ip().to_canonical());
        if let Some(peer) = peer.filter(|peer| *peer != client.ip()) {
            record.plain("peer", self.redaction().recorded_client(peer));
        }
        record.text("scheme", client.scheme().as_str());
    }

    fn redaction(&self) -> &Redaction {
        &self.snapshot.redaction
    }

    /// Writes the path in the form that the settings allow, if no route is known.
    ///
    /// The template of a route says the same and holds nothing that a client chose.
    fn path_members(&self, record: &mut Object<'_>) {
        match &self.snapshot.path {
            Some(RecordedPath::Clear(path)) => record.limited("path", path, MAX_TEXT_CHARS),
            Some(RecordedPath::Unknown(path)) if self.route().is_none() => {
                if self.redaction().unknown_paths {
                    return record.limited("path", &path.shortened(), MAX_TEXT_CHARS);
                }
                let length = u64::try_from(path.length).unwrap_or(u64::MAX);
                record.number("path_length", length);
                if let Some(code) = self.redaction().path_code(path.beginning(), path.length) {
                    record.text("path_code", &format!("hmac:{code}"));
                }
            }
            _ => {}
        }
    }

    /// Writes the headers and query parameters that the operator chose, in clear or as a code. In an `end` record only
    /// if its head does not have them.
    fn chosen_fields(&self, record: &mut Object<'_>, form: RecordType) {
        let are_in_head = self.head_record.is_some_and(|head| head.fields);
        let has_fields = self.detail.fields && !self.snapshot.redacted_fields.is_empty();
        if !has_fields || (form == RecordType::End && are_in_head) {
            return;
        }
        let mut fields = record.object("fields");
        for recorded in &self.snapshot.redacted_fields {
            let Some(field) = self.redaction().fields.get(recorded.field) else {
                continue;
            };
            let name = format!("{}.{}", field.source.kind(), field.source.name());
            match field.form {
                FieldForm::Clear => fields.limited(&name, &recorded.value, MAX_TEXT_CHARS),
                FieldForm::Correlated => fields.text(&name, &format!("hmac:{}", recorded.value)),
            }
        }
        fields.close();
    }

    /// Writes status, outcome and times in microseconds.
    fn outcome_members(&self, record: &mut Object<'_>) {
        if let Some(status) = self.status() {
            record.number("status", status.as_u16().into());
        }
        if let Stage::Over(outcome) = self.stage {
            outcome_members(record, &outcome);
        }
        let (read, declared) = (
            self.cx.request_bytes_read(),
            self.snapshot.origin.request_bytes,
        );
        // Of a request without a body there is nothing to say.
        if let Some(read) = read.filter(|read| *read > 0 || declared.is_some_and(|bytes| bytes > 0))
        {
            record.number("request_bytes_read", read);
        }
        if let Some(head) = self.head_after {
            record.number("head_us", microseconds(head));
        }
        record.number("duration_us", microseconds(self.duration));
    }

    /// Writes what the guards noticed.
    fn observations(&self, record: &mut Object<'_>) {
        self.cx
            .with_observations(|seen| observations::write(record, seen, self.redaction()));
    }

    /// Writes what was reserved, and the costs that the handler settled, by unit.
    fn cost_members(&self, record: &mut Object<'_>) {
        self.cx.with_reservations(|units| {
            if !units.is_empty() {
                amounts(record, "reserved", units);
            }
        });
        let costs = self.cx.settlements();
        if costs.is_empty() {
            return;
        }
        amounts(record, "settled", &costs);
    }
}

/// Writes amounts by unit.
fn amounts(record: &mut Object<'_>, member: &str, units: &[(impl AsRef<str>, u64)]) {
    let mut object = record.object(member);
    for (unit, amount) in units {
        object.number(unit.as_ref(), *amount);
    }
    object.close();
}

fn microseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Writes the authenticated principal, its names in clear or as codes.
fn principal_members(record: &mut Object<'_>, who: &Principal, redaction: &Redaction) {
    let mut object = record.object("principal");
    object.text("kind", who.kind());
    let names = [
        ("id", "principal", Some(who.id())),
        ("credential", "credential", who.credential()),
        ("owner", "owner", who.owner()),
    ];
    for (member, part, name) in names {
        if let Some(name) = name {
            let name = redaction.recorded_name(part, name);
            object.limited(member, &name, MAX_NAME_CHARS);
        }
    }
    object.close();
}

/// Writes how the request ended, and how many bytes were sent.
fn outcome_members(record: &mut Object<'_>, outcome: &Outcome) {
    record.text("how", outcome.kind.as_str());
    record.number("bytes", outcome.bytes);
    if let Some(status) = outcome.grpc_status {
        record.number("grpc_status", status.into());
    }
}
