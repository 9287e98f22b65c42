//! One record as it stands in a file.

use std::{sync::OnceLock, time::Duration};

use serde_json::{Map, Value};

use crate::record::{Record, RefusalMember, timestamp};

/// One record, read back from a trail. Items of a [`TrailReader`](crate::TrailReader).
///
/// The accessors return what the record itself says. The members of each type are listed in
/// [the crate's documentation](crate#what-is-in-a-record-and-what-is-not). In fail-closed mode a request has
/// two records: `head` has the request and its status, `end` has how it ended.
///
/// A record is only as trustworthy as the file it comes from: verify the trail before it is used as evidence.
///
/// # Examples
///
/// How many requests each principal made:
///
/// ```
/// use std::collections::BTreeMap;
/// use palisade_audit::read_trail;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// # drop(palisade_audit::FileSink::builder(&path).open()?);
/// let mut counts: BTreeMap<String, u64> = BTreeMap::new();
/// for record in read_trail(&path)? {
///     let record = record?;
///     if let (Some(principal), Some(_)) = (record.principal(), record.method()) {
///         *counts.entry(principal.to_owned()).or_default() += 1;
///     }
/// }
/// assert!(counts.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// The line, without its line feed.
    line: Box<str>,
    /// Its members that this version knows.
    record: Box<Record>,
    /// All of them, read when one is asked for by its name.
    members: OnceLock<Map<String, Value>>,
}

impl StoredRecord {
    /// Reads a line. `None` if it is not one JSON object with a type.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
        let record = Record::owned(line)?;
        (!record.kind.is_empty()).then(|| Self {
            line: line.into(),
            record: record.into(),
            members: OnceLock::new(),
        })
    }

    /// Returns the members that this version knows.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the line of JSON as it stands in the file. It holds no control characters.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Returns a member by its name. `None` if the record has none of this name.
    ///
    /// For members without an accessor: `cleaned`, `noted`, `data` of an event, `cause` of `recovered`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditEvent, AuditLayer, FileSink, event_id, read_trail};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
    /// layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED).text("file", "palisade.toml"));
    /// layer.handle().close_blocking()?;
    ///
    /// for record in read_trail(&path)? {
    ///     let record = record?;
    ///     if record.event_id() == Some(event_id::CONFIGURATION_RELOADED) {
    ///         let data = record.member("data").expect("the event has one");
    ///         assert_eq!(data["file"], "palisade.toml");
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        let read = || serde_json::from_str(&self.line).unwrap_or_default();
        self.members.get_or_init(read).get(name)
    }

    /// Returns the type: `request`, `head`, `end`, `gate`, `event`, `folded`, `opened`, `resumed`, `recovered`,
    /// `lost`, `retired`, `clock_step`, `rotated` or `closed`. Later versions may add some.
    ///
    /// | type | one for |
    /// |---|---|
    /// | `request` | a request, at its end |
    /// | `gate`, `head`, `end` | a request in fail-closed mode: before the handler, before the response, at its end |
    /// | `event` | something that is no request: see [`AuditEvent`](crate::AuditEvent) |
    /// | `folded` | repeated refusals or connection events, with their `count` |
    /// | `opened`, `rotated` | a file begins, a file has its full length |
    /// | `resumed`, `closed` | a process continues a file, a process ends |
    /// | `recovered`, `lost`, `retired`, `clock_step` | a crash, records without space, deleted parts, a clock that stepped back |
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.record.kind
    }

    /// Returns the number of the record in its trail, from 1. Verification names records by it.
    ///
    /// Numbers have no gaps. A record that is missing in the middle is a finding of [`verify_file`](crate::verify_file).
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.record.seq
    }

    /// Returns when it happened: the arrival of a request, in RFC 3339 and UTC. Empty if the record
    /// has no time.
    #[must_use]
    pub fn time_text(&self) -> &str {
        &self.record.time
    }

    /// Returns when it happened, since the Unix epoch, in microseconds. `None` if the record has no valid time.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        timestamp::parse(self.time_text())
    }

    /// Returns the identifier of the request, as clients see it in `x-request-id` and in problem documents.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.record.id.as_deref()
    }

    /// Returns the trace of the request: 32 hexadecimal digits (W3C Trace Context). `None` if the stack has no
    /// [`TraceLayer`](palisade_core::TraceLayer).
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.record.trace_id.as_deref()
    }

    /// Returns the method of the request.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.record.method.as_deref()
    }

    /// Returns of how many requests this is the one with a record: 1 if all have one.
    ///
    /// In a `head` record it is what was decided before the response. If the request fails afterwards, its `end` says 1:
    /// of failures all have a record.
    ///
    /// See [`AuditRule::sample_successes`](crate::AuditRule::sample_successes).
    #[must_use]
    pub fn sampled_one_of(&self) -> u64 {
        self.record.sampled.unwrap_or(1).max(1)
    }

    /// Returns the template of the route. `None` if no route matched.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.record.route.as_deref()
    }

    /// Returns the address of the client as it was recorded, which may be masked.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.record.client.as_deref()
    }

    /// Returns the identifier of the principal. A `folded` record has nothing else of it.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        self.record.principal.as_ref()?.id.as_deref()
    }

    /// Returns the owner (tenant) of the principal.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.record.principal.as_ref()?.owner.as_deref()
    }

    /// Returns the status of the response. `None` for a request that ended without one, and for other types.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.record.status
    }

    /// Returns how the request ended: `complete`, `body_dropped`, `cancelled`, `panicked` and so on. `None` where
    /// that was not known yet.
    #[must_use]
    pub fn outcome(&self) -> Option<&str> {
        self.record.how.as_deref()
    }

    /// Returns how long the request took, in microseconds, from its arrival to this record.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.record.duration_us.map(Duration::from_micros)
    }

    /// Returns the guard that refused the request last, or that of repeated refusals (`folded`).
    #[must_use]
    pub fn refusing_guard(&self) -> Option<&str> {
        match self.kind() {
            "folded" => self.record.guard.as_deref(),
            _ => self.last_refusal()?.guard.as_deref(),
        }
    }

    /// Returns the code of the last refusal, or that of repeated refusals (`folded`).
    #[must_use]
    pub fn refusal_code(&self) -> Option<&str> {
        match self.kind() {
            "folded" => self.record.code.as_deref(),
            _ => self.last_refusal()?.code.as_deref(),
        }
    }

    /// Returns the private reason of the last refusal, which the client did not get.
    #[must_use]
    pub fn refusal_reason(&self) -> Option<&str> {
        self.last_refusal()?.reason.as_deref()
    }

    /// Returns the identifier of an event, such as `key.revoked`.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.record.event_id.as_deref()
    }

    /// Returns how many requests or events a record stands for: the count of a `folded` record,
    /// otherwise 1.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self.kind() {
            "folded" => self.record.count.unwrap_or(1),
            _ => 1,
        }
    }

    /// Returns the last refusal.
    fn last_refusal(&self) -> Option<&RefusalMember<Box<str>>> {
        self.record.refused.as_ref()?.last()
    }
}

/// Two records are equal if their lines are.
impl PartialEq for StoredRecord {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_all_its_members() {
        let line = r#"{"v":1,"type":"request","time":"2023-11-14T22:13:20.000000Z","id":"7f","method":"POST","route":"/tts","client":"203.0.113.7","principal":{"kind":"api_key","id":"anna","owner":"acme"},"status":429,"how":"complete","duration_us":1500,"refused":[{"guard":"a","code":"first"},{"guard":"limit","code":"quota_exceeded"}],"seq":9}"#;
        let record = StoredRecord::parse(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(record.line(), line);
        assert_eq!((record.kind(), record.sequence()), ("request", Some(9)));
        assert_eq!(record.time(), Some(Duration::from_secs(1_700_000_000)));
        assert_eq!(
            (record.principal(), record.owner()),
            (Some("anna"), Some("acme"))
        );
        assert_eq!(
            (record.status(), record.outcome()),
            (Some(429), Some("complete"))
        );
        assert_eq!(record.duration(), Some(Duration::from_micros(1500)));
        assert_eq!(record.refusing_guard(), Some("limit"));
        assert_eq!(record.refusal_code(), Some("quota_exceeded"));
        assert_eq!(
            (record.method(), record.route()),
            (Some("POST"), Some("/tts"))
        );
        assert_eq!(
            (record.client(), record.request_id()),
            (Some("203.0.113.7"), Some("7f"))
        );
        assert_eq!((record.count(), record.event_id()), (1, None));
    }

    #[test]
    fn a_line_that_is_no_record_is_none() {
        for line in [
            "",
            "{}",
            "[1]",
            "{\"type\":7}",
            "{\"type\":\"request\"",
            "\u{feff}{}",
        ] {
            assert_eq!(StoredRecord::parse(line.as_bytes()), None, "{line}");
        }
        assert_eq!(StoredRecord::parse(b"{\"type\":\"\xff\"}"), None);
    }

    #[test]
    fn repeated_refusals_stand_for_their_count() {
        let line = r#"{"type":"folded","principal":"anna","guard":"limit","code":"quota_exceeded","count":41}"#;
        let record = StoredRecord::parse(line.as_bytes()).unwrap();
        assert_eq!(
            (record.count(), record.refusal_code()),
            (41, Some("quota_exceeded"))
        );
        assert_eq!(record.principal(), Some("anna"));
    }
}
