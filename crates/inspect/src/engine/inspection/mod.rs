//! One request under inspection: its rules run phase by phase.
//!
//! `checks` asks a rule's operator of each value; `variables` and `matched` do so for values that
//! the rules themselves have set or matched. `actions` does what a rule says at a match.
//!
//! The phases are those of "Processing Phases" in the reference manual:
//!
//! | Phase | Runs after |
//! |---|---|
//! | 1 | the head of the request was read |
//! | 2 | the body of the request was read |
//! | 3 | the head of the response was read |
//! | 4 | the body of the response was read |
//! | 5 | all else; it also runs after a refusal or an `allow` |
//!
//! A rule matches if each of its links does. At a match it is reported, its decision is taken,
//! and a jump may follow.

mod actions;
mod checks;
mod matched;
mod variables;

use crate::body::BodyFormat;
use crate::engine::budget::Budget;
use crate::engine::columns::KnownColumns;
use crate::engine::plan::{Plan, PlannedRule};
use crate::engine::texts::TextId;
use crate::engine::tx::{TxValue, TxValues};
use crate::engine::values::Values;
use crate::engine::view::{RequestView, ResponseView};
use crate::matched_text_key::MatchedTextKey;
use crate::seclang::{AllowUntil, Disruption, EngineMode, Target};
use crate::variables::Collection;
use crate::verdict::{RuleMatch, Verdict};

/// The first phase of the response.
const RESPONSE: usize = 3;

/// The phase that always runs.
const LOGGING: usize = 5;

/// How many matches of one rule are kept, for `MATCHED_VARS`.
///
/// Matches beyond it still count and run their actions, but the next link of a chain could not
/// see them. So the verdict is incomplete then.
const MOST_MATCHED_VALUES: usize = 4096;

/// How many rules that matched in a person's text are kept.
const MOST_WORDS: usize = 256;

/// A value that matched.
#[derive(Clone, Copy, Debug)]
struct Matched {
    /// The one through which it was read; part of its name.
    collection: Collection,
    /// Its own name.
    key: TextId,
    /// Its bytes after the transformations.
    text: TextId,
}

/// What `ctl` switched off.
///
/// It only grows. Ranges and tags are few, so they are searched in order.
#[derive(Debug, Default)]
struct Removed<'s> {
    /// Rules by first and last id.
    ids: Vec<(u64, u64)>,
    /// Rules by a tag.
    tags: Vec<&'s str>,
    /// What rules in a range of ids no longer read.
    targets_of_ids: Vec<(u64, u64, &'s [Target])>,
    /// What rules with a tag no longer read.
    targets_of_tags: Vec<(&'s str, &'s [Target])>,
}

/// What an inspection is told besides the rules.
pub(crate) struct Settings<'a> {
    /// Whether a parameter is what a person wrote.
    ///
    /// It is given the name as rules see it, and the value. It is asked only for parameters of
    /// the body.
    pub(crate) is_words: &'a (dyn Fn(&[u8], &[u8]) -> bool + Send + Sync),
    /// Whether to go on after a refusal, to see everything that matches.
    ///
    /// An enforcing layer has no use for that and stops earlier.
    pub(crate) see_all: bool,
    /// How much may be read, in bytes; as much again for what decides nothing.
    pub(crate) max_work: usize,
    /// Under which key the verdict has codes of what matched. `None`: it has none.
    pub(crate) text_key: Option<&'a MatchedTextKey>,
}

/// The state of one inspection.
///
/// `'s` is the life of the rules, `'r` that of the request. Call [`request`](Self::request), if
/// wanted [`response`](Self::response), then [`finish`](Self::finish).
pub(crate) struct Inspection<'s, 'r> {
    /// The rules.
    plan: &'s Plan,
    /// What the caller wants to know.
    settings: &'s Settings<'s>,
    /// What rules can read.
    values: Values<'r>,
    /// What the values that a target names have in common.
    columns: KnownColumns,
    /// How much more of a person's text may be read by rules that decide nothing there.
    words_work: Budget,
    /// What rules have set.
    tx: TxValues<'s>,
    /// What the current rule has matched. Emptied before each rule.
    matched: Vec<Matched>,
    /// What no longer applies to this request.
    removed: Removed<'s>,
    /// Whether rules run and whether they may refuse.
    mode: EngineMode,
    /// How the body is parsed. `None`: not at all.
    format: Option<BodyFormat>,
    /// The phase from which on rules run; an `allow` or a refusal raises it.
    resume: usize,
    /// The score of the request, if its response is inspected alone.
    inbound_score: i64,
    /// What is known so far.
    verdict: Verdict,
}

impl<'s, 'r> Inspection<'s, 'r> {
    /// Starts.
    ///
    /// Nothing was read yet, so all collections are empty.
    pub(crate) fn new(plan: &'s Plan, settings: &'s Settings<'s>) -> Self {
        let mut values = Values::default();
        values.texts.work = Budget::new(settings.max_work);
        Self {
            plan,
            settings,
            values,
            words_work: Budget::new(settings.max_work),
            columns: KnownColumns::default(),
            tx: TxValues::new(&plan.names),
            matched: Vec::new(),
            removed: Removed::default(),
            mode: plan.engine_mode,
            format: None,
            resume: 1,
            inbound_score: 0,
            verdict: Verdict::default(),
        }
    }

    /// Runs the rules on the head and the body of a request.
    ///
    /// The body is parsed also if phase 1 has refused already.
    pub(crate) fn request(&mut self, request: &RequestView<'r>) {
        self.values.read_head(request);
        let content_type = request.header(b"content-type").unwrap_or_default();
        self.format = BodyFormat::of_content_type(content_type);
        self.phase(1);
        self.values
            .read_body(request, self.format, self.settings.is_words);
        self.phase(2);
    }

    /// Runs the rules of phase 1 once more, for the variables that they set.
    ///
    /// Nothing of what they find counts: it counted when the request came.
    pub(crate) fn head_again(&mut self, request: &RequestView<'r>) {
        self.values.read_head(request);
        self.phase(1);
        self.verdict = Verdict::default();
        self.inbound_score = self.score();
    }

    /// Runs the rules on a response.
    ///
    /// It must come after the request, as its rules use variables from there.
    pub(crate) fn response(&mut self, response: &ResponseView<'r>) {
        self.values.read_response_head(response);
        self.phase(3);
        self.values.read_response_body(response);
        self.phase(4);
    }

    /// Runs the rules that only report, and ends.
    ///
    /// The score is read at the end, when all rules have added to it.
    pub(crate) fn finish(mut self) -> Verdict {
        self.phase(LOGGING);
        self.is_exceeded();
        self.verdict.score = self.score();
        self.verdict
    }

    /// Ends after a response that was inspected alone.
    pub(crate) fn finish_response(mut self) -> Verdict {
        self.is_exceeded();
        self.verdict.score = self.score().saturating_sub(self.inbound_score);
        self.verdict
    }

    /// The anomaly score that the rules have added up, inbound and outbound.
    ///
    /// The names are those of the Core Rule Set. Rules that score under other names have a score
    /// of 0 here.
    fn score(&self) -> i64 {
        let named = |name: &[u8]| self.tx.get_named(name).map_or(0, TxValue::number);
        let blocking =
            named(b"blocking_inbound_anomaly_score") + named(b"blocking_outbound_anomaly_score");
        // CRS 3 has other names.
        let older = named(b"anomaly_score") + named(b"outbound_anomaly_score");
        blocking.max(older).max(0)
    }

    /// Runs the rules of one phase.
    ///
    /// `phase` is 1 to 5. `SecRuleEngine Off` and `ctl:ruleEngine=Off` stop it at the next rule.
    fn phase(&mut self, phase: usize) {
        let plan = self.plan;
        let Some(rules) = plan.phases.get(phase - 1) else {
            return;
        };
        let mut next = 0;
        while let Some(rule) = rules.get(next) {
            if phase < self.resume || self.mode == EngineMode::Off || self.is_exceeded() {
                return;
            }
            next = match self.run(rule, matches!(phase, 3 | 4)) {
                true => rule.jump.unwrap_or(next + 1),
                false => next + 1,
            };
        }
    }

    /// Whether a bound was reached. Then no further rule runs.
    fn is_exceeded(&mut self) -> bool {
        self.verdict.incomplete |= self.values.texts.is_exceeded() || self.tx.is_exceeded();
        self.verdict.incomplete
    }

    /// Runs one rule. Returns whether it matched.
    fn run(&mut self, rule: &'s PlannedRule, is_response: bool) -> bool {
        if self.is_removed(rule) {
            return false;
        }
        self.matched.clear();
        for check in &rule.checks {
            if !self.run_check(rule, check, is_response) {
                return false;
            }
        }
        if rule.head.log {
            self.report(rule);
        }
        self.decide(rule);
        true
    }

    /// Whether a `ctl` switched the rule off.
    fn is_removed(&self, rule: &PlannedRule) -> bool {
        let id = rule.head.id;
        self.removed
            .ids
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&id))
            || self
                .removed
                .tags
                .iter()
                .any(|tag| rule.head.tags.iter().any(|own| own == tag))
    }

    /// Keeps that the rule matched.
    fn report(&mut self, rule: &PlannedRule) {
        let text = self
            .matched
            .iter()
            .rfind(|matched| matched.collection != Collection::Tx);
        let code = self.settings.text_key.zip(text);
        let text_code = code.map(|(key, matched)| key.code(self.values.texts.bytes(matched.text)));
        self.verdict.matched.push(RuleMatch {
            id: rule.head.id,
            severity: rule.head.severity,
            tags: rule
                .head
                .tags
                .iter()
                .map(|tag| tag.as_str().into())
                .collect(),
            text_code,
        });
    }

    /// Decides what a match means for the request.
    ///
    /// The first refusal counts; later ones do not replace it. In `DetectionOnly` there is none.
    fn decide(&mut self, rule: &PlannedRule) {
        match rule.head.disruption {
            Disruption::Allow(until) => self.allow(rule, until),
            Disruption::Deny if self.mode == EngineMode::On => {
                self.verdict.refused_by.get_or_insert(rule.head.id);
                if !self.settings.see_all {
                    self.resume = LOGGING;
                }
            }
            _ => {}
        }
    }

    /// Leaves out the rules up to a phase.
    ///
    /// `allow:request` in a phase of the response leaves out nothing.
    fn allow(&mut self, rule: &PlannedRule, until: AllowUntil) {
        let phase = usize::from(rule.head.phase.clamp(1, 5));
        let until = match until {
            AllowUntil::Response => RESPONSE,
            AllowUntil::NextPhase => phase + 1,
            AllowUntil::Logging => LOGGING,
        };
        self.resume = self.resume.max(until);
    }
}
