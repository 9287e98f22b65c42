//! What an inspection found.
//!
//! A verdict has ids, tags and numbers. It has no names of fields and no values, so it can be
//! logged or sent elsewhere without leaking what a client sent.
//!
//! The score is the anomaly score of the Core Rule Set: each rule that matches adds points by its
//! severity (critical 5, error 4, warning 3, notice 2), and a last rule refuses the request when
//! the sum reaches the threshold. See "Anomaly Scoring" in the documentation of the Core Rule
//! Set.

use std::sync::Arc;

/// A rule that matched. It holds nothing of the request, except a code of it by option.
///
/// There is one for each rule that matched and has not `nolog`, however many values it matched. A
/// chain counts as one rule and has the id of its first link.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleMatch {
    /// The id of the rule.
    ///
    /// Ids of the Core Rule Set have six digits from 900000 on. The shipped rules have 10001 to
    /// 10007 and 10101 to 10106.
    pub id: u64,
    /// The severity, 0 (emergency) to 7 (debug), if the rule has one.
    ///
    /// The numbers are those of syslog (RFC 5424, section 6.2.1): 2 is critical, 3 error, 4
    /// warning, 5 notice. Rules that only set variables have none.
    pub severity: Option<u8>,
    /// The tags of the rule, such as `attack-sqli`.
    ///
    /// They are in the order of the file and include those that say nothing about attacks, such
    /// as `paranoia-level/1`.
    pub tags: Vec<Arc<str>>,
    /// A code of the text that matched last, if the layer has a
    /// [`MatchedTextKey`](crate::MatchedTextKey).
    ///
    /// `None` for a rule that counts values or reads only variables, and for all rules without a
    /// key.
    pub text_code: Option<String>,
}

/// What an inspection found. It holds nothing of the request.
///
/// [`RuleSet::inspect`](crate::RuleSet::inspect) returns it. The default is the verdict on a
/// request in which nothing matched: score 0, not refused.
///
/// ```
/// use palisade_inspect::{RequestView, RuleSet};
///
/// let rules = RuleSet::parse(
///     r#"SecRule ARGS "@contains drop" "id:7,phase:2,deny,severity:CRITICAL""#,
/// )?;
/// let request = RequestView { target: b"/?q=drop", ..RequestView::default() };
/// let verdict = rules.inspect(&request, None);
/// assert!(verdict.is_refused());
/// assert_eq!(verdict.matched[0].severity, Some(2));
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// The rules that matched and report it, in the order in which they ran.
    ///
    /// Rules with `nolog` are not in it, even when they refuse.
    pub matched: Vec<RuleMatch>,
    /// The anomaly score, of request and response together.
    ///
    /// It is read after the last phase from the variables `blocking_inbound_anomaly_score` and
    /// `blocking_outbound_anomaly_score`, or from the older `anomaly_score` and
    /// `outbound_anomaly_score`. It is 0 for rules that keep no score, and never negative.
    pub score: i64,
    /// The rule that refuses the request, if one does.
    ///
    /// It is the first rule with `deny`, `drop`, `redirect` or `proxy` that matched. With the
    /// Core Rule Set that is the rule that compares the score with the threshold (949110), not
    /// the one that recognised the attack; those are in `matched`. It stays `None` while the
    /// rules say `SecRuleEngine DetectionOnly`.
    pub refused_by: Option<u64>,
    /// Ids of the rules that matched in what a person wrote. They refuse nothing.
    ///
    /// Each id is in it once, and at most 256 are kept. Only rules whose tags name an attack with
    /// code are counted apart in this way. It is empty unless [`PersonText`](crate::PersonText)
    /// names fields.
    pub words: Vec<u64>,
    /// Their score.
    ///
    /// It is the sum of the points of those rules by their severity: 0 to 2 counts 5, 3 counts 4,
    /// 4 counts 3, all others 2. It is not part of `score` and reaches no threshold.
    pub words_score: i64,
    /// Whether rules for code did not see all of what a person wrote, because it took too much work.
    ///
    /// Such rules refuse nothing, so this refuses nothing either.
    pub words_incomplete: bool,
    /// Whether a bound of the inspection was reached, so that rules did not see the whole request.
    ///
    /// A request reaches one only by thousands of values or by rules that copy its texts again
    /// and again. Such a request counts as refused, with `refused_by` as it was until then.
    pub incomplete: bool,
}

impl Verdict {
    /// Whether a rule refuses the request, or it could not be inspected to its end.
    ///
    /// It tells what the rules decide. Whether the client sees a refusal depends on the layer,
    /// which only observes unless [`enforce`](crate::InspectLayerBuilder::enforce) was called.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refused_by.is_some() || self.incomplete
    }

    /// The ids of the rules that matched.
    ///
    /// They are in the order in which the rules ran. Ids of [`words`](Self::words) are not among
    /// them.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.matched.iter().map(|matched| matched.id)
    }
}
