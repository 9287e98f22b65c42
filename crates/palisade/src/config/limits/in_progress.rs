//! `[[concurrency]]` and `[load_shedding]`: guards inside the limits by client and by principal.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use palisade_core::Priority;
use palisade_rate_limit::{Adaptation, ConcurrencyLayer, Key, LimitStore, LoadShedLayer};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    document::{By, Concurrency, LoadShedding, RoutePriority},
};
use crate::shield::ShieldBuilder;

/// The largest number of requests in progress.
const MOST_REQUESTS: u64 = 1_000_000;
/// The largest `expiry_seconds`.
const LONGEST_EXPIRY: u64 = 600;
/// The largest `target_millis`.
const LONGEST_TARGET: u64 = 600_000;

impl From<RoutePriority> for Priority {
    fn from(priority: RoutePriority) -> Self {
        match priority {
            RoutePriority::Critical => Self::Critical,
            RoutePriority::Normal => Self::Normal,
            RoutePriority::Sheddable => Self::Sheddable,
        }
    }
}

impl Config {
    /// Adds the limits of concurrent requests to the shield. They count in the given store, so that requests in progress
    /// stay counted over a reload.
    ///
    /// # Errors
    ///
    /// Two have one name, a name or a number cannot be used, or the store keeps no permits.
    pub(in crate::config) fn concurrency_limits(
        &self,
        mut shield: ShieldBuilder,
        store: Option<&Arc<dyn LimitStore>>,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let sections = &self.document.concurrency;
        for (index, section) in sections.iter().enumerate() {
            let same = |other: &&Concurrency| other.name.get_ref() == section.name.get_ref();
            if sections.iter().take(index).any(|other| same(&other)) {
                let problem = "another limit of concurrent requests has this name";
                return Err(self.source.at(&section.name, problem, "write another name"));
            }
            shield = shield.guard(self.concurrency_limit(section, store)?);
        }
        Ok(shield)
    }

    fn concurrency_limit(
        &self,
        section: &Concurrency,
        store: Option<&Arc<dyn LimitStore>>,
    ) -> Result<ConcurrencyLayer, ConfigFileError> {
        let requests = self.requests(&section.requests, MOST_REQUESTS)?;
        let name = section.name.get_ref().as_str();
        let mut layer = ConcurrencyLayer::builder(name, requests).key(match section.by {
            By::Client => Key::client(),
            By::Owner => Key::owner(),
            By::Principal => Key::principal(),
        });
        if let Some(store) = store {
            layer = layer.store(Arc::clone(store));
        }
        if let Some(seconds) = self.number(&section.expiry_seconds, 1, LONGEST_EXPIRY)? {
            layer = layer.expiry(Duration::from_secs(seconds));
        }
        if let Some(mode) = section.when_store_fails {
            layer = layer.when_store_fails(mode.into());
        }
        if self.only_shadow {
            layer = layer.dangerously_only_shadow();
        }
        layer.build().map_err(|problem| {
            let remedy = "correct the section `concurrency`";
            self.source.at(&section.name, problem, remedy)
        })
    }

    /// Adds load shedding to the shield, inside all limits of clients.
    ///
    /// # Errors
    ///
    /// A number is out of range, or one of the two numbers of an adaptive limit is missing.
    pub(in crate::config) fn load_shedding(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let Some(section) = &self.document.load_shedding else {
            return Ok(shield);
        };
        let most = self.requests(&section.requests, MOST_REQUESTS)?;
        let mut layer = LoadShedLayer::builder(most);
        if let Some(adaptation) = self.adaptation(section, most)? {
            layer = layer.adaptive(adaptation);
        }
        for (tier, priority) in &section.tiers {
            layer = layer.tier(tier.as_str(), (*priority).into());
        }
        if self.only_shadow {
            layer = layer.dangerously_only_shadow();
        }
        let layer = layer.build().map_err(|problem| {
            let remedy = "correct the section `load_shedding`";
            self.source.at(&section.requests, problem, remedy)
        })?;
        Ok(shield.guard(layer))
    }

    fn adaptation(
        &self,
        section: &LoadShedding,
        most: NonZeroU32,
    ) -> Result<Option<Adaptation>, ConfigFileError> {
        let target = self.number(&section.target_millis, 1, LONGEST_TARGET)?;
        match (&section.least_requests, &section.target_millis, target) {
            (Some(least), _, Some(millis)) => {
                let least = self.requests(least, most.get().into())?;
                Ok(Some(Adaptation::new(least, Duration::from_millis(millis))))
            }
            (None, None, _) => Ok(None),
            (Some(one), ..) | (None, Some(one), _) => {
                let problem = "an adaptive limit needs both `least_requests` and `target_millis`";
                let remedy = "write for example least_requests = 20 and target_millis = 200";
                Err(self.source.at(one, problem, remedy))
            }
        }
    }

    /// Returns a number of requests from 1 to `most`.
    ///
    /// # Errors
    ///
    /// It is out of range.
    fn requests(&self, value: &Spanned<u64>, most: u64) -> Result<NonZeroU32, ConfigFileError> {
        let number = self.in_range(value, 1, most)?;
        Ok(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }
}
