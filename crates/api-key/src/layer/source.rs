//! Where a request may carry a key: a header, `Authorization: Bearer`, and, if configured, a query
//! parameter.

use http::{HeaderName, header, request};
use palisade_core::{CredentialSource, TokenShape};

use crate::{key::KeyFormat, layer::ApiKeyBuildError};

/// Headers with another meaning. Keys are not read from them.
const RESERVED: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::HOST];

/// The places that keys are read from.
#[derive(Clone, Debug)]
pub(super) struct KeySources {
    /// Default: `X-API-Key`.
    pub(super) header: HeaderName,
    /// What bearer tokens begin with that are keys of another system.
    pub(super) imported_prefix: Option<Box<str>>,
    /// The query parameter, if keys in URLs are read.
    pub(super) parameter: Option<Box<str>>,
}

impl KeySources {
    /// Refuses a header of another meaning, and a parameter that a URL escapes.
    pub(super) fn check_names(&self) -> Result<(), ApiKeyBuildError> {
        if RESERVED.contains(&self.header) {
            return Err(ApiKeyBuildError::Header);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let is_prefix = |prefix: &str| !prefix.is_empty() && prefix.bytes().all(plain);
        if !self.imported_prefix.as_deref().is_none_or(is_prefix) {
            return Err(ApiKeyBuildError::ImportedPrefix);
        }
        match &self.parameter {
            Some(name) if name.is_empty() || !name.bytes().all(plain) => {
                Err(ApiKeyBuildError::Parameter)
            }
            _ => Ok(()),
        }
    }

    /// Lists the sources for the core, which reads them.
    ///
    /// Of bearer tokens only those with the prefix of the keys are read; others are for other
    /// authenticators.
    pub(super) fn credential_sources(&self, format: &KeyFormat) -> Vec<CredentialSource> {
        let mut sources = vec![
            CredentialSource::header(self.header.clone()),
            CredentialSource::bearer(TokenShape::prefix(format.start())),
        ];
        let imported = self.imported_prefix.as_deref();
        sources.extend(imported.map(|prefix| CredentialSource::bearer(TokenShape::prefix(prefix))));
        let parameter = self.parameter.as_deref();
        sources.extend(parameter.map(CredentialSource::query_parameter));
        sources
    }

    /// Removes the query parameter from the copy of the URL that axum keeps. Without the feature
    /// `axum` there is no copy.
    pub(super) fn strip_original_uri(&self, head: &mut request::Parts) {
        #[cfg(feature = "axum")]
        if let Some(parameter) = self.parameter.as_deref() {
            super::original_uri::strip_parameter(head, parameter);
        }
        #[cfg(not(feature = "axum"))]
        let _ = head;
    }
}
