//! Selects records by what they say.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use super::{StoredRecord, network::Network};

/// The most requests whose `end` record is still expected. More are possible only in a trail with
/// that many streams at the same time; the ends of further ones are then not found.
const MAX_OPEN: usize = 100_000;

/// Selects records of a trail. Conditions of different kinds must all hold; of one kind, the last
/// one set applies.
///
/// Default: every record is admitted. A filter with a condition on requests (principal, client,
/// route, status, code) admits no record of other types, except `folded` ones that meet it.
///
/// In fail-closed mode a request has two records. If its `head` is admitted, its `end` is too, so
/// that both are found. Therefore a filter keeps state, and records must be given in order.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use palisade_audit::RecordFilter;
///
/// // What one network was refused in the first hour of 2027.
/// let start = Duration::from_secs(1_798_761_600);
/// let filter = RecordFilter::new()
///     .since(start)
///     .until(start + Duration::from_secs(3600))
///     .client("203.0.113.0".parse()?, 24)
///     .refused();
/// # let _ = filter; Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RecordFilter {
    /// The earliest time, since the Unix epoch.
    since: Option<Duration>,
    /// The first time that is too late.
    until: Option<Duration>,
    /// The type of the record.
    kind: Option<Box<str>>,
    /// The identifier of the request.
    id: Option<Box<str>>,
    /// The identifier of the principal.
    principal: Option<Box<str>>,
    /// The owner of the principal.
    owner: Option<Box<str>>,
    /// The network of the client.
    client: Option<Network>,
    /// The template of the route.
    route: Option<Box<str>>,
    /// The lowest and the highest status.
    status: Option<(u16, u16)>,
    /// The code of the last refusal.
    code: Option<Box<str>>,
    /// The name of a recorded header or parameter, and its value or code.
    field: Option<(Box<str>, Box<str>)>,
    /// The id of a firewall rule.
    rule: Option<u64>,
    /// Whether the request must have been refused.
    refused: bool,
    /// Requests whose head was admitted and whose end was not read yet.
    open: HashSet<Box<str>>,
}

impl RecordFilter {
    /// Returns a filter that admits every record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Admits records from this time on, since the Unix epoch. Default: from the first one.
    ///
    /// The time of a request is that of its arrival, so a long one may stand far behind in the file. Records without
    /// a time are not admitted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    /// use palisade_audit::RecordFilter;
    ///
    /// // The last day.
    /// let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    /// let filter = RecordFilter::new().since(now.saturating_sub(Duration::from_secs(86_400)));
    /// # let _ = filter;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn since(mut self, unix_time: Duration) -> Self {
        self.since = Some(unix_time);
        self
    }

    /// Admits records before this time, since the Unix epoch. Default: to the last one.
    pub fn until(mut self, unix_time: Duration) -> Self {
        self.until = Some(unix_time);
        self
    }

    /// Admits records of one type, such as `event` or `recovered`. Default: of all types.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::RecordFilter;
    ///
    /// // Every start after a crash.
    /// let crashes = RecordFilter::new().kind("recovered");
    /// # let _ = crashes;
    /// ```
    pub fn kind(mut self, kind: impl Into<Box<str>>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Admits the records of one request. Default: of all requests.
    pub fn request_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Admits requests of the principal with this identifier, of any kind. Default: of all.
    pub fn principal(mut self, id: impl Into<Box<str>>) -> Self {
        self.principal = Some(id.into());
        self
    }

    /// Admits requests of principals of this owner (tenant). Default: of all.
    pub fn owner(mut self, owner: impl Into<Box<str>>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Admits requests and events of clients in a network: an address and its prefix length in
    /// bits. Default: of all clients.
    ///
    /// 32 bits, or 128 for IPv6, are a single address. More bits than that count as all. A trail
    /// with masked addresses holds only the network of each client.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::RecordFilter;
    ///
    /// let one_address = RecordFilter::new().client("203.0.113.7".parse()?, 32);
    /// let a_customer = RecordFilter::new().client("2001:db8:7::".parse()?, 48);
    /// # let _ = (one_address, a_customer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client(mut self, address: IpAddr, bits: u8) -> Self {
        self.client = Some(Network::new(address, bits));
        self
    }

    /// Admits requests whose route has this template. Default: of all routes, and without one.
    pub fn route(mut self, template: impl Into<Box<str>>) -> Self {
        self.route = Some(template.into());
        self
    }

    /// Admits requests with a status from `first` to `last`, both included. Default: with any, and without one.
    ///
    /// ```
    /// use palisade_audit::RecordFilter;
    ///
    /// let failures_of_the_service = RecordFilter::new().status(500, 599);
    /// # let _ = failures_of_the_service;
    /// ```
    pub fn status(mut self, first: u16, last: u16) -> Self {
        self.status = Some((first, last));
        self
    }

    /// Admits requests that were refused last with this code, such as `quota_exceeded`. Default: refused or not.
    ///
    /// The codes are stable: they are what clients see in problem documents. Repeated refusals (`folded`) count too.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::RecordFilter;
    ///
    /// // Who tried keys that are not valid.
    /// let filter = RecordFilter::new().code("unauthenticated");
    /// # let _ = filter;
    /// ```
    pub fn code(mut self, code: impl Into<Box<str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Admits requests with this value of a recorded header or query parameter, by its name in the record: `header.NAME` or
    /// `query.NAME`. Default: with any, and without one.
    ///
    /// The value is compared as it is recorded. That of a code is computed by
    /// [`CorrelatedField`](crate::CorrelatedField).
    ///
    /// ```
    /// use palisade_audit::{AuditKey, CorrelatedField, RecordFilter};
    ///
    /// let key = AuditKey::generate()?;
    /// let code = "query.user".parse::<CorrelatedField>()?.code(&key, "anna")?;
    /// let filter = RecordFilter::new().field("query.user", code);
    /// # let _ = filter; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn field(mut self, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.field = Some((name.into(), value.into()));
        self
    }

    /// Admits requests in which a firewall rule matched, by the id of the rule. Default: with any, and without one.
    ///
    /// Rules that matched only in a person's text count too. A record names the first 16 rules of a request; the others
    /// are not found.
    ///
    /// ```
    /// use palisade_audit::RecordFilter;
    ///
    /// // What the rule against SQL injection would have refused.
    /// let filter = RecordFilter::new().rule(942_100);
    /// # let _ = filter;
    /// ```
    pub fn rule(mut self, id: u64) -> Self {
        self.rule = Some(id);
        self
    }

    /// Admits requests that were refused. Default: refused or not.
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Returns whether the filter admits a record. Call it with the records in their order.
    ///
    /// ```
    /// use palisade_audit::{FileSink, RecordFilter, read_trail};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// # drop(FileSink::builder(&path).open()?);
    /// let mut filter = RecordFilter::new().kind("opened");
    /// let files = read_trail(&path)?.filter(|record| record.as_ref().is_ok_and(|it| filter.admits(it)));
    /// assert_eq!(files.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn admits(&mut self, record: &StoredRecord) -> bool {
        if record.kind() == "end" && record.request_id().is_some_and(|id| self.open.remove(id)) {
            return true;
        }
        let admitted = self.time_fits(record) && self.request_fits(record);
        if admitted
            && record.kind() == "head"
            && self.open.len() < MAX_OPEN
            && let Some(id) = record.request_id()
        {
            self.open.insert(id.into());
        }
        admitted
    }

    /// Returns whether the time and the type of a record fit.
    fn time_fits(&self, record: &StoredRecord) -> bool {
        let time = record.time();
        let late_enough = self
            .since
            .is_none_or(|since| time.is_some_and(|time| time >= since));
        let early_enough = self
            .until
            .is_none_or(|until| time.is_some_and(|time| time < until));
        late_enough && early_enough && equal(&self.kind, Some(record.kind()))
    }

    /// Returns whether a record has the value of a header or parameter.
    fn field_fits(&self, record: &StoredRecord) -> bool {
        self.field.as_ref().is_none_or(|(name, value)| {
            let fields = record.record().fields.as_ref();
            fields.and_then(|fields| fields.get(name)) == Some(value)
        })
    }

    /// Returns whether what a record says about a request fits.
    fn request_fits(&self, record: &StoredRecord) -> bool {
        let status = |(first, last): (u16, u16)| {
            record
                .status()
                .is_some_and(|status| (first..=last).contains(&status))
        };
        equal(&self.id, record.request_id())
            && equal(&self.principal, record.principal())
            && equal(&self.owner, record.owner())
            && equal(&self.route, record.route())
            && equal(&self.code, record.refusal_code())
            && self.rule.is_none_or(|rule| names_rule(record, rule))
            && self.field_fits(record)
            && (!self.refused || record.refusal_code().is_some())
            && self.status.is_none_or(status)
            && self
                .client
                .is_none_or(|network| network.contains_text(record.client()))
    }
}

/// Returns whether a text is the expected one, if one is expected.
fn equal(expected: &Option<Box<str>>, found: Option<&str>) -> bool {
    expected
        .as_deref()
        .is_none_or(|expected| found == Some(expected))
}

/// Returns whether a record names a firewall rule among its notes.
fn names_rule(record: &StoredRecord, rule: u64) -> bool {
    let notes = record.record().noted.iter().flatten();
    let of_rules = notes.filter(|note| {
        matches!(
            note.key.as_deref(),
            Some("inspect_rules" | "inspect_text_rules" | "inspect_response_rules")
        )
    });
    let mut ids = of_rules.flat_map(|note| note.value.iter().flat_map(|ids| ids.split(',')));
    ids.any(|id| id.parse() == Ok(rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, rest: &str) -> StoredRecord {
        let line =
            format!("{{\"type\":\"{kind}\",\"time\":\"2023-11-14T22:13:20.000000Z\",{rest}}}");
        StoredRecord::parse(line.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(filter: RecordFilter, rest: &str, admitted: bool) {
        let mut filter = filter;
        assert_eq!(
            filter.admits(&record("request", rest)),
            admitted,
            "{filter:?} {rest}"
        );
    }

    #[test]
    fn each_condition_admits_what_meets_it_and_nothing_else() {
        let all = r#""id":"7","client":"203.0.113.7","principal":{"id":"anna","owner":"acme"},"route":"/tts","status":429,"noted":[{"key":"x","value":"7"},{"key":"inspect_rules","value":"942100,949110,+3"}],"refused":[{"guard":"limit","code":"quota_exceeded"}]"#;
        let none = r#""status":200"#;
        let at = Duration::from_secs(1_700_000_000);
        let new = RecordFilter::new;
        for (fits, other) in [
            (new().request_id("7"), new().request_id("8")),
            (new().principal("anna"), new().principal("ann")),
            (new().owner("acme"), new().owner("anna")),
            (
                new().client("203.0.113.0".parse().unwrap(), 24),
                new().client("203.0.112.0".parse().unwrap(), 24),
            ),
            (new().route("/tts"), new().route("/")),
            (new().status(400, 499), new().status(500, 599)),
            (new().code("quota_exceeded"), new().code("forbidden")),
            (new().rule(949_110), new().rule(7)),
            (new().since(at), new().since(at + Duration::from_micros(1))),
            (new().until(at + Duration::from_micros(1)), new().until(at)),
            (new().kind("request"), new().kind("event")),
        ] {
            check(fits.clone(), all, true);
            check(other, all, false);
            let only_time = fits.since.is_some() || fits.until.is_some() || fits.kind.is_some();
            check(fits, none, only_time);
        }
        check(new().refused(), all, true);
        check(new().refused(), none, false);
        check(new(), none, true);
    }

    #[test]
    fn the_end_of_an_admitted_request_is_admitted_once() {
        let mut filter = RecordFilter::new().principal("anna");
        assert!(!filter.admits(&record("head", r#""id":"1","principal":{"id":"lin"}"#)));
        assert!(filter.admits(&record("head", r#""id":"2","principal":{"id":"anna"}"#)));
        assert!(!filter.admits(&record("end", r#""id":"1""#)));
        assert!(filter.admits(&record("end", r#""id":"2""#)));
        assert!(!filter.admits(&record("end", r#""id":"2""#)));
    }
}
