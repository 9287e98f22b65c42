//! `[trace]`: the trace of each request.

use std::num::NonZeroU32;

use palisade_core::TraceLayer;

use crate::config::{Config, ConfigFileError};
use crate::shield::ShieldBuilder;

/// The largest `one_of`.
const RAREST: u64 = 1_000_000;

impl Config {
    /// Adds the guard, if the file has the section. The span has no principal if the trail has pseudonyms.
    ///
    /// # Errors
    ///
    /// `one_of` is out of range, or traces are accepted from proxies and none is named.
    pub(in crate::config) fn trace(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let Some(section) = &self.document.trace else {
            return Ok(shield);
        };
        let mut layer = TraceLayer::builder();
        if let Some(accepts) = &section.accept_from_proxies
            && *accepts.get_ref()
        {
            if self.document.client.proxies.is_empty() {
                let problem = "no proxy is trusted, so no trace would be accepted";
                let remedy = "name the proxies in `proxies` of `[client]`, or remove it";
                return Err(self.source.at(accepts, problem, remedy));
            }
            layer = layer.accept_from_proxies();
        }
        let rarity: Option<u32> = self.number(&section.one_of, 1, RAREST)?;
        if let Some(one_of) = rarity.and_then(NonZeroU32::new) {
            layer = layer.record_one_of(one_of);
        }
        let audit = self.document.audit.as_ref();
        let pseudonyms = audit.and_then(|audit| audit.pseudonymize_principals.as_ref());
        if pseudonyms.is_some_and(|set| *set.get_ref()) {
            layer = layer.without_principal();
        }
        Ok(shield.trace(layer.build()))
    }
}
