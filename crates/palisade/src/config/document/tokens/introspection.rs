//! `[introspection]`: opaque tokens, about which the issuer is asked.

#![cfg_attr(not(feature = "jwks-url"), allow(dead_code))] // read where introspection is compiled in

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::config::document::SecretSource;

/// `[introspection]`: the issuer is asked about tokens that only it can read (RFC 7662). Without the
/// section such tokens are refused. Needs the feature `jwks-url`.
///
/// Beside `[[tokens]]` it decides about tokens without a dot. The keys have the names of
/// `palisade_jwt::introspection::TokenIntrospectionBuilder`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Introspection {
    /// The `introspection_endpoint` of the issuer: an `https` address. Required.
    pub(in crate::config) url: Spanned<String>,
    /// The id that the issuer gave this service. Needs `secret`. Either this or `bearer` is required.
    pub(in crate::config) client: Option<Spanned<String>>,
    /// The secret of `client`: `{ file = "introspection.secret" }`.
    pub(in crate::config) secret: Option<Spanned<SecretSource>>,
    /// A token that the issuer gave this service, in place of `client` and `secret`.
    pub(in crate::config) bearer: Option<Spanned<SecretSource>>,
    /// The audience: a response must have it in `aud`. Required, but with
    /// `dangerously_accept_any_audience` and with `[[resource_servers]]`: then it is the resource, and another
    /// audience is an error.
    pub(in crate::config) audience: Option<String>,
    /// Other audiences, each of which is accepted too. Default: none.
    #[serde(default)]
    pub(in crate::config) or_audiences: Vec<String>,
    /// The issuer that `iss` of a response is compared with. Default: not compared.
    pub(in crate::config) issuer: Option<String>,
    /// The member that the id of the principal is read from. Default: `sub`.
    pub(in crate::config) subject_claim: Option<String>,
    /// The member that the owner is read from. Default: none.
    pub(in crate::config) tenant_claim: Option<String>,
    /// The member that the tier is read from, by which limits may differ. Default: none.
    pub(in crate::config) tier_claim: Option<String>,
    /// The member that the principal's own amounts for limits are read from: `{ "speak": 500 }`. Default: none.
    pub(in crate::config) own_limits_claim: Option<String>,
    /// How long a response is used, in seconds: 0 to 600. Default: 60. A revoked token is still
    /// accepted for so long.
    pub(in crate::config) lifetime_seconds: Option<Spanned<u64>>,
    /// How old a response may become while the issuer cannot be asked, in seconds: 0 to 3600.
    /// Default: 300.
    pub(in crate::config) outage_lifetime_seconds: Option<Spanned<u64>>,
    /// How long a refusal by the issuer is used, in seconds: 0 to 60. Default: 10.
    pub(in crate::config) negative_lifetime_seconds: Option<Spanned<u64>>,
    /// How many responses about valid tokens are kept: 0 to 1,000,000. Default: 4096.
    pub(in crate::config) remembered_responses: Option<Spanned<u64>>,
    /// How long the issuer may take, in seconds: 1 to 30. Default: 5.
    pub(in crate::config) timeout_seconds: Option<Spanned<u64>>,
    /// A file with the certificates (PEM) that authenticate the issuer. Default: those of the machine.
    pub(in crate::config) trust_anchors: Option<Spanned<PathBuf>>,
    /// Whether responses of any audience are accepted. Default: `false`: a token that a client got for
    /// another service would be valid here.
    #[serde(default)]
    pub(in crate::config) dangerously_accept_any_audience: bool,
    /// Whether `url` may be `http` to a loopback address. Default: `false`. For development.
    #[serde(default)]
    pub(in crate::config) dangerously_allow_loopback_http: bool,
}
