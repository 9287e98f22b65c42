//! What `[audit]` says about records: codes and pseudonyms under a key, and `[[audit.rules]]`.

use http::HeaderName;
use palisade_audit::{AuditKey, AuditLayerBuilder, AuditLevel as Level, AuditRule as Rule};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    document::{Audit, AuditLevel, AuditRule},
};

/// The largest `sample_successes`.
const MOST_SAMPLED: u64 = 1_000_000;
/// What is said about a key that needs another one.
const NEEDS_KEY: &str = "codes need a key";
const KEY_REMEDY: &str =
    "name a file with 32 or more random bytes in correlation_key, readable by this user alone";

impl From<AuditLevel> for Level {
    fn from(level: AuditLevel) -> Self {
        match level {
            AuditLevel::Fields => Self::Fields,
            AuditLevel::Metadata => Self::Metadata,
            AuditLevel::None => Self::None,
        }
    }
}

impl Config {
    /// Sets what is recorded of requests.
    ///
    /// # Errors
    ///
    /// A key is missing or cannot be read, a name is no header, or a rule would leave out refusals.
    pub(in crate::config) fn with_records(
        &self,
        audit: &Audit,
        mut layer: AuditLayerBuilder,
    ) -> Result<AuditLayerBuilder, ConfigFileError> {
        self.demand_correlation_key(audit)?;
        if let Some(key) = self.correlation_key(audit)? {
            layer = layer.correlation_key(key);
        }
        for header in &audit.correlate_headers {
            layer = layer.correlate_header(self.header(header)?);
        }
        for name in &audit.correlate_query {
            layer = layer.correlate_query(name.get_ref().as_str());
        }
        if audit.mask_client_address {
            layer = layer.mask_client_address();
        }
        if is_set(&audit.pseudonymize_principals) {
            layer = layer.pseudonymize_principals();
        }
        if is_set(&audit.pseudonymize_client_address) {
            layer = layer.pseudonymize_client_address();
        }
        for rule in &audit.rules {
            layer = layer.rule(self.audit_rule(rule)?);
        }
        Ok(layer)
    }

    /// Reads the key of codes. `None`: there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or others than its owner may read it.
    pub(in crate::config) fn correlation_key(
        &self,
        audit: &Audit,
    ) -> Result<Option<AuditKey>, ConfigFileError> {
        let Some(path) = &audit.correlation_key else {
            return Ok(None);
        };
        let key = AuditKey::from_file(self.path(path.get_ref()));
        key.map(Some)
            .map_err(|problem| self.source.at(path, problem, KEY_REMEDY))
    }

    /// Refuses what needs a key that is not there, at its place.
    fn demand_correlation_key(&self, audit: &Audit) -> Result<(), ConfigFileError> {
        if audit.correlation_key.is_some() {
            return Ok(());
        }
        let names = audit.correlate_headers.iter().chain(&audit.correlate_query);
        if let Some(name) = names.into_iter().next() {
            return Err(self.source.at(name, NEEDS_KEY, KEY_REMEDY));
        }
        for setting in [
            &audit.pseudonymize_principals,
            &audit.pseudonymize_client_address,
        ] {
            if let Some(place) = setting.as_ref().filter(|set| *set.get_ref()) {
                return Err(self.source.at(place, NEEDS_KEY, KEY_REMEDY));
            }
        }
        Ok(())
    }

    fn header(&self, name: &Spanned<String>) -> Result<HeaderName, ConfigFileError> {
        let parsed = name.get_ref().parse();
        parsed.map_err(|_| {
            let problem = "it is no name of a header";
            self.source
                .at(name, problem, "write a name such as x-device-id")
        })
    }

    /// Makes a rule of `[[audit.rules]]`.
    fn audit_rule(&self, rule: &AuditRule) -> Result<Rule, ConfigFileError> {
        let mut made = match (&rule.route, &rule.under) {
            (Some(_), Some(under)) => {
                let problem = "a rule is about one route, or about all under a path";
                return Err(self.source.at(under, problem, "remove route or under"));
            }
            (Some(route), None) => Rule::route(self.rooted(route)?),
            (None, Some(under)) => Rule::routes_under(self.rooted(under)?),
            (None, None) => Rule::any_route(),
        };
        if let Some(level) = rule.successes {
            made = made.successes(level.into());
        }
        if let Some(level) = self.kept_level(&rule.failures)? {
            made = made.failures(level);
        }
        if let Some(level) = self.kept_level(&rule.refusals)? {
            made = made.refusals(level);
        }
        if let Some(one_of) = self.number(&rule.sample_successes, 1, MOST_SAMPLED)? {
            made = made.sample_successes(one_of);
        }
        Ok(made)
    }

    fn rooted<'a>(&self, path: &'a Spanned<String>) -> Result<&'a str, ConfigFileError> {
        let text = path.get_ref().as_str();
        match text.starts_with('/') {
            true => Ok(text),
            false => {
                let problem = "it does not begin with a slash";
                Err(self
                    .source
                    .at(path, problem, "write a path such as /healthz"))
            }
        }
    }

    /// Reads the level of what is always recorded.
    fn kept_level(
        &self,
        level: &Option<Spanned<AuditLevel>>,
    ) -> Result<Option<Level>, ConfigFileError> {
        let Some(level) = level else {
            return Ok(None);
        };
        match level.get_ref() {
            AuditLevel::None => {
                let problem = "refusals and failures are always recorded";
                Err(self
                    .source
                    .at(level, problem, "write \"metadata\" or \"fields\""))
            }
            kept => Ok(Some((*kept).into())),
        }
    }
}

fn is_set(key: &Option<Spanned<bool>>) -> bool {
    key.as_ref().is_some_and(|set| *set.get_ref())
}
