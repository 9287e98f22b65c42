//! One request under inspection: its rules run phase by phase.
//!
//! `checks` asks a rule's operator of each value, `actions` does what a rule says at a match.

mod actions;
mod checks;

use crate::body::BodyFormat;
use crate::engine::plan::{Plan, PlannedRule};
use crate::engine::texts::TextId;
use crate::engine::tx::{TxValue, TxValues};
use crate::engine::values::Values;
use crate::engine::view::{RequestView, ResponseView};
use crate::seclang::{Disruption, EngineMode, Target};
use crate::variables::Collection;
use crate::verdict::{RuleMatch, Verdict};

/// How many matches of one request are kept. A request may match each rule with each parameter.
const MOST_MATCHED_VALUES: usize = 256;

/// A value that matched.
#[derive(Clone, Copy, Debug)]
struct Matched {
    collection: Collection,
    key: TextId,
    text: TextId,
}

/// What `ctl` switched off.
#[derive(Debug, Default)]
struct Removed<'s> {
    ids: Vec<(u64, u64)>,
    tags: Vec<&'s str>,
    targets_of_ids: Vec<(u64, u64, &'s [Target])>,
    targets_of_tags: Vec<(&'s str, &'s [Target])>,
}

/// What an inspection is told besides the rules.
pub(crate) struct Settings<'a> {
    /// Whether a parameter is what a person wrote.
    pub(crate) is_words: &'a (dyn Fn(&[u8], &[u8]) -> bool + Send + Sync),
    /// Whether to go on after a refusal, to see everything that matches.
    pub(crate) see_all: bool,
}

/// The state of one inspection.
pub(crate) struct Inspection<'s, 'r> {
    plan: &'s Plan,
    settings: &'s Settings<'s>,
    values: Values<'r>,
    tx: TxValues<'s>,
    matched: Vec<Matched>,
    removed: Removed<'s>,
    mode: EngineMode,
    format: Option<BodyFormat>,
    ended: bool,
    verdict: Verdict,
}

impl<'s, 'r> Inspection<'s, 'r> {
    /// Starts.
    pub(crate) fn new(plan: &'s Plan, settings: &'s Settings<'s>) -> Self {
        Self {
            plan,
            settings,
            values: Values::default(),
            tx: TxValues::new(&plan.names),
            matched: Vec::new(),
            removed: Removed::default(),
            mode: plan.engine_mode,
            format: None,
            ended: false,
            verdict: Verdict::default(),
        }
    }

    /// Runs the rules on the head and the body of a request.
    pub(crate) fn request(&mut self, request: &RequestView<'r>) {
        self.values.read_head(request);
        let content_type = request.header(b"content-type").unwrap_or_default();
        self.format = BodyFormat::of_content_type(content_type);
        self.phase(1);
        self.values
            .read_body(request, self.format, self.settings.is_words);
        self.phase(2);
    }

    /// Runs the rules on a response.
    pub(crate) fn response(&mut self, response: &ResponseView<'r>) {
        self.values.read_response_head(response);
        self.phase(3);
        self.values.read_response_body(response);
        self.phase(4);
    }

    /// Runs the rules that only report, and ends.
    pub(crate) fn finish(mut self) -> Verdict {
        self.ended = false;
        self.phase(5);
        self.verdict.score = self.score();
        self.verdict
    }

    /// The anomaly score that the rules have added up, inbound and outbound.
    fn score(&self) -> i64 {
        let named = |name: &[u8]| self.tx.get_named(name).map_or(0, TxValue::number);
        let blocking =
            named(b"blocking_inbound_anomaly_score") + named(b"blocking_outbound_anomaly_score");
        // CRS 3 has other names.
        let older = named(b"anomaly_score") + named(b"outbound_anomaly_score");
        blocking.max(older).max(0)
    }

    /// Runs the rules of one phase.
    fn phase(&mut self, phase: usize) {
        let plan = self.plan;
        let Some(rules) = plan.phases.get(phase - 1) else {
            return;
        };
        let mut next = 0;
        while let Some(rule) = rules.get(next) {
            if self.ended || self.mode == EngineMode::Off {
                return;
            }
            next = match self.run(rule, matches!(phase, 3 | 4)) {
                true => rule.jump.unwrap_or(next + 1),
                false => next + 1,
            };
        }
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
        self.verdict.matched.push(RuleMatch {
            id: rule.head.id,
            severity: rule.head.severity,
            tags: rule
                .head
                .tags
                .iter()
                .map(|tag| tag.as_str().into())
                .collect(),
        });
    }

    /// Decides what a match means for the request.
    fn decide(&mut self, rule: &PlannedRule) {
        if rule.head.disruption == Disruption::Allow {
            self.ended = true;
        }
        if rule.head.disruption == Disruption::Deny && self.mode == EngineMode::On {
            self.verdict.refused_by.get_or_insert(rule.head.id);
            self.ended = !self.settings.see_all;
        }
    }
}
