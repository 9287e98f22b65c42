//! Budgets, prices and rules as the gateway works with them.
//!
//! [`BudgetPolicy`] is read once, at start and at each reload. A value that cannot be used is an error of the
//! configuration with its line, so nothing here fails while requests are served.

use std::{path::PathBuf, sync::Arc};

use palisade::{
    config::{Config, ConfigFileError},
    core::Rejection,
};
use palisade_rate_limit::CalendarWindow;

use super::{
    model_rule::{self, ModelRule},
    price::{Price, PriceEntry},
    refusal,
    section::{
        BudgetSection, MeteringSection, ModelRuleSection, PriceSection, SpeechSection,
        TranscriptionSection,
    },
    speech::SpeechRule,
    speech_values,
    transcription::TranscriptionRule,
    transcription_values,
    unit::{By, Unit},
    values,
};
use crate::{
    pattern::{Pattern, first_match},
    problem::Place,
};

/// All budgets of a gateway, and what they need to count.
#[derive(Clone, Debug)]
pub(crate) struct BudgetPolicy {
    /// All budgets. A request is charged to each that counts it, or to none.
    pub(super) budgets: Vec<Arc<Budget>>,
    /// Prices in the order of the file: the first that names a model counts.
    prices: Vec<PriceEntry>,
    /// Rules of models: all that name a request apply.
    rules: Vec<ModelRule>,
    /// Paths that speak a text: the first that names a path counts.
    speech: Vec<SpeechRule>,
    /// Paths that write down sound: the first that names a path counts.
    transcriptions: Vec<TranscriptionRule>,
    /// How tokens are counted.
    pub(super) metering: Metering,
    /// The file of the counters, without a shared store.
    pub(crate) file: PathBuf,
}

/// One budget.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// Its name in responses, metrics and the store.
    pub(super) name: Arc<str>,
    /// What it counts.
    pub(super) unit: Unit,
    /// Units of one window; money in millionths, seconds of audio in milliseconds.
    pub(super) amount: u64,
    /// When it begins again.
    pub(super) window: CalendarWindow,
    /// Whose counters are separate.
    pub(super) by: By,
    /// Empty: all.
    pub(super) models: Vec<Pattern>,
}

/// How tokens are counted.
#[derive(Clone, Debug)]
pub(super) struct Metering {
    /// Tokens out of a request without a limit. Default: 4,096.
    pub(super) max_tokens: u64,
    /// Tokens in that the upstream adds to each request. Default: 1,024.
    pub(super) overhead_tokens: u64,
    /// Tokens in for each file, image or earlier response that a request names. Default: 131,072.
    pub(super) reference_tokens: u64,
    /// The longest body in bytes. Default: 4 MiB.
    pub(super) max_body: usize,
    /// Paths without tokens. Default: none.
    pub(super) free_paths: Vec<Pattern>,
    /// The field with the limit of tokens out in a chat. Default: `max_tokens`.
    pub(super) output_field: &'static str,
    /// Whether `stream_options.include_usage` is set in streams. Default: yes.
    pub(super) ask_for_usage: bool,
}

/// Whom a counter is for: the sort of name, and the name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct CounterSubject {
    /// What the name belongs to, such as `owner` or `api_key`.
    pub(super) kind: &'static str,
    /// The identifier within the kind.
    pub(super) id: String,
}

impl BudgetPolicy {
    /// Reads the sections of the budgets. `None`: the file has neither budgets nor rules of models.
    ///
    /// # Errors
    ///
    /// A value cannot be used. The error names line, key and remedy.
    pub(crate) fn from_config(config: &Config) -> Result<Option<Self>, ConfigFileError> {
        let place = Place::in_file_of(config);
        let budgets: Vec<BudgetSection> = config.section("budgets")?;
        let prices: Vec<PriceSection> = config.section("prices")?;
        let rules: Vec<ModelRuleSection> = config.section("model_rules")?;
        let speech: Vec<SpeechSection> = config.section("speech")?;
        let transcriptions: Vec<TranscriptionSection> = config.section("transcriptions")?;
        let metering: MeteringSection = config.section("metering")?;
        if budgets.is_empty() && rules.is_empty() {
            return values::nothing_to_meter(config, place).map(|()| None);
        }
        let file = metering.file.as_ref().map(|file| file.get_ref().as_str());
        let policy = Self {
            budgets: values::read_budgets(&budgets, &prices, &speech, &transcriptions, place)?,
            prices: values::read_prices(&prices, place)?,
            rules: values::read_rules(&rules, place)?,
            speech: speech_values::read_speech(&speech, place)?,
            transcriptions: transcription_values::read_transcriptions(&transcriptions, place)?,
            file: config.path(file.unwrap_or("budgets.log")),
            metering: values::read_metering(&metering, place)?,
        };
        Ok(Some(policy))
    }

    /// Returns whether there is something to count. Rules of models alone need no counters.
    pub(crate) fn has_budgets(&self) -> bool {
        !self.budgets.is_empty()
    }

    /// Returns whether something counts tokens or models, so that requests must be read.
    pub(super) fn reads_models(&self) -> bool {
        let reads = |budget: &Arc<Budget>| budget.unit.is_of_tokens() || !budget.models.is_empty();
        !self.rules.is_empty() || self.budgets.iter().any(reads)
    }

    /// Returns whether something counts sound or texts that are spoken, so that they must be found.
    pub(super) fn reads_speech(&self) -> bool {
        let mut budgets = self.budgets.iter();
        let has_paths = !self.speech.is_empty() || !self.transcriptions.is_empty();
        has_paths && budgets.any(|budget| budget.unit.is_of_speech())
    }

    /// Returns what a path speaks. `None`: it speaks nothing.
    pub(super) fn speech_at(&self, path: &str) -> Option<&SpeechRule> {
        self.speech.iter().find(|rule| rule.path.matches(path))
    }

    /// Returns whether a query has a text that some path would speak.
    pub(super) fn has_text(&self, query: Option<&str>) -> bool {
        self.reads_speech() && self.speech.iter().any(|rule| rule.is_in_query(query))
    }

    /// Returns what a path writes down. `None`: it takes no sound.
    pub(super) fn transcription_at(&self, path: &str) -> Option<&TranscriptionRule> {
        let mut rules = self.transcriptions.iter();
        rules.find(|rule| rule.path.matches(path))
    }

    /// Checks the model of a request that has to do with sound. It may have none, unless names of models decide.
    ///
    /// # Errors
    ///
    /// 403: a rule does not allow the model, no budget would count it, or a budget of money counts it without a price.
    pub(super) fn check_sound(
        &self,
        has_price: bool,
        model: &str,
        principal: &str,
        owner: &str,
        path: &str,
    ) -> Result<(), Box<Rejection>> {
        let counting = self
            .budgets
            .iter()
            .filter(|budget| budget.unit.is_of_speech());
        let names = |budget: &Arc<Budget>| {
            budget.models.is_empty() || first_match(&budget.models, model).is_some()
        };
        let is_named = self.rules.iter().any(|rule| !rule.models.is_empty())
            || self.budgets.iter().any(|budget| !budget.models.is_empty());
        let is_counted = counting.clone().next().is_none() || counting.clone().any(names);
        if (model.is_empty() && is_named) || !is_counted {
            return Err(refusal::model_not_allowed());
        }
        let mut paid = counting.filter(|budget| budget.unit == Unit::Money && names(budget));
        if !has_price && paid.next().is_some() {
            return Err(refusal::model_not_priced());
        }
        model_rule::check_model(&self.rules, model, principal, owner, path).map(drop)
    }

    /// Returns whether a path costs no tokens.
    pub(super) fn is_free(&self, path: &str) -> bool {
        first_match(&self.metering.free_paths, path).is_some()
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
        if (model.is_empty() && self.names_models()) || !self.counts_model(model) {
            return Err(refusal::model_not_allowed());
        }
        model_rule::check_model(&self.rules, model, principal, owner, path)
    }

    /// Returns whether a budget counts money.
    pub(super) fn has_money(&self) -> bool {
        self.budgets.iter().any(|budget| budget.unit == Unit::Money)
    }

    /// Refuses requests that name further models, where rules, budgets or prices name models: none of them sees those.
    ///
    /// # Errors
    ///
    /// 400: the request names some.
    pub(super) fn check_further_models(&self, are_named: bool) -> Result<(), Box<Rejection>> {
        match are_named && self.names_models() {
            true => Err(refusal::further_models()),
            false => Ok(()),
        }
    }

    /// Returns whether seconds of sound are counted.
    pub(super) fn counts_seconds(&self) -> bool {
        let mut budgets = self.budgets.iter();
        budgets.any(|budget| budget.unit == Unit::AudioSeconds)
    }

    /// Returns whether something depends on the name of a model.
    fn names_models(&self) -> bool {
        !self.prices.is_empty()
            || self.rules.iter().any(|rule| !rule.models.is_empty())
            || self.budgets.iter().any(|budget| !budget.models.is_empty())
    }

    /// Returns whether a budget of tokens or money counts a model. Without such a budget, none has to.
    fn counts_model(&self, model: &str) -> bool {
        let mut budgets = self
            .budgets
            .iter()
            .filter(|budget| budget.unit.is_of_tokens());
        let names = |budget: &Arc<Budget>| {
            budget.models.is_empty() || first_match(&budget.models, model).is_some()
        };
        budgets.clone().next().is_none() || budgets.any(names)
    }

    /// Returns the price of a model. Without a budget of money it may have none.
    ///
    /// # Errors
    ///
    /// 403: a budget of money counts it, and no price names it.
    pub(super) fn price_of(&self, model: &str) -> Result<Price, Box<Rejection>> {
        let named = |entry: &&PriceEntry| first_match(&entry.models, model).is_some();
        if let Some(entry) = self.prices.iter().find(named) {
            return Ok(entry.price);
        }
        let needs_one = |budget: &Arc<Budget>| {
            let counts = budget.models.is_empty() || first_match(&budget.models, model).is_some();
            budget.unit == Unit::Money && counts
        };
        match self.budgets.iter().any(needs_one) {
            true => Err(refusal::model_not_priced()),
            false => Ok(Price::default()),
        }
    }

    /// Describes each budget in words, for `palisade gateway explain`.
    pub(crate) fn described_budgets(&self) -> impl Iterator<Item = String> {
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
    pub(super) fn subject_of(
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
            (Some(model), patterns) => Some(first_match(patterns, model)?),
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
        let subject =
            |principal, owner| budget.subject_of(principal, owner, "", Some("m")).unwrap();
        for name in ["api_key:anna", "guest"] {
            assert_ne!(subject(name, None), subject("api_key:ben", Some(name)));
        }
        assert_eq!(
            subject("api_key:anna", Some("acme")),
            subject("api_key:ben", Some("acme"))
        );
    }
}
