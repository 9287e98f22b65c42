//! Budgets, prices and rules as the gateway works with them.

use std::{path::PathBuf, sync::Arc};

use palisade::{
    config::{Config, ConfigFileError},
    core::Rejection,
};
use palisade_rate_limit::CalendarWindow;

use super::{
    model_rule::{self, ModelRule},
    pattern::{Pattern, first},
    price::{Money, Price, PriceEntry},
    refusal,
    section::{BudgetSection, MeteringSection, ModelRuleSection, PriceSection},
    values,
};
use crate::problem::Place;

/// All budgets of a gateway, and what they need to count.
#[derive(Clone, Debug)]
pub(crate) struct BudgetPolicy {
    pub(super) budgets: Vec<Arc<Budget>>,
    prices: Vec<PriceEntry>,
    rules: Vec<ModelRule>,
    pub(super) metering: Metering,
    /// The file of the counters, without a shared store.
    pub(crate) file: PathBuf,
}

/// One budget.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) name: Arc<str>,
    pub(super) unit: Unit,
    /// Units of one window; money in millionths.
    pub(super) amount: u64,
    pub(super) window: CalendarWindow,
    pub(super) by: By,
    /// Empty: all.
    pub(super) models: Vec<Pattern>,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    Money,
    Requests,
    Tokens,
    TokensIn,
    TokensOut,
}

/// Whom a budget counts apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Everyone,
    /// The pattern of `models`, never the name that a client sent: clients could make counters.
    Model,
    Owner,
    Principal,
    Upstream,
}

/// How tokens are counted.
#[derive(Clone, Debug)]
pub(super) struct Metering {
    pub(super) max_tokens: u64,
    pub(super) overhead_tokens: u64,
    pub(super) reference_tokens: u64,
    pub(super) max_body: usize,
    pub(super) free_paths: Vec<Pattern>,
    pub(super) output_field: &'static str,
    pub(super) ask_for_usage: bool,
}

/// Whom a counter is for: the sort of name, and the name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct CounterSubject {
    pub(super) kind: &'static str,
    pub(super) id: String,
}

impl BudgetPolicy {
    /// Reads the sections of the budgets. `None`: the file has neither budgets nor rules of models.
    ///
    /// # Errors
    ///
    /// A value cannot be used. The error names line, key and remedy.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, ConfigFileError> {
        let place = Place::of(config);
        let budgets: Vec<BudgetSection> = config.section("budgets")?;
        let prices: Vec<PriceSection> = config.section("prices")?;
        let rules: Vec<ModelRuleSection> = config.section("model_rules")?;
        let metering: MeteringSection = config.section("metering")?;
        if budgets.is_empty() && rules.is_empty() {
            return values::nothing_to_meter(config, place).map(|()| None);
        }
        let file = metering.file.as_ref().map(|file| file.get_ref().as_str());
        let policy = Self {
            budgets: values::budgets(&budgets, !prices.is_empty(), place)?,
            prices: values::prices(&prices, place)?,
            rules: values::rules(&rules, place)?,
            file: config.path(file.unwrap_or("budgets.log")),
            metering: values::metering(&metering, place)?,
        };
        Ok(Some(policy))
    }

    /// Returns whether there is something to count. Rules of models alone need no counters.
    pub(crate) fn has_budgets(&self) -> bool {
        !self.budgets.is_empty()
    }

    /// Returns whether something counts tokens or models, so that requests must be read.
    pub(super) fn reads_models(&self) -> bool {
        let reads =
            |budget: &Arc<Budget>| budget.unit != Unit::Requests || !budget.models.is_empty();
        !self.rules.is_empty() || self.budgets.iter().any(reads)
    }

    /// Returns whether a path costs no tokens.
    pub(super) fn is_free(&self, path: &str) -> bool {
        first(&self.metering.free_paths, path).is_some()
    }

    /// Checks a model, and returns the greatest number of tokens out, if a rule sets one.
    ///
    /// # Errors
    ///
    /// 403: a rule does not allow the model, no budget would count it, or it has no name although names
    /// decide.
    pub(super) fn check_model(
        &self,
        model: &str,
        principal: &str,
        owner: &str,
        path: &str,
    ) -> Result<Option<u64>, Box<Rejection>> {
        if (model.is_empty() && self.names_models()) || !self.counts(model) {
            return Err(refusal::model_not_allowed());
        }
        model_rule::check(&self.rules, model, principal, owner, path)
    }

    /// Returns whether a budget counts money.
    pub(super) fn has_money(&self) -> bool {
        self.budgets.iter().any(|budget| budget.unit == Unit::Money)
    }

    /// Returns whether something depends on the name of a model.
    fn names_models(&self) -> bool {
        !self.prices.is_empty()
            || self.rules.iter().any(|rule| !rule.models.is_empty())
            || self.budgets.iter().any(|budget| !budget.models.is_empty())
    }

    /// Returns whether a budget of tokens or money counts a model. Without such a budget, none has to.
    fn counts(&self, model: &str) -> bool {
        let mut budgets = self
            .budgets
            .iter()
            .filter(|budget| budget.unit != Unit::Requests);
        let names = |budget: &Arc<Budget>| {
            budget.models.is_empty() || first(&budget.models, model).is_some()
        };
        budgets.clone().next().is_none() || budgets.any(names)
    }

    /// Returns the price of a model. Without a budget of money it may have none.
    ///
    /// # Errors
    ///
    /// 403: a budget of money counts it, and no price names it.
    pub(super) fn price(&self, model: &str) -> Result<Price, Box<Rejection>> {
        let named = |entry: &&PriceEntry| first(&entry.models, model).is_some();
        if let Some(entry) = self.prices.iter().find(named) {
            return Ok(entry.price);
        }
        let needs_one = |budget: &Arc<Budget>| {
            let counts = budget.models.is_empty() || first(&budget.models, model).is_some();
            budget.unit == Unit::Money && counts
        };
        match self.budgets.iter().any(needs_one) {
            true => Err(refusal::model_not_priced()),
            false => Ok(Price::default()),
        }
    }

    /// Describes each budget in words, for `palisade gateway explain`.
    pub(crate) fn described(&self) -> impl Iterator<Item = String> {
        self.budgets.iter().map(|budget| {
            let Budget { name, unit, .. } = &**budget;
            let amount = unit.format_units(budget.amount);
            let (unit, by) = (unit.name(), budget.by.name());
            let window = budget.window.period().name();
            format!("  {name}: {amount} {unit} a {window}, by {by}")
        })
    }
}

impl Budget {
    /// Returns whom a request is counted for. `None`: this budget does not count it.
    ///
    /// `model` is `None` for a request that costs no tokens. Without an owner, a principal has a counter of
    /// the kind `principal`: an owner with the same name has another one.
    pub(super) fn subject(
        &self,
        principal: &str,
        owner: Option<&str>,
        upstream: &str,
        model: Option<&str>,
    ) -> Option<CounterSubject> {
        let pattern = match (model, self.models.as_slice()) {
            (None, []) if self.unit == Unit::Requests => None,
            (None, _) => return None,
            (Some(_), []) => None,
            (Some(model), patterns) => Some(first(patterns, model)?),
        };
        let (by, id) = match (self.by, owner) {
            (By::Owner, Some(owner)) => (By::Owner, owner),
            (By::Owner | By::Principal, _) => (By::Principal, principal),
            (By::Everyone, _) => (By::Everyone, ""),
            (By::Model, _) => (By::Model, pattern?.as_str()),
            (By::Upstream, _) => (By::Upstream, upstream),
        };
        Some(CounterSubject {
            kind: by.name(),
            id: id.to_owned(),
        })
    }
}

impl Unit {
    /// All units with their names in the file.
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("requests", Self::Requests),
        ("tokens", Self::Tokens),
        ("tokens_in", Self::TokensIn),
        ("tokens_out", Self::TokensOut),
        ("money", Self::Money),
    ];

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, unit)| *unit == self);
        named.map_or("", |(name, _)| name)
    }

    /// Writes units for people: money as a decimal number.
    pub(super) fn format_units(self, units: u64) -> String {
        match self {
            Self::Money => Money(units).to_string(),
            _ => units.to_string(),
        }
    }
}

impl By {
    /// All subjects with their names in the file.
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("principal", Self::Principal),
        ("owner", Self::Owner),
        ("model", Self::Model),
        ("upstream", Self::Upstream),
        ("everyone", Self::Everyone),
    ];

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, by)| *by == self);
        named.map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_owner_with_the_name_of_a_principal_has_a_counter_of_its_own() {
        let budget = Budget {
            name: "a".into(),
            unit: Unit::Tokens,
            amount: 1,
            window: CalendarWindow::month("UTC").unwrap(),
            by: By::Owner,
            models: Vec::new(),
        };
        let subject = |principal, owner| budget.subject(principal, owner, "", Some("m")).unwrap();
        for name in ["api_key:anna", "guest"] {
            assert_ne!(subject(name, None), subject("api_key:ben", Some(name)));
        }
        assert_eq!(
            subject("api_key:anna", Some("acme")),
            subject("api_key:ben", Some("acme"))
        );
    }
}
