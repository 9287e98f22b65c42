//! One look at what an issuer publishes, for tools that say why its tokens are refused.

use std::time::Duration;

use serde_json::Value;

use super::{
    JwksUrl,
    endpoint::Endpoint,
    fetch::{self, FetchError, FetchedDocument},
    location::{Location, key_set_url},
    refresh::Shared,
};
use crate::{error::JwtBuildError, keys::KeySet, token::json};

/// What an issuer published at one moment. Made by [`JwksUrl::probe`].
///
/// What could not be fetched is `None`, and [`problem`](Self::problem) says why.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IssuerReport {
    /// The metadata. `None` also if the source is the address of a key set.
    pub metadata: Option<IssuerMetadata>,
    /// The address of the key set, without user and query.
    pub keys_url: Option<Box<str>>,
    /// The keys, also if none of them can be used.
    pub keys: Option<KeySet>,
    /// How long the keys may be kept, as the issuer says (`Cache-Control: max-age`). The bounds of
    /// the source apply in addition.
    pub max_age: Option<Duration>,
    /// The `Date` of the last response, as it was sent (RFC 9110 section 6.6.1).
    pub date: Option<Box<str>>,
    /// Why the service has no usable keys, by the code in its log: `status`, `tls`,
    /// `metadata_of_another_issuer`, … `None`: it has some.
    pub problem: Option<&'static str>,
}

/// What the metadata of an issuer says (OpenID Connect Discovery 1.0 section 3; RFC 8414 section 2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuerMetadata {
    /// The address that it was fetched from, without user and query.
    pub url: Box<str>,
    /// `issuer`. If it is another one than that of the source, the metadata is not used.
    pub issuer: Option<Box<str>>,
    /// `jwks_uri`.
    pub jwks_uri: Option<Box<str>>,
}

impl JwksUrl {
    /// Fetches once what the issuer publishes, at most for the timeout, and reports what was seen.
    /// The keys that the source uses do not change.
    ///
    /// For tools: a service uses [`warm_up`](Self::warm_up) and [`known`](Self::known).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), palisade_jwt::JwtBuildError> {
    /// let report = palisade_jwt::JwksUrl::discover("https://login.example")?.probe().await;
    /// if let Some(problem) = report.problem {
    ///     eprintln!("tokens of this issuer are refused: {problem}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn probe(&self) -> IssuerReport {
        let mut report = IssuerReport::default();
        let look = report.look(&self.0);
        let outcome = match tokio::time::timeout(self.0.limits.timeout, look).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout),
        };
        report.problem = outcome.err().map(FetchError::code);
        report
    }
}

impl IssuerReport {
    /// Fetches the metadata, if there is any, and the keys.
    async fn look(&mut self, source: &Shared) -> Result<(), FetchError> {
        let largest = source.limits.largest;
        let from_metadata;
        let endpoint = match &source.location {
            Location::KeySet(endpoint) => endpoint,
            Location::Metadata {
                issuer,
                document,
                options,
            } => {
                let fetched = fetch::get(document, largest).await?;
                self.read_metadata(document, &fetched);
                let url = key_set_url(&fetched.body, issuer)?;
                let endpoint = Endpoint::new(&url, options);
                from_metadata = endpoint.map_err(|_| FetchError::KeySetAddress)?;
                &from_metadata
            }
        };
        self.keys_url = Some(endpoint.redacted().into());
        let fetched = fetch::get(endpoint, largest).await?;
        self.date = fetched.date.clone();
        self.max_age = fetched.max_age;
        self.read_keys(source, &fetched)
    }

    fn read_metadata(&mut self, document: &Endpoint, fetched: &FetchedDocument) {
        self.date = fetched.date.clone();
        let members = json::object(&fetched.body).unwrap_or_default();
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(Into::into);
        self.metadata = Some(IssuerMetadata {
            url: document.redacted().into(),
            issuer: text("issuer"),
            jwks_uri: text("jwks_uri"),
        });
    }

    fn read_keys(&mut self, source: &Shared, fetched: &FetchedDocument) -> Result<(), FetchError> {
        let text = str::from_utf8(&fetched.body).map_err(|_| FetchError::NotAKeySet)?;
        // Without usable keys too: the report says why each was skipped.
        let keys = source.reader.parse(text, true);
        let keys = keys.map_err(|_: JwtBuildError| FetchError::NotAKeySet)?;
        let is_empty = keys.keys().len() == 0;
        self.keys = Some(keys);
        match is_empty {
            true => Err(FetchError::NoKeys),
            false => Ok(()),
        }
    }
}
