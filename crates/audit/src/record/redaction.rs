//! Decides what may be recorded of a request head. Default: no header value but the host, no query value, no
//! body.
//!
//! The builder of the layer fills [`Redaction`] and checks it once. Chosen values are recorded as
//! HMAC codes, which show only that two values are equal, or in clear by a `dangerously_record_…`
//! option.
//!
//! # Names of secrets
//!
//! A header or parameter is never shown in clear if its name, in lower case and without punctuation, is one of a
//! short list (`auth`, `code`, `jwt`, `key`, `otp`, `pin`, `sid` …) or contains one of another (`apikey`, `bearer`,
//! `cookie`, `password`, `secret`, `session`, `token` …). The builder refuses such a setting; a code under a key is
//! allowed.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use http::{HeaderName, request};
use palisade_internal::percent::{decode_form, is_named, split_pair};

use super::correlation::Correlated;
use crate::{error::AuditBuildError, key::AuditKey};

/// The most bytes of a value that is recorded in clear.
const MAX_CLEAR_BYTES: usize = 256;
/// The most query parameters that are searched; more are ignored.
const MAX_PARAMETERS: usize = 64;
/// Names whose values are secrets, as a whole, without case and punctuation.
const SECRET_NAMES: [&str; 15] = [
    "accesskey",
    "assertion",
    "auth",
    "code",
    "hmac",
    "jwt",
    "key",
    "nonce",
    "otp",
    "pass",
    "pin",
    "pwd",
    "sid",
    "sig",
    "signature",
];
/// Parts of names whose values are secrets, without case and punctuation.
const SECRET_PARTS: [&str; 13] = [
    "apikey",
    "authoriz",
    "bearer",
    "cookie",
    "credential",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "session",
    "token",
];

/// The settings of what is recorded of a request head.
///
/// Filled by the builder of the layer, checked once when the layer is built, and read for each request. Nothing in
/// it can be changed afterwards, so no request can widen what is recorded of another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    /// Whether paths are recorded as they were sent. Default: false.
    pub(crate) raw_paths: bool,
    /// Paths of unknown routes are recorded shortened, and not as a code.
    pub(crate) unknown_paths: bool,
    /// The key of codes of paths: the correlation key, or one of this process.
    pub(crate) path_key: Option<AuditKey>,
    /// Whether client addresses are masked to 24 bits (IPv4) or 48 bits (IPv6). Default: false.
    pub(crate) mask_client: bool,
    /// Whether client addresses are recorded as pseudonyms. Default: false.
    pub(crate) client_pseudonyms: bool,
    /// Whether principals are recorded as pseudonyms, and texts that may name them not at all. Default: false.
    pub(crate) principal_pseudonyms: bool,
    /// The key of HMAC codes of fields.
    pub(crate) key: Option<AuditKey>,
    /// Headers and query parameters that the operator chose.
    pub(crate) fields: Vec<Field>,
}

/// A header or query parameter that is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Where its value comes from.
    pub(crate) source: FieldSource,
    /// How its value is recorded.
    pub(crate) form: FieldForm,
}

/// The source of a recorded value.
#[derive(Clone, Debug)]
pub(crate) enum FieldSource {
    /// A header. Of several values the first is recorded.
    Header(HeaderName),
    /// A query parameter, by its decoded name. Of several the first is recorded.
    Query(Box<str>),
}

/// The form in which a value is recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FieldForm {
    /// In clear, at most 256 bytes.
    Clear,
    /// As an HMAC code, which shows only that two values are equal.
    Correlated,
}

/// A value in the form in which it may be recorded.
#[derive(Clone, Debug)]
pub(crate) struct RedactedField {
    /// The index of the field in the settings.
    pub(crate) field: usize,
    /// The value in clear, or its code.
    pub(crate) value: String,
}

impl Redaction {
    /// Checks the settings when the layer is built.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::NoCorrelationKey`] if codes are wanted without a key, and
    /// [`AuditBuildError::SecretInClear`] for a name of a secret in clear.
    pub(crate) fn check(&self) -> Result<(), AuditBuildError> {
        let mut fields = self.fields.iter();
        let pseudonyms = self.client_pseudonyms || self.principal_pseudonyms;
        let has_codes = pseudonyms || fields.any(|field| field.form == FieldForm::Correlated);
        if self.key.is_none() && has_codes {
            return Err(AuditBuildError::NoCorrelationKey);
        }
        let secret =
            |field: &&Field| field.form == FieldForm::Clear && is_secret(field.source.name());
        match self.fields.iter().find(secret) {
            Some(field) => Err(AuditBuildError::SecretInClear {
                field: field.source.name().to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Returns the same settings with another key.
    pub(crate) fn with_key(&self, key: AuditKey) -> Self {
        Self {
            path_key: Some(key.clone()),
            key: Some(key),
            ..self.clone()
        }
    }

    /// Returns the chosen values of a head, in the form in which they may be recorded.
    pub(crate) fn redacted_fields(&self, head: &request::Parts) -> Vec<RedactedField> {
        // Empty in the common case, and then nothing is allocated.
        let mut shown = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            if let Some(value) = field.source.value_in(head) {
                let value = self.redact(field, &value);
                shown.push(RedactedField {
                    field: index,
                    value,
                });
            }
        }
        shown
    }

    /// Returns the code of a path: two are equal if their length and their beginning are.
    pub(crate) fn path_code(&self, start: &str, length: usize) -> Option<String> {
        let key = self.path_key.as_ref()?;
        Some(Correlated::path_code(key, start, length))
    }

    /// Returns a name of a principal as it is recorded: itself, or its code. `part` is `principal`, `credential`,
    /// `owner`, or `note` for a text that may hold a name.
    pub(crate) fn recorded_name<'a>(&self, part: &str, name: &'a str) -> Cow<'a, str> {
        match (&self.key, self.principal_pseudonyms) {
            (Some(key), true) => Correlated::name(part).code(key, name).into(),
            // The check demands a key. Without one nothing is shown.
            (None, true) => "".into(),
            (_, false) => name.into(),
        }
    }

    /// Returns the address of a client as it is recorded. A masked one keeps 24 or 48 bits.
    pub(crate) fn recorded_client(&self, ip: IpAddr) -> IpAddr {
        let ip = self.masked_client(ip);
        match (&self.key, self.client_pseudonyms) {
            (Some(key), true) => Correlated::client_pseudonym(key, ip),
            (None, true) => Ipv6Addr::UNSPECIFIED.into(),
            (_, false) => ip,
        }
    }

    fn masked_client(&self, ip: IpAddr) -> IpAddr {
        match ip {
            _ if !self.mask_client => ip,
            IpAddr::V4(ip) => (Ipv4Addr::from_bits(ip.to_bits() & !0xff)).into(),
            IpAddr::V6(ip) => (Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80)).into(),
        }
    }

    /// Returns a value in clear or as a code. Without a key the code is empty; the check prevents
    /// that.
    fn redact(&self, field: &Field, value: &[u8]) -> String {
        match (field.form, &self.key) {
            (FieldForm::Correlated, Some(key)) => {
                key.correlate(field.source.kind(), field.source.name(), value)
            }
            (FieldForm::Correlated, None) => String::new(),
            (FieldForm::Clear, _) => {
                let end = value.len().min(MAX_CLEAR_BYTES);
                String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
            }
        }
    }
}

impl FieldSource {
    /// Returns the name under which a value is recorded.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Header(name) => name.as_str(),
            Self::Query(name) => name,
        }
    }

    /// Returns where the value comes from, as records and codes name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Header(_) => "header",
            Self::Query(_) => "query",
        }
    }

    /// Returns the value in a head, if it is there.
    fn value_in(&self, head: &request::Parts) -> Option<Vec<u8>> {
        match self {
            Self::Header(name) => head
                .headers
                .get(name)
                .map(|value| value.as_bytes().to_vec()),
            Self::Query(name) => query_parameter(head.uri.query()?, name),
        }
    }
}

/// Returns whether a header or parameter holds a secret by its name: no option shows such values.
///
/// Case and punctuation do not matter, so `X-Api-Key`, `x_api_key` and `apikey` are one name.
fn is_secret(name: &str) -> bool {
    let letters = name.chars().filter(|it| it.is_alphanumeric());
    let name: String = letters.flat_map(char::to_lowercase).collect();
    SECRET_NAMES.contains(&name.as_str()) || SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// Finds the first parameter of a name, decoded as forms are.
fn query_parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let mut pairs = query.split('&').take(MAX_PARAMETERS);
    let (_, value) = split_pair(pairs.find(|pair| is_named(pair, name))?);
    Some(decode_form(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_decoded_name() {
        assert_eq!(
            query_parameter("a=1&us%65r=x+%41%zz", "user").unwrap(),
            b"x A%zz"
        );
        assert_eq!(query_parameter("a=1&user", "user").unwrap(), b"");
        assert_eq!(query_parameter("a=1", "user"), None);
    }

    #[test]
    fn a_masked_address_names_a_network() {
        let redaction = Redaction {
            mask_client: true,
            ..Redaction::default()
        };
        let masked = |ip: &str| redaction.recorded_client(ip.parse().unwrap()).to_string();
        assert_eq!(masked("203.0.113.77"), "203.0.113.0");
        assert_eq!(masked("2001:db8:1:2:3::4"), "2001:db8:1::");
    }

    #[test]
    fn credentials_are_never_shown_in_clear() {
        for name in [
            "refresh_token",
            "client_secret",
            "code",
            "session",
            "Session-Id",
            "Refresh_Token",
            "API-KEY",
            "x-amz-security-token",
            "id_token",
            "PASSWORD",
            "sig",
            "X-CSRF-Token",
        ] {
            let mut redaction = Redaction::default();
            redaction.fields.push(Field {
                source: FieldSource::Query(name.into()),
                form: FieldForm::Clear,
            });
            assert!(redaction.check().is_err(), "{name}");
        }
        for name in ["format", "page", "country_code", "keyboard", "user-agent"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
