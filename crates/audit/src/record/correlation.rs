//! Codes under a key: what can be correlated, and how its code is computed.
//!
//! A code is the first half of HMAC-SHA-256 over the kind of value, its name and the value. Equal values of one kind and
//! name have equal codes under one key. A header and a parameter of the same name have different ones: what a client
//! sends in one place does not look like what it, or a proxy, sends in another. Who has the key can compute the code of a value that he knows, and search for it; who has not
//! learns only which records are about the same.

use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use crate::{error::InvalidCorrelatedField, key::AuditKey};

/// What a code is about: a header, a query parameter, a name of a principal, an address, or a path.
///
/// The same value has another code for each of these. [`code`](Self::code) returns what a trail shows, so that it can be
/// searched for.
///
/// Its text is that of `palisade audit hash --field`: `header.NAME`, `query.NAME`, `principal`, `credential`, `owner`,
/// `client`, `path`, or `note` for the value of a note.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditKey, CorrelatedField};
///
/// let key = AuditKey::from_bytes(*b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8")?;
/// let field: CorrelatedField = "query.user".parse()?;
/// assert_eq!(field.code(&key, "anna")?, field.code(&key, "anna")?);
/// assert_ne!(field.code(&key, "anna")?, field.code(&key, "bert")?);
///
/// // An address stands for its network: /64 of IPv6.
/// let client: CorrelatedField = "client".parse()?;
/// assert_eq!(client.code(&key, "2001:db8::1")?, client.code(&key, "2001:db8::2")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CorrelatedField(Kind);

/// The field whose values get a code.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    /// The address of a client.
    Client,
    /// A value whose code is written as text.
    Named(Correlated),
    /// A path without a known route.
    Path,
}

/// A value whose code is written as text, by the kind and name that are hashed with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Correlated {
    /// The kind of the field. It is hashed too, so that equal values of two fields have two codes.
    kind: &'static str,
    /// The name within the kind, such as that of a header.
    name: Box<str>,
}

impl CorrelatedField {
    /// Returns what a trail shows in place of a value: `hmac:` and 32 hexadecimal digits, or an address in `fd00::/8` for
    /// the address of a client.
    ///
    /// # Errors
    ///
    /// [`InvalidCorrelatedField`] if the value of `client` is no address.
    pub fn code(&self, key: &AuditKey, value: &str) -> Result<String, InvalidCorrelatedField> {
        match &self.0 {
            Kind::Client => {
                let address: IpAddr = value.parse().map_err(|_| InvalidCorrelatedField)?;
                let address = address.to_canonical();
                Ok(Correlated::client_pseudonym(key, address).to_string())
            }
            Kind::Named(field) => Ok(field.code(key, value)),
            Kind::Path => {
                let beginning = super::unknown_path::beginning(value);
                let code = Correlated::path_code(key, beginning, value.len());
                Ok(format!("hmac:{code}"))
            }
        }
    }
}

impl FromStr for CorrelatedField {
    type Err = InvalidCorrelatedField;

    fn from_str(text: &str) -> Result<Self, InvalidCorrelatedField> {
        let kind = match text {
            "client" => Kind::Client,
            "path" => Kind::Path,
            "credential" | "note" | "owner" | "principal" => Kind::Named(Correlated::name(text)),
            _ => match text.split_once('.') {
                // Names of headers are in lower case, as http has them.
                Some(("header", name)) if !name.is_empty() => {
                    Kind::Named(Correlated::of("header", &name.to_ascii_lowercase()))
                }
                Some(("query", name)) if !name.is_empty() => {
                    Kind::Named(Correlated::of("query", name))
                }
                _ => return Err(InvalidCorrelatedField),
            },
        };
        Ok(Self(kind))
    }
}

impl Correlated {
    /// Names a part of a principal (`principal`, `credential` or `owner`), or a `note`.
    pub(crate) fn name(part: &str) -> Self {
        Self::of("name", part)
    }

    /// Names a field by its kind and name.
    fn of(kind: &'static str, name: &str) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// Returns the code of a value.
    pub(crate) fn code(&self, key: &AuditKey, value: &str) -> String {
        let code = key.correlate(self.kind, &self.name, value.as_bytes());
        format!("hmac:{code}")
    }

    /// Returns the code of a path: two are equal if their length and their beginning are.
    pub(crate) fn path_code(key: &AuditKey, start: &str, length: usize) -> String {
        key.correlate("path", "", format!("{length}:{start}").as_bytes())
    }

    /// Returns an address in place of that of a client: `fd00::/8` (RFC 4193) and 56 bits of its code.
    ///
    /// An address of IPv6 stands for its network of 64 bits, as where clients are counted. The form of an address keeps
    /// filters, exports and counts as they are.
    pub(crate) fn client_pseudonym(key: &AuditKey, ip: IpAddr) -> IpAddr {
        let network = match ip {
            IpAddr::V4(_) => ip.to_string(),
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
        };
        let code = key.correlate_bytes("client", "", network.as_bytes());
        let code = u64::from_be_bytes(*code.first_chunk().unwrap_or(&[0; 8]));
        let prefix = 0xfd << 56 | code >> 8;
        Ipv6Addr::from_bits(u128::from(prefix) << 64).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AuditKey {
        AuditKey::from_bytes(*b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8").unwrap()
    }

    fn code(field: &str, value: &str) -> String {
        let field: CorrelatedField = field.parse().unwrap();
        field.code(&key(), value).unwrap()
    }

    #[test]
    fn an_address_has_a_pseudonym_that_is_one() {
        let pseudonym: IpAddr = code("client", "203.0.113.7").parse().unwrap();
        let IpAddr::V6(bits) = pseudonym else {
            panic!("{pseudonym}");
        };
        assert_eq!(bits.to_bits() >> 120, 0xfd);
        assert_eq!(bits.to_bits() & u128::from(u64::MAX), 0);
        assert_eq!(
            code("client", "203.0.113.7"),
            code("client", "::ffff:203.0.113.7")
        );
        assert_ne!(code("client", "203.0.113.7"), code("client", "203.0.113.8"));
        assert_eq!(code("client", "2001:db8::1"), code("client", "2001:db8::2"));
        assert_ne!(
            code("client", "2001:db8::1"),
            code("client", "2001:db8:0:1::1")
        );
    }

    #[test]
    fn the_same_value_has_another_code_in_each_field() {
        let fields = [
            "header.user",
            "query.user",
            "query.path",
            "header.path",
            "principal",
            "credential",
            "owner",
            "query.principal",
            "path",
        ];
        let mut codes: Vec<_> = fields.iter().map(|field| code(field, "anna")).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), fields.len());
        assert_eq!(code("header.X-Device", "1"), code("header.x-device", "1"));
    }

    #[test]
    fn nonsense_is_no_field() {
        for text in ["", "user", "header.", "query.", "cookie.a", "Client"] {
            assert!(text.parse::<CorrelatedField>().is_err(), "{text}");
        }
        let client: CorrelatedField = "client".parse().unwrap();
        assert!(client.code(&key(), "anna").is_err());
    }
}
