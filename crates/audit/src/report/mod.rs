//! Sums a trail up: how much was asked, who was refused by what, how long it took, what it cost.
//!
//! [`TrailReport`] counts records in one pass, in bounded memory. `html` writes it as one page
//! without scripts, for a person who has to read it.
//!
//! The page has, from top to bottom: the period, the result of the verification with its findings, five numbers,
//! requests over time, refusals by guard and by client, requests by principal, client, route and outcome, durations,
//! costs, and events. An operator who reads only the first screen knows whether the trail can be trusted and how
//! much was refused.

mod html;
mod chart;
mod latency;
mod timeline;
mod top;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use self::{latency::Latency, timeline::Timeline, top::Top};
use crate::{
    query::{RecordFilter, StoredRecord, UnreadablePart},
    verify::VerifyReport,
};

/// The most units of cost that are summed up. Handlers name them, so there are few.
const MAX_UNITS: usize = 32;

/// What a trail, or a part of it, says in numbers.
///
/// Memory is bounded: beyond 10,000 principals, addresses or routes, further ones are counted
/// together as *others*. In fail-closed mode a request has two records and is counted once.
///
/// # Examples
///
/// The last day of a trail as a page, with the result of its verification:
///
/// ```no_run
/// use std::time::{Duration, SystemTime};
/// use palisade_audit::{RecordFilter, TrailReport, VerifyOptions, read_trail, verify_file};
///
/// let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
/// let day = RecordFilter::new().since(now.saturating_sub(Duration::from_secs(86_400)));
/// let report = TrailReport::collect(read_trail("audit.jsonl")?, day)?;
/// let verified = verify_file("audit.jsonl", &VerifyOptions::new())?;
/// std::fs::write("report.html", report.to_html("audit.jsonl", Some(&verified)))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrailReport {
    /// Requests with a record.
    pub(crate) requests: u64,
    /// Refused requests with a record.
    pub(crate) refused: u64,
    /// Repeated refusals and connection events without a record.
    pub(crate) folded: u64,
    /// Events with a record.
    pub(crate) events: u64,
    /// When the first and the last of them happened.
    pub(crate) times: Option<(Duration, Duration)>,
    /// Answered and refused requests over time.
    pub(crate) timeline: Timeline,
    /// Requests by the class of their status.
    pub(crate) by_class: BTreeMap<u16, u64>,
    /// Refusals by guard and code.
    pub(crate) by_refusal: Top,
    /// Requests by route.
    pub(crate) by_route: Top,
    /// Requests by principal.
    pub(crate) by_principal: Top,
    /// Requests by client address.
    pub(crate) by_client: Top,
    /// Refusals by client address.
    pub(crate) refused_clients: Top,
    /// Requests that did not end with a complete response, by outcome.
    pub(crate) by_outcome: Top,
    /// Events by identifier.
    pub(crate) by_event: Top,
    /// How long requests took.
    pub(crate) latency: Latency,
    /// What requests cost, by unit.
    pub(crate) costs: BTreeMap<String, u64>,
    /// Requests with a record that is one of several.
    pub(crate) sampled: u64,
    /// How many requests these records stand for, about.
    pub(crate) sampled_from: u64,
    /// Files that could not be read.
    pub(crate) unreadable_parts: Vec<PathBuf>,
}

impl TrailReport {
    /// Counts the records that a filter admits.
    ///
    /// A file of the trail that cannot be read is [named](Self::unreadable_parts), also on the page, and the records of
    /// the others are counted.
    ///
    /// # Errors
    ///
    /// The first error of the records that is no [`UnreadablePart`].
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, FileSink, RecordFilter, TrailReport, read_trail};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
    /// layer.handle().close_blocking()?;
    /// let report = TrailReport::collect(read_trail(&path)?, RecordFilter::new().route("/tts"))?;
    /// assert_eq!((report.requests(), report.refused()), (0, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collect(
        records: impl IntoIterator<Item = io::Result<StoredRecord>>,
        mut filter: RecordFilter,
    ) -> io::Result<Self> {
        let mut report = Self::default();
        for record in records {
            match record {
                Ok(record) if filter.admits(&record) => report.add(&record),
                Ok(_) => {}
                Err(error) => match UnreadablePart::of(&error) {
                    Some(part) => report.unreadable_parts.push(part.path().into()),
                    None => return Err(error),
                },
            }
        }
        Ok(report)
    }

    /// Returns how many requests have a record.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Returns how many requests were refused, with repeated refusals that are only counted.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.saturating_add(self.by_refusal.folded)
    }

    /// Returns the files that could not be read, or not to their end. Their records are missing in the numbers.
    pub fn unreadable_parts(&self) -> impl Iterator<Item = &Path> {
        self.unreadable_parts.iter().map(PathBuf::as_path)
    }

    /// Writes the report as one HTML page: no scripts, nothing from other places, light and dark.
    ///
    /// `title` is usually the name of the file. `verification` adds the result of
    /// [`verify_file`](crate::verify_file) with its findings; without it, the page says that the
    /// records are not verified. Everything that comes from the trail is escaped.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, FileSink, RecordFilter, TrailReport, VerifyOptions, read_trail, verify_file};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
    /// layer.handle().close_blocking()?;
    /// let report = TrailReport::collect(read_trail(&path)?, RecordFilter::new())?;
    /// let verified = verify_file(&path, &VerifyOptions::new())?;
    /// let page = report.to_html("audit.jsonl", Some(&verified));
    /// assert!(page.starts_with("<!doctype html>") && !page.contains("<script"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_html(&self, title: &str, verification: Option<&VerifyReport>) -> String {
        html::page(self, title, verification)
    }

    /// Counts one record.
    fn add(&mut self, record: &StoredRecord) {
        match record.kind() {
            "request" => {
                self.add_request(record);
                self.add_end(record);
            }
            "head" => self.add_request(record),
            "end" => self.add_end(record),
            "folded" => self.add_repeats(record),
            "event" => {
                self.events = self.events.saturating_add(1);
                self.by_event.add(record.event_id().unwrap_or("unknown"), 1);
            }
            _ => return,
        }
        if let Some(time) = record.time() {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
    }

    /// Counts what is known when the response starts: client, principal, route, status, refusal.
    fn add_request(&mut self, record: &StoredRecord) {
        self.requests = self.requests.saturating_add(1);
        let class = record.status().map_or(0, |status| status / 100);
        let of_class = self.by_class.entry(class).or_default();
        *of_class = of_class.saturating_add(1);
        self.by_route.add(record.route().unwrap_or("(no route)"), 1);
        self.by_principal
            .add(record.principal().unwrap_or("(no principal)"), 1);
        self.by_client
            .add(record.client().unwrap_or("(unknown)"), 1);
        let refusal = record.refusal_code();
        if let Some(code) = refusal {
            self.refused = self.refused.saturating_add(1);
            self.add_refusal(record, code, 1);
        }
        if let Some(time) = record.time() {
            self.timeline.add(time, refusal.is_some(), 1);
        }
    }

    /// Counts what is known when the request is over: duration, outcome, cost, and whether it is a sample.
    ///
    /// A head may be that of a sample though the request fails afterwards. All failures have a record, so it then stands
    /// for itself alone, and so does a head without an end.
    fn add_end(&mut self, record: &StoredRecord) {
        if let one_of @ 2.. = record.sampled_one_of() {
            self.sampled = self.sampled.saturating_add(1);
            self.sampled_from = self.sampled_from.saturating_add(one_of);
        }
        if let Some(duration) = record.duration() {
            self.latency.add(duration);
        }
        if let Some(outcome) = record.outcome().filter(|outcome| *outcome != "complete") {
            self.by_outcome.add(outcome, 1);
        }
        for (unit, amount) in record.record().settled.iter().flatten() {
            if self.costs.len() < MAX_UNITS || self.costs.contains_key(&**unit) {
                let total = self.costs.entry(unit.to_string()).or_default();
                *total = total.saturating_add(*amount);
            }
        }
    }

    /// Counts repeated refusals, or connection events, that have one record together.
    fn add_repeats(&mut self, record: &StoredRecord) {
        let count = record.count();
        self.folded = self.folded.saturating_add(count);
        let code = record.refusal_code().unwrap_or("unknown");
        if record.refusing_guard() == Some("event") {
            return self.by_event.add(code, count);
        }
        self.add_refusal(record, code, count);
        self.by_refusal.folded = self.by_refusal.folded.saturating_add(count);
        if let Some(time) = record.time() {
            self.timeline.add(time, true, count);
        }
    }

    /// Counts refusals by guard and code, and by client.
    fn add_refusal(&mut self, record: &StoredRecord, code: &str, count: u64) {
        let guard = record.refusing_guard().unwrap_or("unknown");
        self.by_refusal.add(&format!("{guard}: {code}"), count);
        self.refused_clients
            .add(record.client().unwrap_or("(several)"), count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &[&str]) -> TrailReport {
        let records = lines.iter().map(|line| {
            StoredRecord::parse(line.as_bytes()).ok_or_else(|| io::Error::other("no record"))
        });
        TrailReport::collect(records, RecordFilter::new()).unwrap()
    }

    const HEAD: &str = r#"{"type":"head","time":"2023-11-14T22:13:20.000000Z","id":"1","method":"POST","route":"/tts","client":"203.0.113.7","principal":{"id":"anna"},"status":200}"#;
    const END: &str = r#"{"type":"end","time":"2023-11-14T22:13:20.000000Z","id":"1","status":200,"how":"cancelled","duration_us":1500,"settled":{"characters":40}}"#;
    const REFUSED: &str = r#"{"type":"request","time":"2023-11-14T22:14:20.000000Z","id":"2","method":"POST","client":"203.0.113.8","status":429,"how":"complete","duration_us":90,"refused":[{"guard":"limit","code":"quota_exceeded"}]}"#;
    const FOLDED: &str = r#"{"type":"folded","time":"2023-11-14T22:15:20.000000Z","client":"203.0.113.8","guard":"limit","code":"quota_exceeded","count":41}"#;
    const EVENT: &str =
        r#"{"type":"event","time":"2023-11-14T22:16:20.000000Z","event_id":"key.revoked"}"#;

    #[test]
    fn a_request_of_two_records_is_counted_once() {
        let report = report(&[HEAD, END]);
        assert_eq!((report.requests(), report.refused()), (1, 0));
        assert_eq!(report.latency.count(), 1);
        assert_eq!(report.by_outcome.largest(9).entries, [("cancelled", 1)]);
        assert_eq!(report.costs["characters"], 40);
    }

    #[test]
    fn repeated_refusals_count_as_refused_and_not_as_recorded() {
        let report = report(&[HEAD, END, REFUSED, FOLDED, EVENT]);
        assert_eq!(
            (report.requests(), report.refused(), report.events),
            (2, 42, 1)
        );
        assert_eq!(
            report.by_refusal.largest(9).entries,
            [("limit: quota_exceeded", 42)]
        );
        assert_eq!(
            report.refused_clients.largest(9).entries,
            [("203.0.113.8", 42)]
        );
        assert_eq!(report.by_class, BTreeMap::from([(2, 1), (4, 1)]));
    }

    #[test]
    fn samples_are_counted_as_records_and_the_page_says_what_they_stand_for() {
        let sampled = HEAD.replace("\"method\"", "\"sampled\":10,\"method\"");
        let whole = sampled.replace("head", "request");
        let end = END.replace("\"status\"", "\"sampled\":10,\"status\"");
        let report = report(&[&whole, &sampled, &end, REFUSED]);
        assert_eq!(report.requests(), 3);
        assert_eq!((report.sampled, report.sampled_from), (2, 20));
        let page = report.to_html("audit.jsonl", None);
        assert!(page.contains("2 records are samples: they stand for about 20 requests"));
    }

    #[test]
    fn a_sample_that_fails_stands_for_itself_alone() {
        let sampled = HEAD.replace("\"method\"", "\"sampled\":10,\"method\"");
        // Its failure has a record whether or not it is a sample; that of the second one is not there yet.
        let report = report(&[&sampled, END, &sampled]);
        assert_eq!(report.requests(), 2);
        assert_eq!((report.sampled, report.sampled_from), (0, 0));
    }

    #[test]
    fn what_a_trail_holds_cannot_become_markup() {
        let hostile = REFUSED
            .replace("quota_exceeded", "<script>alert(1)</script>")
            .replace("203.0.113.8", "\\\"><img src=x>")
            .replace(
                "\"id\":\"2\"",
                "\"id\":\"2\",\"route\":\"</style><u>\",\"principal\":{\"id\":\"<i>\"}",
            );
        let page = report(&[&hostile]).to_html("<audit> & \"file\"", None);
        for markup in ["<script", "<img", "<u>", "<i>", "<audit>"] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("&lt;audit&gt; &amp; &quot;file&quot;"));
        assert_eq!(page.matches("<style>").count(), 1);
    }

    #[test]
    fn the_page_of_an_empty_trail_says_so() {
        let page = TrailReport::default().to_html("audit.jsonl", None);
        assert!(
            page.contains("No records") && page.contains("not verified"),
            "{page}"
        );
    }
}
