//! `[[tokens]]` and `[revoked_tokens]`: whose JSON Web Tokens are accepted.

#![cfg_attr(not(feature = "jwt"), allow(dead_code))] // read where tokens are compiled in

mod introspection;
mod proofs;
mod resource_servers;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;

pub(in crate::config) use self::{introspection::*, proofs::*, resource_servers::*};

/// `[[tokens]]`: one issuer of JSON Web Tokens (RFC 7519). Needs the feature `jwt`.
///
/// Its keys come from exactly one place: `jwks_file`, `jwks_url`, `discovery` or a preset.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Tokens {
    /// The issuer: `iss` must be equal to it, byte for byte. Required.
    pub(in crate::config) issuer: Spanned<String>,
    /// The audience: `aud` must contain it. Required, but with `[[resource_servers]]`: then it is the
    /// resource, and another audience is an error.
    ///
    /// Otherwise a token that a client got for another service would be valid here.
    pub(in crate::config) audience: Option<Spanned<String>>,
    /// A file with the keys of the issuer (RFC 7517). It is read again when it changes.
    pub(in crate::config) jwks_file: Option<Spanned<PathBuf>>,
    /// The `https` address of the keys of the issuer. Needs the feature `jwks-url`.
    pub(in crate::config) jwks_url: Option<Spanned<String>>,
    /// A file with the certificates (PEM) that authenticate the server of the keys. Default: those of
    /// the machine. An error with `jwks_file`.
    pub(in crate::config) trust_anchors: Option<Spanned<PathBuf>>,
    /// A prefix for the subjects of this issuer. Default: none. Required with several issuers.
    ///
    /// Without it `sub` of one issuer could be the same principal as `sub` of another.
    pub(in crate::config) label: Option<String>,
    /// The longest time from `iat` to `exp`, in minutes: 1 to 5,270,400. Default: 1440.
    ///
    /// A token that is valid for longer is refused, even if it did not expire.
    pub(in crate::config) max_lifetime_minutes: Option<Spanned<u64>>,
    /// How long the last keys stay valid while they cannot be read, in minutes: 1 to 10,080.
    /// Default: 15 for a file, 360 for an address.
    ///
    /// For an address it must not be under `jwks_lifetime_minutes`.
    pub(in crate::config) max_stale_minutes: Option<Spanned<u64>>,
    /// How long keys of an address are valid before they are fetched again, in minutes: 1 to 1440.
    /// Default: 10. An error with `jwks_file`.
    pub(in crate::config) jwks_lifetime_minutes: Option<Spanned<u64>>,
    /// The largest step back of the clock that is ignored, in minutes: 1 to 10,080. Default: 1440.
    ///
    /// All issuers share one clock, so different values are an error.
    pub(in crate::config) max_clock_step_minutes: Option<Spanned<u64>>,
    /// Whether a key set without a usable key revokes all keys. Default: `false`: it counts as an
    /// outage, and the last keys stay valid for `max_stale_minutes`.
    #[serde(default)]
    pub(in crate::config) empty_set_revokes: bool,
    /// Whether ID tokens are accepted as access tokens. Default: `false`: they are for the client
    /// and say nothing of what it may do.
    #[serde(default)]
    pub(in crate::config) dangerously_accept_id_tokens: bool,
    /// Whether tokens with `cnf` (RFC 7800) are accepted as bearer tokens. Default: `false`, since
    /// anyone who steals such a token could use it.
    #[serde(default)]
    pub(in crate::config) dangerously_ignore_confirmation: bool,
    /// Whether the address of the keys is read from the metadata of the issuer. Default: `false`.
    /// Needs the feature `jwks-url`.
    #[serde(default)]
    pub(in crate::config) discovery: bool,
    /// Whether the metadata is that of OAuth (RFC 8414) in place of OpenID Connect. Default: `false`.
    /// Needs `discovery`. An error with `jwks_file`.
    pub(in crate::config) oauth_metadata: Option<Spanned<bool>>,
    /// Whether the address of the keys may be `http` to a loopback address. Default: `false`. For
    /// development. An error with `jwks_file`.
    pub(in crate::config) dangerously_allow_loopback_http: Option<Spanned<bool>>,
    /// A preset of a provider: its name, and its arguments by their names. Default: none.
    ///
    /// `{ name = "keycloak", address = "https://id.example", realm = "acme" }`. The issuer of the
    /// preset must be `issuer`.
    pub(in crate::config) preset: Option<Spanned<BTreeMap<String, TextOrList>>>,
    /// Other audiences: a token is accepted if `aud` contains one of them or `audience`. Default:
    /// none.
    #[serde(default)]
    pub(in crate::config) or_audiences: Vec<String>,
    /// The claim that is compared with the audience. Default: `aud`. Needs `require_value`, so that
    /// no ID token is accepted.
    pub(in crate::config) audience_claim: Option<String>,
    /// The accepted values of `typ`. Default: `JWT` and `at+jwt`.
    pub(in crate::config) types: Option<Vec<String>>,
    /// The accepted algorithms, such as `ES256`. Default: those of the keys. `none` is never
    /// accepted.
    pub(in crate::config) algorithms: Option<Vec<Spanned<String>>>,
    /// Claims that must be there, as text that is not empty. Default: none.
    #[serde(default)]
    pub(in crate::config) require: Vec<String>,
    /// Claims that must have one of these values: `{ token_use = ["access"] }`. Default: none. An
    /// empty list is an error, since no token could have it.
    #[serde(default)]
    pub(in crate::config) require_value: BTreeMap<String, Vec<String>>,
    /// Claims that scopes are read from, besides `scope` and `scp`. Default: none.
    #[serde(default)]
    pub(in crate::config) scopes_from: Vec<String>,
    /// Claims that roles are read from: `admin` becomes the scope `role:admin`. Default: none.
    #[serde(default)]
    pub(in crate::config) roles_from: Vec<String>,
    /// The claim that the id of the principal is read from. Default: `sub`. It must be unique and stable.
    pub(in crate::config) subject_claim: Option<String>,
    /// The claim that the owner (tenant, account) is read from. Default: none.
    ///
    /// Owners of several issuers share one namespace: `require_value` lists the tenants of an issuer that
    /// is trusted for some of them only.
    pub(in crate::config) tenant_claim: Option<String>,
    /// The claim that the tier is read from, by which limits may differ. Default: none.
    pub(in crate::config) tier_claim: Option<String>,
    /// The claim that the principal's own amounts for limits are read from: `{ "speak": 500 }`. Default: none.
    ///
    /// A lower amount always applies, a higher one up to `own_amounts_up_to` of the limit. A token with a malformed claim
    /// is refused.
    pub(in crate::config) own_limits_claim: Option<String>,
    /// The realm of challenges (RFC 6750 section 3). Default: `api`. All issuers share one, so different
    /// values are an error.
    pub(in crate::config) realm: Option<Spanned<String>>,
    /// Whether a claim that is `null` counts as absent. Default: `false`: the token is refused.
    #[serde(default)]
    pub(in crate::config) null_is_absent: bool,
    /// Whether tokens without `typ` are accepted. Default: `false`.
    #[serde(default)]
    pub(in crate::config) dangerously_accept_untyped_tokens: bool,
    /// Whether `jku`, `jwk`, `x5c` and `x5u` in the header are ignored. Default: `false`: such a
    /// token is refused. Its own key is never used in either case.
    #[serde(default)]
    pub(in crate::config) dangerously_ignore_embedded_keys: bool,
}

/// `[revoked_tokens]`: tokens that are refused before they expire. Needs `[[tokens]]`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RevokedTokens {
    /// The list, as `palisade token revoke` makes it. Required.
    ///
    /// It is read again within a second after a change. A list that cannot be read is an error at
    /// start. Later, the last entries stay in force for 15 minutes; then requests with a token get
    /// status 503.
    pub(in crate::config) file: Spanned<PathBuf>,
}

/// One text, or a list of texts.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(in crate::config) enum TextOrList {
    /// Several texts, for an argument that may be given more than once.
    List(Vec<String>),
    /// One text.
    Text(String),
}

#[cfg(feature = "jwt")]
impl TextOrList {
    /// Returns the texts.
    pub(in crate::config) fn to_vec(&self) -> Vec<String> {
        match self {
            Self::List(all) => all.clone(),
            Self::Text(one) => vec![one.clone()],
        }
    }
}
