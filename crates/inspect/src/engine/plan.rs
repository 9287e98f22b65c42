//! Rules prepared to run: names are numbers, lists are shared, literals are in one automaton.
//!
//! `prepare` turns the rules of the loader into this form. Three things change: rules are sorted
//! by phase and keep their order there; jumps (`skip`, `skipAfter`) become indexes; and lists of
//! transformations, names of variables and literals become numbers.
//!
//! Nothing here changes afterwards. All requests share it without a lock.

use super::columns::{ColumnId, Columns, Named, Search};
use super::filter::{Filter, FilterBuilder};
use super::transformations::{ListId, TransformationLists};
use crate::byte_set::ByteSet;
use crate::operator::{Comparison, Operator, number};
use crate::seclang::{Action, EngineMode, Link, Rule, RuleHead, Selector, Target};
use crate::variables::{Collection, MacroText, Piece, TxNames};

/// The rules of all phases.
///
/// The default has no rules and finds nothing.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// For phases 1 to 5, the rules in the order of the files.
    pub(crate) phases: [Vec<PlannedRule>; 5],
    /// The lists that checks name by number.
    pub(crate) lists: TransformationLists,
    /// The columns that checks name by number.
    pub(crate) columns: Columns,
    /// The variables that rules name. A request has a place for each.
    pub(crate) names: TxNames,
    /// The literals of the rules that read requests, and of those that read responses.
    ///
    /// The first serves phases 1, 2 and 5, the second phases 3 and 4. They are apart so that a
    /// request is not searched for literals of responses.
    pub(crate) request_filter: Filter,
    pub(crate) response_filter: Filter,
    /// The mode in which each request starts; `ctl` may change it.
    pub(crate) engine_mode: EngineMode,
}

impl Plan {
    /// The filter of the rules of a phase.
    pub(crate) const fn search(&self, is_response: bool) -> Search<'_> {
        let filter = if is_response {
            &self.response_filter
        } else {
            &self.request_filter
        };
        Search {
            filter,
            is_response,
        }
    }
}

#[cfg(test)]
impl Plan {
    /// Makes every rule ask its operator of every value.
    pub(crate) fn ask_every_operator(&mut self) {
        for check in self
            .phases
            .iter_mut()
            .flatten()
            .flat_map(|rule| &mut rule.checks)
        {
            check.columns.clear();
            check.all_columns.clear();
            check.sets.clear();
            (check.filter, check.allowed) = (None, None);
        }
    }
}

/// A rule prepared to run.
#[derive(Debug)]
pub(crate) struct PlannedRule {
    /// Id, tags and decision.
    pub(crate) head: RuleHead,
    /// The links in their order; all must match.
    pub(crate) checks: Vec<Check>,
    /// Where to continue in the phase after a match: the index of the next rule.
    ///
    /// `None`: the next rule. An index beyond the end ends the phase.
    pub(crate) jump: Option<usize>,
    /// Whether the rule asks for syntax of code, which a person may write about.
    ///
    /// It follows from the tags, see [`CODE_TAGS`].
    pub(crate) looks_for_code: bool,
    /// Whether a link, an action or a text of the rule reads what the rule has matched.
    ///
    /// If not, numbers that match need not be kept as texts.
    pub(crate) reads_matched: bool,
}

/// One link of a rule.
#[derive(Debug)]
pub(crate) struct Check {
    /// Empty for `SecAction`, which always matches.
    pub(crate) sources: Vec<Target>,
    /// What is left out of all sources.
    pub(crate) excluded: Vec<Target>,
    /// The transaction variables of a source with a pattern, by the index of the source.
    ///
    /// It is found once, since all names in rules are known. Empty for all other sources.
    pub(crate) tx_matches: Vec<Vec<usize>>,
    /// What all sources together read: a column for each list. Empty: it is asked for each source.
    pub(crate) all_columns: Vec<ColumnId>,
    /// What each source reads, by its index: a column for each list. Empty, or none at all: the
    /// values must be asked one by one.
    pub(crate) columns: Vec<Vec<ColumnId>>,
    /// The full test, run when the filters let a text through.
    pub(crate) operator: Operator,
    /// Whether a text matches when the operator does not.
    pub(crate) negated: bool,
    /// The comparison with a number, if it is one.
    ///
    /// With it a variable is compared without writing it as text first.
    pub(crate) number: Option<(Comparison, NumberArgument)>,
    /// What a text must have.
    ///
    /// Of each set one byte. Empty: any text may match.
    pub(crate) sets: Vec<ByteSet>,
    /// The number of the rule in the filter of its phase.
    ///
    /// `None`: there are no literals to ask for.
    pub(crate) filter: Option<usize>,
    /// The bytes that are allowed, for `@validateByteRange`.
    ///
    /// Then the set of bytes of a text is the whole test and the text is not read again.
    pub(crate) allowed: Option<ByteSet>,
    /// The lists of transformations after which the operator sees a value.
    ///
    /// One, or with `multiMatch` one more than there are transformations.
    pub(crate) lists: Vec<ListId>,
    /// Whether groups of the match go to `TX.0` to `TX.9`.
    pub(crate) capture: bool,
    /// Run at each value that matches.
    pub(crate) actions: Vec<Action>,
}

/// The number with which a value is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NumberArgument {
    /// Written in the rule.
    Literal(i64),
    /// The variable with this number; 0 while it is not set. Thresholds of the Core Rule Set are
    /// of this kind.
    Tx(usize),
}

/// Tags of rules that ask for syntax of code or of paths.
///
/// Tags that start with `attack-injection` count too. Rules without such a tag, for example
/// against deserialization, apply to a person's text as to all else.
const CODE_TAGS: [&str; 8] = [
    "attack-sqli",
    "attack-xss",
    "attack-rce",
    "attack-lfi",
    "attack-rfi",
    "attack-ssrf",
    "attack-generic",
    "attack-protocol",
];

/// Prepares rules. `markers` are the positions of `SecMarker`: its name and how many rules stand
/// before it.
///
/// Cost: a pattern is not compiled here, so it is short against the loading.
///
/// # Errors
///
/// The reason as text: there are too many literals.
pub(crate) fn prepare(
    rules: Vec<Rule>,
    markers: &[(String, usize)],
    names: TxNames,
    engine_mode: EngineMode,
) -> Result<Plan, String> {
    let mut plan = Plan {
        engine_mode,
        ..Plan::default()
    };
    let mut filters = [FilterBuilder::default(), FilterBuilder::default()];
    // For each rule: its phase and its place there.
    let mut places: [Vec<usize>; 5] = Default::default();
    for (index, rule) in rules.into_iter().enumerate() {
        let phase = usize::from(rule.head.phase.clamp(1, 5)) - 1;
        let [request, response] = &mut filters;
        let filter = if matches!(phase, 2 | 3) {
            response
        } else {
            request
        };
        let reads_matched = rule.links.iter().any(Link::reads_matched);
        let checks = rule.links.into_iter().map(|link| {
            let mut check = prepare_check(link, filter, &mut plan.lists, &names);
            set_columns(&mut check, &mut plan.columns);
            check
        });
        let planned = PlannedRule {
            reads_matched,
            looks_for_code: looks_for_code(&rule.head.tags),
            checks: checks.collect(),
            head: rule.head,
            jump: None,
        };
        if let (Some(phase), Some(places)) = (plan.phases.get_mut(phase), places.get_mut(phase)) {
            phase.push(planned);
            places.push(index);
        }
    }
    for (phase, places) in plan.phases.iter_mut().zip(&places) {
        set_jumps(phase, places, markers);
    }
    let [request, response] = filters;
    plan.request_filter = request.build()?;
    plan.response_filter = response.build()?;
    plan.names = names;
    Ok(plan)
}

/// Whether the tags name a family of code.
fn looks_for_code(tags: &[String]) -> bool {
    let code =
        |tag: &String| CODE_TAGS.contains(&tag.as_str()) || tag.starts_with("attack-injection");
    tags.iter().any(code)
}

/// Sets where rules continue that skip others.
///
/// `places` are the positions of the rules of this phase among all rules, in rising order. Only a
/// marker behind the rule counts.
fn set_jumps(phase: &mut [PlannedRule], places: &[usize], markers: &[(String, usize)]) {
    let length = phase.len();
    for (own, rule) in phase.iter_mut().enumerate() {
        if let Some(name) = &rule.head.skip_after {
            let here = places.get(own).copied().unwrap_or_default();
            let marker = markers
                .iter()
                .find(|(known, at)| known == name && *at > here);
            // A marker that does not exist skips the rest of the phase.
            let target = marker.map(|(_, at)| places.partition_point(|place| place < at));
            rule.jump = Some(target.unwrap_or(length));
        } else if rule.head.skip > 0 {
            rule.jump = Some(own.saturating_add(rule.head.skip).saturating_add(1));
        }
    }
}

/// Prepares one link.
///
/// It gives the literals a number in the filter of the rule's phase.
fn prepare_check(
    link: Link,
    filter: &mut FilterBuilder,
    lists: &mut TransformationLists,
    names: &TxNames,
) -> Check {
    let number = match &link.operator {
        Operator::Compare(comparison, text) => {
            number_argument(text).map(|number| (*comparison, number))
        }
        _ => None,
    };
    let allowed = match &link.operator {
        Operator::BytesOutside(allowed) if !link.negated => Some(*allowed),
        _ => None,
    };
    let tx_matches = link
        .targets
        .iter()
        .map(|target| tx_matches(target, names))
        .collect();
    let literals = &link.needs.literals;
    Check {
        all_columns: Vec::new(),
        columns: Vec::new(),
        tx_matches,
        number,
        allowed,
        filter: (!literals.is_empty()).then(|| filter.add(literals)),
        sets: link.needs.sets,
        lists: if link.multi_match {
            lists.intern_all(&link.transformations)
        } else {
            vec![lists.intern(&link.transformations)]
        },
        sources: link.targets,
        excluded: link.excluded,
        operator: link.operator,
        negated: link.negated,
        capture: link.capture,
        actions: link.actions,
    }
}

/// Sets the columns of a check.
///
/// A source has some if a filter can leave out its values, and they are read from the request.
fn set_columns(check: &mut Check, columns: &mut Columns) {
    let has_filter = !check.sets.is_empty() || check.filter.is_some() || check.allowed.is_some();
    if check.negated || !has_filter {
        return;
    }
    let is_read = |target: &Target| !target.count && !target.collection.is_made();
    let named: Vec<Named> = check.sources.iter().map(named_by).collect();
    let lists = &check.lists;
    let mut intern = |source: &[Named]| -> Vec<ColumnId> {
        let of_list = lists.iter().map(|list| columns.intern(source, *list));
        of_list.collect()
    };
    check.columns = check
        .sources
        .iter()
        .zip(named.chunks(1))
        .map(|(target, source)| match is_read(target) {
            true => intern(source),
            false => Vec::new(),
        })
        .collect();
    if named.len() > 1 && check.sources.iter().all(is_read) {
        check.all_columns = intern(&named);
    }
}

/// The values that a target names, or more.
fn named_by(target: &Target) -> Named {
    let key = match &target.selector {
        Selector::Key(name) => Some(name.clone()),
        Selector::All | Selector::Pattern(_) | Selector::Tx(_) => None,
    };
    Named {
        collection: target.collection,
        key,
    }
}

/// The number of a comparison, if it does not depend on the request.
///
/// A text with several pieces is completed for each request and has none.
fn number_argument(text: &MacroText) -> Option<NumberArgument> {
    match text.0.as_slice() {
        [Piece::Tx(name)] => Some(NumberArgument::Tx(*name)),
        _ => text
            .literal()
            .map(|text| NumberArgument::Literal(number(text))),
    }
}

/// The known variables that a pattern names.
fn tx_matches(target: &Target, names: &TxNames) -> Vec<usize> {
    match (&target.collection, &target.selector) {
        (Collection::Tx, Selector::Pattern(pattern)) => {
            let matching = names
                .iter()
                .filter(|(name, _)| pattern.is_match(name.as_bytes()));
            matching.map(|(_, number)| number).collect()
        }
        (Collection::Tx, Selector::All) => names.iter().map(|(_, number)| number).collect(),
        _ => Vec::new(),
    }
}
