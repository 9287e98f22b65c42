//! The keys of the issuers of `[[tokens]]`, and the list of revoked tokens. Each is opened once, also if
//! several resources use it.

use std::{path::PathBuf, time::Duration};

use palisade_jwt::{IssuerKeys, JwksFile, revocation::RevokedTokensFile};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    document::Tokens,
    keys::LONGEST_STALE_MINUTES,
    values::numbers::{Number, TimeUnit},
};

/// The largest `jwks_lifetime_minutes`: a day.
#[cfg(feature = "jwks-url")]
const DAY_IN_MINUTES: u64 = 24 * 60;

/// Why keys in a file have no key about fetching.
const NOTHING_FETCHED: &str = "nothing is fetched for keys in a file";
/// What to do then.
const REMEDY: &str = "remove it, or write jwks_url or discovery = true in place of jwks_file";

/// A section and the keys of its issuer.
pub(in crate::config) struct OpenedIssuer<'a> {
    pub(in crate::config) section: &'a Tokens,
    pub(in crate::config) keys: IssuerKeys,
}

impl Config {
    /// Opens the keys of an issuer.
    ///
    /// # Errors
    ///
    /// There is no source of keys or several, or the keys cannot be read.
    pub(in crate::config) fn open_issuer<'a>(
        &self,
        section: &'a Tokens,
    ) -> Result<OpenedIssuer<'a>, ConfigFileError> {
        // The audience has no effect on the address of the keys.
        let audience = section.audience.as_ref().map(|it| it.get_ref().as_str());
        let audience = audience.or_else(|| self.resources().next());
        let preset = self.token_preset(section, audience.unwrap_or_default())?;
        let keys = match (&section.jwks_file, &section.jwks_url, &preset) {
            (Some(file), None, _) if !section.discovery => self.jwks_file(file, section)?,
            (None, Some(url), _) if !section.discovery => self.jwks_url(url, section)?,
            (None, None, _) if section.discovery => self.jwks_url(&section.issuer, section)?,
            (None, None, Some(preset)) => {
                let url = preset.jwks_url().to_owned();
                self.jwks_url(&Spanned::new(section.issuer.span(), url), section)?
            }
            _ => {
                let remedy = "write one of jwks_file = \"jwks.json\", jwks_url = \"https://..\" and discovery = true";
                return Err(self
                    .source
                    .at(&section.issuer, "it needs one source of keys", remedy));
            }
        };
        Ok(OpenedIssuer { section, keys })
    }

    /// Opens the list of revoked tokens.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(in crate::config) fn revocation_list(
        &self,
    ) -> Result<Option<RevokedTokensFile>, ConfigFileError> {
        let Some(revoked) = &self.document.revoked_tokens else {
            return Ok(None);
        };
        let opened = RevokedTokensFile::open(self.path(revoked.file.get_ref()));
        opened.map(Some).map_err(|problem| {
            let remedy = "make it with `palisade token revoke --list FILE`";
            self.source.at(&revoked.file, problem, remedy)
        })
    }

    /// Reads the largest step back of the clock that is ignored. It is one value for all issuers:
    /// they share one clock.
    ///
    /// # Errors
    ///
    /// Two issuers have different values, or one is out of range.
    pub(in crate::config) fn clock_step(&self) -> Result<Option<Duration>, ConfigFileError> {
        let mut sections = self.document.tokens.iter();
        let steps = sections
            .by_ref()
            .map(|tokens| &tokens.max_clock_step_minutes);
        let steps: Vec<_> = steps.filter(|step| step.is_some()).collect();
        let Some(first) = steps.first() else {
            return Ok(None);
        };
        let value = |step: &Number| step.as_ref().map(|step| *step.get_ref());
        let other = steps.iter().find(|step| value(step) != value(first));
        if let Some(Some(other)) = other {
            let problem = "another issuer has another value, and all share one clock";
            return Err(self.source.at(other, problem, "write it once"));
        }
        self.time(first, TimeUnit::Minutes, LONGEST_STALE_MINUTES)
    }

    /// Reads how long the last keys stay valid while they cannot be read. `None`: the default of the source.
    ///
    /// # Errors
    ///
    /// It is out of range.
    fn max_stale_age(&self, tokens: &Tokens) -> Result<Option<Duration>, ConfigFileError> {
        let minutes = &tokens.max_stale_minutes;
        self.time(minutes, TimeUnit::Minutes, LONGEST_STALE_MINUTES)
    }

    /// Opens a key set in a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a key is there that is for addresses only.
    fn jwks_file(
        &self,
        file: &Spanned<PathBuf>,
        tokens: &Tokens,
    ) -> Result<IssuerKeys, ConfigFileError> {
        let mut keys = JwksFile::builder(self.path(file.get_ref()))
            .empty_set_revokes(tokens.empty_set_revokes);
        if let Some(age) = self.max_stale_age(tokens)? {
            keys = keys.max_stale_age(age);
        }
        if let Some(minutes) = &tokens.jwks_lifetime_minutes {
            let remedy = "remove it: the file is read again when it changes";
            let problem = "a file of keys has no lifetime";
            return Err(self.source.at(minutes, problem, remedy));
        }
        if let Some(file) = &tokens.trust_anchors {
            return Err(self.source.at(file, NOTHING_FETCHED, REMEDY));
        }
        let switches = [
            &tokens.oauth_metadata,
            &tokens.dangerously_allow_loopback_http,
        ];
        let mut switched_on = switches.into_iter().filter_map(|switch| is_on(switch));
        if let Some(switch) = switched_on.next() {
            return Err(self.source.at(switch, NOTHING_FETCHED, REMEDY));
        }
        let keys = keys.open().map_err(|problem| {
            let remedy = "name a file with a JSON Web Key Set (RFC 7517)";
            self.source.at(file, problem, remedy)
        })?;
        Ok(keys.into())
    }

    /// Starts to fetch a key set in the background. A server that does not respond is no error
    /// here.
    ///
    /// # Errors
    ///
    /// A key cannot be used, or the address is not `https`.
    #[cfg(feature = "jwks-url")]
    fn jwks_url(
        &self,
        url: &Spanned<String>,
        tokens: &Tokens,
    ) -> Result<IssuerKeys, ConfigFileError> {
        let mut source = match tokens.discovery {
            true => palisade_jwt::JwksUrl::discovery_builder(url.get_ref()),
            false => palisade_jwt::JwksUrl::builder(url.get_ref()),
        }
        .empty_set_revokes(tokens.empty_set_revokes);
        if let Some(age) = self.max_stale_age(tokens)? {
            source = source.hard_age(age);
        }
        if let Some(lifetime) = self.time(
            &tokens.jwks_lifetime_minutes,
            TimeUnit::Minutes,
            DAY_IN_MINUTES,
        )? {
            source = source.lifetime(lifetime);
        }
        if let Some(pem) = self.pem(tokens.trust_anchors.as_ref())? {
            source = source.trust_anchors(pem);
        }
        if is_on(&tokens.dangerously_allow_loopback_http).is_some() {
            source = source.dangerously_allow_loopback_http();
        }
        source = match is_on(&tokens.oauth_metadata) {
            None => source,
            Some(_) if tokens.discovery => source.oauth_metadata(),
            Some(key) => {
                let problem = "no metadata is read";
                return Err(self.source.at(key, problem, "add discovery = true"));
            }
        };
        let source = source.build().map_err(|problem| {
            let remedy = "write an address that begins with https://, and max_stale_minutes of at least jwks_lifetime_minutes (default: 10)";
            self.source.at(url, problem, remedy)
        })?;
        source.keep_fresh();
        Ok(source.into())
    }

    /// Refuses the key: this build cannot fetch.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(feature = "jwks-url"))]
    fn jwks_url(&self, url: &Spanned<String>, _: &Tokens) -> Result<IssuerKeys, ConfigFileError> {
        let remedy = "build with the feature `jwks-url`, or write jwks_file";
        Err(self.source.at(url, "this build cannot fetch keys", remedy))
    }
}

/// Returns a switch that is on.
fn is_on(switch: &Option<Spanned<bool>>) -> Option<&Spanned<bool>> {
    switch.as_ref().filter(|switch| *switch.get_ref())
}
