//! What a gateway has served since its start: requests by minute, refusals, and who sends most.
//!
//! It is an observer, outside all other guards. It counts a request when it has ended. The counters are for a person who
//! looks at the state of the gateway; single requests are in the audit trail. A reload keeps them, a restart begins at zero.
//!
//! All tables are bounded: minutes by their number, refusals by the codes of the program, and principals by
//! [`MOST_PRINCIPALS`]. Who sends rarely may then be missing, and a count may be too high by as much as it says.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::request;
use palisade::core::{Guard, Outcome, OutcomeKind, SecurityContext, SharedClock, Verdict, layer};
use serde_json::{Value, json};

/// How many minutes are kept.
const MINUTES: usize = 60;
/// How many principals are counted at a time.
const MOST_PRINCIPALS: usize = 256;
/// How many of each table are shown.
const SHOWN: usize = 10;

/// The counters. Clones share them.
#[derive(Clone)]
pub(crate) struct Traffic(Arc<Shared>);

layer!(Traffic);

/// What all clones share.
struct Shared {
    /// Tells to which minute a request belongs.
    clock: SharedClock,
    /// Under one lock, which is held for some additions.
    counts: Mutex<Counts>,
}

/// What happened to requests.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Requests {
    /// Responded to, by the upstream or by the gateway itself.
    answered: u64,
    /// Refused by the stack.
    refused: u64,
    /// With a status of 500 or more, or broken off by the upstream.
    failed: u64,
}

/// The counters since the start.
#[derive(Default)]
struct Counts {
    /// Since the start.
    all: Requests,
    /// The latest minutes, each with its number on the monotonic clock. Those without a request are missing.
    minutes: VecDeque<(u64, Requests)>,
    /// By guard and code.
    refusals: BTreeMap<(&'static str, &'static str), u64>,
    /// By kind and identifier, as `api_key:anna`.
    principals: BTreeMap<String, PrincipalCount>,
}

/// The requests of one principal.
#[derive(Clone, Copy, Debug, Default)]
struct PrincipalCount {
    /// All requests of the principal.
    requests: u64,
    /// Those that the stack refused.
    refused: u64,
    /// How many of the requests may be those of a principal that had this place before.
    uncertain: u64,
}

impl Traffic {
    /// Begins at zero.
    pub(crate) fn new(clock: SharedClock) -> Self {
        let counts = Mutex::default();
        Self(Arc::new(Shared { clock, counts }))
    }

    /// Locks the counters.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are valid after any panic.
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the current minute on the monotonic clock.
    fn minute(&self) -> u64 {
        self.0.clock.monotonic().as_secs() / 60
    }

    /// Returns the counters as a document: sums, the last 60 minutes from the oldest, and the greatest of each table.
    pub(crate) fn to_document(&self) -> Value {
        let now = self.minute();
        let counts = self.counts();
        let minutes: Vec<Value> = (0..MINUTES as u64)
            .rev()
            .map(|ago| counts.in_minute(now.checked_sub(ago)).to_document())
            .collect();
        let mut refusals: Vec<_> = counts.refusals.iter().collect();
        refusals.sort_by(|(_, fewer), (_, more)| more.cmp(fewer));
        let refusals: Vec<Value> = refusals
            .iter()
            .take(SHOWN)
            .map(|((guard, code), count)| json!({ "guard": guard, "code": code, "count": count }))
            .collect();
        let mut principals: Vec<_> = counts.principals.iter().collect();
        principals.sort_by_key(|(_, count)| Reverse(count.requests));
        let principals: Vec<Value> = principals
            .iter()
            .take(SHOWN)
            .map(|(name, count)| count.to_document(name))
            .collect();
        json!({
            "all": counts.all.to_document(),
            "minutes": minutes,
            "refusals": refusals,
            "principals": principals,
        })
    }
}

impl Counts {
    /// Returns the counters of a minute, which begin at zero. There always are some.
    fn minute_mut(&mut self, minute: u64) -> Option<&mut Requests> {
        if self.minutes.back().is_none_or(|(last, _)| *last < minute) {
            self.minutes.push_back((minute, Requests::default()));
        }
        while self.minutes.len() > MINUTES {
            self.minutes.pop_front();
        }
        self.minutes.back_mut().map(|(_, requests)| requests)
    }

    /// `None` for a minute before the clock began.
    fn in_minute(&self, minute: Option<u64>) -> Requests {
        let found = self
            .minutes
            .iter()
            .find(|(number, _)| Some(*number) == minute);
        found.map_or_else(Requests::default, |(_, requests)| *requests)
    }

    /// Counts a request of a principal. Without a place, it takes that of the one with the fewest requests, and its count
    /// (the algorithm Space-Saving of Metwally, Agrawal and El Abbadi, 2005).
    fn count_principal(&mut self, name: String, is_refused: bool) {
        let is_full = self.principals.len() >= MOST_PRINCIPALS;
        let mut begin = PrincipalCount::default();
        if is_full && !self.principals.contains_key(&name) {
            let fewest = self
                .principals
                .iter()
                .min_by_key(|(_, count)| count.requests);
            let fewest = fewest.map(|(name, count)| (name.clone(), count.requests));
            if let Some((name, requests)) = fewest {
                self.principals.remove(&name);
                begin.requests = requests;
                begin.uncertain = requests;
            }
        }
        let count = self.principals.entry(name).or_insert(begin);
        count.requests += 1;
        count.refused += u64::from(is_refused);
    }
}

impl Requests {
    /// Counts a request. One that is refused with a status of 500 or more counts as failed.
    fn count(&mut self, is_refused: bool, is_failed: bool) {
        match (is_refused, is_failed) {
            (_, true) => self.failed += 1,
            (true, false) => self.refused += 1,
            (false, false) => self.answered += 1,
        }
    }

    /// Returns the counts as the status page reads them.
    fn to_document(self) -> Value {
        json!({ "answered": self.answered, "refused": self.refused, "failed": self.failed })
    }
}

impl PrincipalCount {
    /// Returns the counts with the name of the principal.
    fn to_document(self, name: &str) -> Value {
        json!({
            "name": name,
            "requests": self.requests,
            "refused": self.refused,
            "uncertain": self.uncertain,
        })
    }
}

impl Guard for Traffic {
    type Pass = ();

    fn name(&self) -> &'static str {
        "traffic"
    }

    /// Admits every request: an observer decides nothing.
    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }

    fn close(&self, cx: &SecurityContext, (): (), outcome: Outcome) {
        let refusal = cx.with_observations(|seen| {
            let last = seen.refusals().last()?;
            Some((last.guard, last.code))
        });
        let is_broken = matches!(
            outcome.kind,
            OutcomeKind::BodyFailed | OutcomeKind::Panicked | OutcomeKind::ServiceFailed
        );
        let is_failed = is_broken || outcome.status.is_some_and(|it| it.is_server_error());
        let principal = cx
            .principal()
            .map(|who| format!("{}:{}", who.kind(), who.id()));
        let minute = self.minute();
        let mut counts = self.counts();
        counts.all.count(refusal.is_some(), is_failed);
        if let Some(requests) = counts.minute_mut(minute) {
            requests.count(refusal.is_some(), is_failed);
        }
        if let Some(by) = refusal {
            *counts.refusals.entry(by).or_default() += 1;
        }
        if let Some(name) = principal {
            counts.count_principal(name, refusal.is_some());
        }
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traffic")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::time::Duration;

    use http::{Request, StatusCode};
    use palisade::core::{ManualClock, Principal};

    use super::*;

    fn end(traffic: &Traffic, who: &str, status: u16) {
        let (mut head, ()) = Request::new(()).into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        if !who.is_empty() {
            cx.set_principal(Principal::builder("api_key", who).build())
                .unwrap();
        }
        let status = StatusCode::from_u16(status).ok();
        traffic.close(&cx, (), Outcome::new(OutcomeKind::Complete, status, 0));
    }

    #[test]
    fn requests_are_counted_in_their_minute_and_an_hour_is_kept() {
        let clock = ManualClock::new(Duration::ZERO);
        let traffic = Traffic::new(clock.shared());
        end(&traffic, "anna", 200);
        clock.advance(Duration::from_secs(59 * 60));
        end(&traffic, "", 502);
        let document = traffic.to_document();
        assert_eq!(document["minutes"].as_array().unwrap().len(), MINUTES);
        assert_eq!(document["minutes"][0]["answered"], 1);
        assert_eq!(document["minutes"][59]["failed"], 1);
        clock.advance(Duration::from_secs(60));
        assert_eq!(traffic.to_document()["minutes"][0]["answered"], 0);
        assert_eq!(traffic.to_document()["all"]["answered"], 1);
    }

    #[test]
    fn the_table_of_principals_is_bounded_and_keeps_those_who_send_most() {
        let traffic = Traffic::new(ManualClock::new(Duration::ZERO).shared());
        for number in 0..2000 {
            end(&traffic, "busy", 200);
            end(&traffic, &format!("rare{number}"), 200);
        }
        assert_eq!(traffic.counts().principals.len(), MOST_PRINCIPALS);
        let document = traffic.to_document();
        let first = &document["principals"][0];
        assert_eq!(
            (&first["name"], &first["requests"]),
            (&"api_key:busy".into(), &2000.into())
        );
        assert_eq!(first["uncertain"], 0);
        for principal in document["principals"].as_array().unwrap() {
            let number = |name: &str| principal[name].as_u64().unwrap();
            assert!(number("requests") - number("uncertain") <= 2000);
        }
        assert_eq!(document["principals"].as_array().unwrap().len(), SHOWN);
    }
}
