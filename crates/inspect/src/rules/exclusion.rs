//! Exceptions from rules: by id, tag, path and field.
//!
//! An exclusion removes a false match without touching the files of the rules, so an update of
//! the Core Rule Set stays a copy. It is the `ctl` action of the reference manual of ModSecurity
//! (`ruleRemoveById`, `ruleRemoveByTag`, `ruleRemoveTargetById`, `ruleRemoveTargetByTag`) with a
//! path in front.
//!
//! It runs in phase 1 before all rules of the set, so it takes effect in every phase of that
//! request and in no other request.

/// Rules that do not apply, everywhere or on a path, to everything or to one field.
///
/// Prefer the narrowest that helps: one rule, one field, one path. Without
/// [`on_path`](Self::on_path) it applies to all paths, without [`for_target`](Self::for_target)
/// to the whole rule.
///
/// The layer gives the exclusions the ids from 899100 on, in their order. Rules of the owner must
/// not use these ids, else one of the two is not loaded.
///
/// Nothing is checked when it is made. A character that is syntax is an
/// [`InspectBuildError::Exclusion`](crate::InspectBuildError::Exclusion) of the builder; an id
/// that no rule has does nothing.
///
/// It becomes SecLang, so an owner can also write it as such; see
/// [`RuleSetBuilder::setup`](crate::RuleSetBuilder::setup).
///
/// ```
/// use palisade_inspect::Exclusion;
///
/// // The search box may hold SQL.
/// let search = Exclusion::tag("attack-sqli").on_path("/search").for_target("ARGS:q");
/// // One rule, everywhere.
/// let rule = Exclusion::ids(920273, 920273);
/// # let _ = (search, rule);
/// ```
///
/// Given to a layer. A character that is syntax is an error there, so that no text of a configuration becomes a directive:
///
/// ```
/// use palisade_inspect::{Exclusion, InspectLayer};
///
/// let layer = InspectLayer::builder().exclude(Exclusion::ids(942100, 942199).on_path("/search")).build()?;
/// # let _ = layer;
///
/// let broken = Exclusion::tag("attack-sqli\" SecRuleEngine Off");
/// assert!(InspectLayer::builder().exclude(broken).build().is_err());
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Exclusion {
    /// Which rules it switches off.
    rules: Rules,
    /// How the path starts. `None`: each path.
    path: Option<String>,
    /// What the rules no longer read, such as `ARGS:q`. `None`: the rules do not run at all.
    target: Option<String>,
}

/// Which rules.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Rules {
    /// The first and the last id.
    Ids(u64, u64),
    /// The whole tag. A part of it does not count.
    Tag(String),
}

impl Exclusion {
    /// Excludes the rules with ids from one to another, both included.
    ///
    /// Give the same number twice for one rule. A range that is upside down excludes nothing.
    ///
    /// The rule that compares the score with the threshold (949110 in the Core Rule Set) can be
    /// excluded too; then nothing is refused. Exclude the rule that matches wrongly instead.
    pub const fn ids(from: u64, to: u64) -> Self {
        Self {
            rules: Rules::Ids(from, to),
            path: None,
            target: None,
        }
    }

    /// Excludes the rules with a tag, such as `attack-sqli`.
    ///
    /// The tag must be written as in the rules, in the same case. Tags of the Core Rule Set that
    /// name attacks start with `attack-`; `paranoia-level/2` and `language-php` are tags too.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self {
            rules: Rules::Tag(tag.into()),
            path: None,
            target: None,
        }
    }

    /// Excludes only on paths that start so. Default: on all paths.
    ///
    /// The path is compared after percent-decoding and after `.` and `..` are resolved, so
    /// `/search/../admin` is not below `/search`. It is a comparison of text: `/search` also
    /// covers `/searching`. End it with `/` to mean a folder.
    pub fn on_path(mut self, prefix: impl Into<String>) -> Self {
        self.path = Some(prefix.into());
        self
    }

    /// Excludes only one target, such as `ARGS:q` or `REQUEST_COOKIES:session`. Default: the whole rule.
    ///
    /// The form is that of a target in SecLang: a collection, or a collection, a colon and a
    /// name. `ARGS` covers the query and the body. For JSON the name has its path, as in
    /// `ARGS:json.query`.
    pub fn for_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Writes the exclusion as SecLang, as a rule with this id. `None`: a part of it would end its
    /// place in the rule.
    ///
    /// With a path it is a `SecRule` on `REQUEST_FILENAME`, else a `SecAction`. Both pass and
    /// write nothing to the log.
    pub(crate) fn directive(&self, id: u64) -> Option<String> {
        let safe = |text: &str| !text.contains(['"', '\'', '\n', '\r', ',', ';', '\\', '%']);
        let (name, which) = match &self.rules {
            Rules::Ids(from, to) => ("ById", format!("{from}-{to}")),
            Rules::Tag(tag) => ("ByTag", tag.clone()),
        };
        let path = self.path.as_deref().unwrap_or_default();
        let target = self.target.as_deref().unwrap_or_default();
        if ![which.as_str(), path, target].into_iter().all(safe) {
            return None;
        }
        let control = match &self.target {
            Some(target) => format!("ctl:ruleRemoveTarget{name}={which};{target}"),
            None => format!("ctl:ruleRemove{name}={which}"),
        };
        let actions = format!("id:{id},phase:1,pass,nolog,t:none,t:normalizePath,{control}");
        Some(match &self.path {
            Some(path) => {
                format!("SecRule REQUEST_FILENAME \"@beginsWith {path}\" \"{actions}\"\n")
            }
            None => format!("SecAction \"{actions}\"\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RequestView, RuleSet};

    const RULES: &str = "SecRule ARGS \"@rx x\" \"id:5,phase:2,deny,tag:'t'\"";

    fn check(exclusion: &Exclusion, target: &str, refused: bool) {
        let directive = exclusion.directive(1).expect("safe");
        let rules = RuleSet::parse(&format!("{directive}{RULES}")).expect("few rules");
        assert_eq!(rules.report().not_loaded, []);
        let request = RequestView {
            target: target.as_bytes(),
            ..RequestView::default()
        };
        assert_eq!(
            rules.inspect(&request, None).is_refused(),
            refused,
            "{directive} {target}"
        );
    }

    #[test]
    fn rules_are_excluded_where_it_is_said() {
        check(&Exclusion::ids(5, 5), "/?q=x", false);
        check(&Exclusion::ids(6, 9), "/?q=x", true);
        let tag = Exclusion::tag("t").on_path("/search");
        check(&tag, "/search?q=x", false);
        check(&tag, "/other?q=x", true);
        check(&tag, "/search/../other?q=x", true);
        let field = Exclusion::tag("t").for_target("ARGS:q");
        check(&field, "/?q=x", false);
        check(&field, "/?p=x", true);
    }

    #[test]
    fn text_that_would_end_its_place_is_refused() {
        for text in ["a\"", "a,deny", "a'b", "a\nSecRuleEngine Off"] {
            assert_eq!(Exclusion::tag(text).directive(1), None, "{text}");
        }
    }
}
