//! What rules in shadow would have refused, counted: all of them in shadow mode, otherwise those that the file puts in shadow.
//!
//! It is on the status page, in the document of the admin socket, and printed at the end of a gateway in shadow mode. It is
//! an observer, outside all other guards, and reads what they recorded when a request ends. Single
//! requests are in the audit trail; this is the sum, to see what to change before anything is refused.
//!
//! A request is counted after it ended, so a request that is still being served is not in the report. A
//! reload keeps the counts; a restart begins at zero.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::request;
use palisade::core::{Guard, Outcome, SecurityContext, Verdict, layer};
use serde_json::{Value, json};

/// The most different lines. Routes are those of the configuration and codes those of the program, so
/// no client can make many.
///
/// At the limit, known lines go on counting and new lines are left out. A full table has about 1 MB.
const MOST: usize = 10_000;

/// What would have been refused: route, guard, code, and how often.
///
/// Its `Display` is a table, the most frequent line first. Clones share the counts.
///
/// ```
/// use palisade_gateway::ShadowReport;
///
/// assert_eq!(ShadowReport::default().to_string(), "Nothing would have been refused.");
/// ```
#[derive(Clone, Default)]
pub struct ShadowReport(Arc<Mutex<BTreeMap<Line, u64>>>);

layer!(ShadowReport);

/// One kind of refusal on one route.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Line {
    /// The template, or `(no route)`.
    ///
    /// Of the rule, such as `/v1/{*path}`. It is never the path of a request.
    route: String,
    /// The name of the guard that would have refused, as in the audit record.
    guard: &'static str,
    /// The code of the refusal, such as `too_many_at_once`.
    code: &'static str,
}

impl ShadowReport {
    /// Locks the counts. A panic elsewhere while they were locked does not make them unusable.
    fn lock_lines(&self) -> MutexGuard<'_, BTreeMap<Line, u64>> {
        // Counts are valid after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the most frequent lines as a list: guard, code, route, and how often.
    pub(crate) fn to_document(&self, most: usize) -> Value {
        let lines = self.sorted_lines().into_iter().take(most);
        let described = lines.map(|(Line { route, guard, code }, times)| {
            json!({ "guard": guard, "code": code, "route": route, "count": times })
        });
        described.collect()
    }

    /// Returns all lines, the most frequent first.
    fn sorted_lines(&self) -> Vec<(Line, u64)> {
        let lines = self.lock_lines();
        let mut lines: Vec<(Line, u64)> = lines
            .iter()
            .map(|(line, times)| (line.clone(), *times))
            .collect();
        lines.sort_by(|(one, fewer), (other, more)| more.cmp(fewer).then(one.cmp(other)));
        lines
    }

    /// Adds to one line. A new line is dropped if the table is full.
    fn count_refusals(&self, route: &str, guard: &'static str, code: &'static str, times: u64) {
        let mut lines = self.lock_lines();
        let route = route.to_owned();
        let line = Line { route, guard, code };
        if lines.len() < MOST || lines.contains_key(&line) {
            *lines.entry(line).or_default() += times;
        }
    }
}

impl Guard for ShadowReport {
    type Pass = ();

    fn name(&self) -> &'static str {
        "shadow_report"
    }

    /// Admits every request: an observer decides nothing.
    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }

    /// Reads the refusals that the guards inside recorded for this request, and adds them to the table.
    ///
    /// One guard may record the same code several times; `count` of the record says how often.
    fn close(&self, cx: &SecurityContext, (): (), _: Outcome) {
        let route = cx.rule().map_or("(no route)", |rule| rule.template());
        cx.with_observations(|seen| {
            for refusal in seen.shadow_refusals() {
                let times = u64::from(refusal.count);
                self.count_refusals(route, refusal.value.guard, refusal.value.code, times);
            }
        });
    }
}

impl fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.sorted_lines();
        if lines.is_empty() {
            return f.write_str("Nothing would have been refused.");
        }
        f.write_str("Would have been refused:\n\n")?;
        write!(f, "{:>8}  {:<16}  {:<24}  route", "times", "by", "code")?;
        for (Line { route, guard, code }, times) in lines {
            write!(f, "\n{times:>8}  {guard:<16}  {code:<24}  {route}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShadowReport")
    }
}
