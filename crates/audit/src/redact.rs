//! What of a request may stand in the trail: by default no header value, no query value, no body.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderName, request};

use crate::{AuditError, AuditKey};

/// Of a value shown in clear by a loud option, at most this much.
const SHOWN_BYTES: usize = 256;
/// Query parameters that are looked at; nobody means more.
const PARAMETERS: usize = 64;
/// Headers and parameters whose values are secrets by definition: no option shows them.
const ALWAYS_SECRET: [&str; 9] = [
    "access_token",
    "api_key",
    "authorization",
    "cookie",
    "password",
    "proxy-authorization",
    "set-cookie",
    "token",
    "x-api-key",
];

/// The settings of what is recorded of a request's head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    pub(crate) raw_paths: bool,
    pub(crate) mask_client: bool,
    pub(crate) key: Option<AuditKey>,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) place: Place,
    pub(crate) form: Form,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Header(HeaderName),
    Query(Box<str>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Clear,
    Correlated,
}

/// A value in the form in which it may be shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) field: usize,
    pub(crate) value: String,
}

impl Redaction {
    /// Checks what can be checked before the first request.
    pub(crate) fn check(&self) -> Result<(), AuditError> {
        let mut fields = self.fields.iter();
        if self.key.is_none() && fields.any(|field| field.form == Form::Correlated) {
            return Err(AuditError::NoCorrelationKey);
        }
        let secret = |field: &Field| {
            field.form == Form::Clear && ALWAYS_SECRET.contains(&field.place.name())
        };
        match self.fields.iter().any(secret) {
            true => Err(AuditError::Setting(
                "credentials and cookies are never recorded in clear",
            )),
            false => Ok(()),
        }
    }

    /// Takes the chosen values out of a head, in the form in which they may be shown.
    pub(crate) fn look(&self, head: &request::Parts) -> Vec<Shown> {
        // Empty in the common case, and then nothing is allocated.
        let mut shown = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            if let Some(value) = field.place.find(head) {
                let value = self.form(field, &value);
                shown.push(Shown {
                    field: index,
                    value,
                });
            }
        }
        shown
    }

    /// Returns a client's address as it is recorded.
    pub(crate) fn client(&self, ip: IpAddr) -> IpAddr {
        match ip {
            _ if !self.mask_client => ip,
            IpAddr::V4(ip) => (Ipv4Addr::from_bits(ip.to_bits() & !0xff)).into(),
            IpAddr::V6(ip) => (Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80)).into(),
        }
    }

    fn form(&self, field: &Field, value: &[u8]) -> String {
        match (field.form, &self.key) {
            (Form::Correlated, Some(key)) => key.correlate(field.place.name(), value),
            (Form::Correlated, None) => String::new(),
            (Form::Clear, _) => {
                let end = value.len().min(SHOWN_BYTES);
                String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
            }
        }
    }
}

impl Place {
    /// Returns the name under which a value is recorded.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Header(name) => name.as_str(),
            Self::Query(name) => name,
        }
    }

    fn find(&self, head: &request::Parts) -> Option<Vec<u8>> {
        match self {
            Self::Header(name) => head
                .headers
                .get(name)
                .map(|value| value.as_bytes().to_vec()),
            Self::Query(name) => parameter(head.uri.query()?, name),
        }
    }
}

/// Finds the first parameter of a name, decoded as forms are.
fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let pairs = query.split('&').take(PARAMETERS);
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| decoded(key) == name.as_bytes())?;
    Some(decoded(value))
}

fn decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, escaped(after)) {
            (b'+', _) => out.push(b' '),
            (b'%', Some((code, after))) => {
                out.push(code);
                rest = after;
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// Reads two hexadecimal digits.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = text.split_first_chunk()?;
    let digit = |character: &u8| char::from(*character).to_digit(16);
    let code = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    Some((code, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_decoded_name() {
        assert_eq!(parameter("a=1&us%65r=x+%41%zz", "user").unwrap(), b"x A%zz");
        assert_eq!(parameter("a=1&user", "user").unwrap(), b"");
        assert_eq!(parameter("a=1", "user"), None);
    }

    #[test]
    fn a_masked_address_names_a_network() {
        let redaction = Redaction {
            mask_client: true,
            ..Redaction::default()
        };
        let masked = |ip: &str| redaction.client(ip.parse().unwrap()).to_string();
        assert_eq!(masked("203.0.113.77"), "203.0.113.0");
        assert_eq!(masked("2001:db8:1:2:3::4"), "2001:db8:1::");
    }

    #[test]
    fn credentials_are_never_shown_in_clear() {
        let mut redaction = Redaction::default();
        redaction.fields.push(Field {
            place: Place::Header(http::header::COOKIE),
            form: Form::Clear,
        });
        assert!(redaction.check().is_err());
    }
}
