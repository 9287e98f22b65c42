//! Writes stored records in the forms that other systems read.
//!
//! | form | standard | for |
//! |---|---|---|
//! | `ocsf` | Open Cybersecurity Schema Framework 1.3, HTTP Activity | security data lakes |
//! | `ecs` | Elastic Common Schema 8.11 | Elasticsearch, OpenSearch |
//! | `cef` | Common Event Format 0 | ArcSight and most others |
//!
//! Requests, refusals and events are written; records that the writer made about the trail itself
//! (`opened`, `resumed` and so on) are not, since they mean nothing outside of it.

mod cef;
mod ecs;
mod ocsf;

use crate::{query::StoredRecord, record::Record};

/// A form of other systems. For [`StoredRecord::export`].
///
/// The same refusal in each of them, shortened:
///
/// ```text
/// ocsf  {"class_uid":4002,"activity_name":"Post","action_id":2,"http_response":{"code":429},"src_endpoint":{"ip":"203.0.113.7"}, …}
/// ecs   {"event":{"category":["web"],"type":["access","denied"]},"http":{"response":{"status_code":429}},"source":{"ip":"203.0.113.7"}, …}
/// cef   CEF:0|Palisade|palisade-audit|0.1.0|refused|request refused: quota_exceeded|5|src=203.0.113.7 …
/// ```
///
/// # Examples
///
/// A value of a command line:
///
/// ```
/// use palisade_audit::ExportFormat;
///
/// fn parse(name: &str) -> Option<ExportFormat> {
///     match name {
///         "cef" => Some(ExportFormat::Cef),
///         "ecs" => Some(ExportFormat::Ecs),
///         "ocsf" => Some(ExportFormat::Ocsf),
///         _ => None,
///     }
/// }
/// assert_eq!(parse("ecs"), Some(ExportFormat::Ecs));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// Common Event Format, version 0: one line with a header between `|` and named extensions.
    Cef,
    /// Elastic Common Schema 8.11: one JSON object.
    Ecs,
    /// Open Cybersecurity Schema Framework 1.3, class HTTP Activity (4002): one JSON object.
    Ocsf,
}

impl StoredRecord {
    /// Writes the record in another form, as one line without its line feed.
    ///
    /// `None` for records about the trail itself, and for an `end` without what its `head` says: in
    /// a fail-closed trail export `head` records. Repeated refusals (`folded`) are one line with
    /// their count. Nothing is added that the record does not say: a form's own required members
    /// that are unknown have the value that the form defines for that.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{ExportFormat, read_trail};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// # drop(palisade_audit::FileSink::builder(&path).open()?);
    /// for record in read_trail(&path)? {
    ///     if let Some(line) = record?.export(ExportFormat::Ocsf) {
    ///         println!("{line}");
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn export(&self, format: ExportFormat) -> Option<String> {
        let exported = Exported::of(self)?;
        Some(match format {
            ExportFormat::Cef => cef::line(&exported),
            ExportFormat::Ecs => ecs::document(&exported).to_string(),
            ExportFormat::Ocsf => ocsf::document(&exported).to_string(),
        })
    }
}

/// What all forms need of a record: the record itself, what it is about, and its time.
struct Exported<'a> {
    /// The record as it was verified or read.
    record: &'a StoredRecord,
    /// A request, a refusal or an event: each form has fields of its own for them.
    kind: Kind,
    /// Milliseconds since the Unix epoch.
    millis: u64,
}

/// What a record is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Something that is no request.
    Event,
    /// A request that was answered.
    Completed,
    /// A request that was refused, or several.
    Refused,
}

impl<'a> Exported<'a> {
    /// Returns what is exported of a record. `None` for records about the trail, and for `end` and `gate`, which
    /// repeat or precede what another record of the request says.
    fn of(record: &'a StoredRecord) -> Option<Self> {
        let kind = match record.kind() {
            "event" => Kind::Event,
            "folded" if record.refusing_guard() == Some("event") => Kind::Event,
            "folded" => Kind::Refused,
            "request" | "head" if record.refusal_code().is_some() => Kind::Refused,
            "request" | "head" => Kind::Completed,
            _ => return None,
        };
        let millis = record.time().map_or(0, |time| time.as_millis());
        Some(Self {
            record,
            kind,
            millis: u64::try_from(millis).unwrap_or(u64::MAX),
        })
    }

    /// Returns the members of the record.
    fn members(&self) -> &'a Record {
        self.record.record()
    }

    /// Returns the identifier of an event. Repeated ones have it as their code.
    fn event_id(&self) -> &'a str {
        let id = self
            .record
            .event_id()
            .or_else(|| self.record.refusal_code());
        id.unwrap_or("unknown")
    }

    /// Says in a few words what happened.
    fn message(&self) -> String {
        let code = self.record.refusal_code().unwrap_or("unknown");
        match self.kind {
            Kind::Event => self.event_id().to_owned(),
            Kind::Completed => "request completed".to_owned(),
            Kind::Refused => format!("request refused: {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const REQUEST: &str = r#"{"v":1,"type":"request","time":"2023-11-14T22:13:20.250000Z","id":"7f","method":"POST","route":"/tts","client":"203.0.113.7","scheme":"https","principal":{"kind":"api_key","id":"anna","owner":"acme"},"status":200,"how":"complete","bytes":1024,"duration_us":1500,"seq":9,"hash":"00"}"#;
    const REFUSED: &str = r#"{"v":1,"type":"request","time":"2023-11-14T22:13:20.250000Z","id":"80","method":"GET","path_length":9,"client":"2001:db8::7","scheme":"https","identity":"anonymous","status":429,"refused":[{"guard":"limit_client","code":"quota_exceeded","reason":"a|b=c\\d"}],"seq":10}"#;
    const FOLDED: &str = r#"{"v":1,"type":"folded","time":"2023-11-14T22:14:20.000000Z","client":"203.0.113.8","guard":"limit_client","code":"quota_exceeded","count":41,"seq":11}"#;
    const EVENT: &str = r#"{"v":1,"type":"event","time":"2023-11-14T22:15:20.000000Z","event_id":"key.revoked","data":{"key":"k7"},"seq":12}"#;

    fn record(line: &str) -> StoredRecord {
        StoredRecord::parse(line.as_bytes()).unwrap()
    }

    fn json(line: &str, format: ExportFormat) -> Value {
        serde_json::from_str(&record(line).export(format).unwrap()).unwrap()
    }

    #[test]
    fn records_about_the_trail_are_not_exported() {
        for kind in [
            "opened",
            "closed",
            "rotated",
            "resumed",
            "recovered",
            "lost",
            "retired",
            "end",
            "gate",
        ] {
            let record = record(&format!("{{\"type\":\"{kind}\",\"id\":\"7\"}}"));
            for format in [ExportFormat::Cef, ExportFormat::Ecs, ExportFormat::Ocsf] {
                assert_eq!(record.export(format), None, "{kind}");
            }
        }
    }

    #[test]
    fn ocsf_has_the_required_members_of_http_activity() {
        let request = json(REQUEST, ExportFormat::Ocsf);
        for member in [
            "activity_id",
            "category_uid",
            "class_uid",
            "type_uid",
            "severity_id",
            "time",
            "metadata",
            "http_request",
            "http_response",
            "src_endpoint",
            "status_id",
            "action_id",
        ] {
            assert!(!request[member].is_null(), "{member} in {request}");
        }
        assert_eq!(request["class_uid"], 4002);
        assert_eq!(request["activity_id"], 6, "POST");
        assert_eq!(request["type_uid"], 400_206);
        assert_eq!(request["time"], 1_700_000_000_250_u64);
        assert_eq!(request["http_response"]["code"], 200);
        assert_eq!(request["src_endpoint"]["ip"], "203.0.113.7");
        assert_eq!(request["actor"]["user"]["name"], "anna");
        assert_eq!(
            (&request["status_id"], &request["action_id"]),
            (&1.into(), &1.into())
        );
        let refused = json(REFUSED, ExportFormat::Ocsf);
        assert_eq!(
            (&refused["status_id"], &refused["action_id"]),
            (&2.into(), &2.into())
        );
        assert_eq!(refused["status_code"], "quota_exceeded");
        assert_eq!(json(FOLDED, ExportFormat::Ocsf)["count"], 41);
        let event = json(EVENT, ExportFormat::Ocsf);
        assert_eq!(
            (&event["class_uid"], &event["category_uid"]),
            (&0.into(), &0.into())
        );
        assert_eq!(event["metadata"]["event_code"], "key.revoked");
    }

    #[test]
    fn ecs_has_its_fields_at_their_places() {
        let request = json(REQUEST, ExportFormat::Ecs);
        assert_eq!(request["@timestamp"], "2023-11-14T22:13:20.250000Z");
        assert_eq!(request["ecs"]["version"], "8.11.0");
        assert_eq!(request["http"]["request"]["method"], "POST");
        assert_eq!(request["http"]["response"]["status_code"], 200);
        assert_eq!(request["http"]["response"]["body"]["bytes"], 1024);
        assert_eq!(request["source"]["ip"], "203.0.113.7");
        assert_eq!(request["user"]["id"], "anna");
        assert_eq!(request["organization"]["id"], "acme");
        assert_eq!(request["event"]["duration"], 1_500_000);
        assert_eq!(request["event"]["outcome"], "success");
        let refused = json(REFUSED, ExportFormat::Ecs);
        assert_eq!(refused["event"]["outcome"], "failure");
        assert_eq!(refused["event"]["code"], "quota_exceeded");
        assert_eq!(refused["event"]["reason"], "a|b=c\\d");
        assert_eq!(
            refused["event"]["type"],
            serde_json::json!(["access", "denied"])
        );
    }

    #[test]
    fn cef_is_one_line_whose_parts_cannot_be_forged() {
        let request = record(REQUEST).export(ExportFormat::Cef).unwrap();
        assert!(
            request.starts_with("CEF:0|Palisade|palisade-audit|"),
            "{request}"
        );
        assert!(
            request.contains("|request|request completed|1|"),
            "{request}"
        );
        assert!(
            request.contains(" src=203.0.113.7 ") && request.contains(" suser=anna"),
            "{request}"
        );
        let refused = record(REFUSED).export(ExportFormat::Cef).unwrap();
        assert!(refused.contains(" c6a2=2001:db8::7 "), "{refused}");
        assert!(refused.contains(r"reason=a|b\=c\\d"), "{refused}");
        let hostile = EVENT.replace("key.revoked", "a|b\\n c=d");
        let event = record(&hostile).export(ExportFormat::Cef).unwrap();
        assert!(event.contains(r"|a\|b  c=d|"), "{event}");
        assert!(!event.contains('\n'));
    }
}
