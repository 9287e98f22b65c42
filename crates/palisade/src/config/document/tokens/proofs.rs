//! `[dpop]`: tokens that are bound to a key of the client.

#![cfg_attr(not(feature = "jwt"), allow(dead_code))] // read where tokens are compiled in

use serde::Deserialize;
use toml::Spanned;

use crate::config::document::SecretSource;

/// `[dpop]`: tokens that are bound to a key are accepted with a proof of possession (RFC 9449).
/// Without the section they are refused. Needs `[[tokens]]`.
///
/// The section may be empty beside `[[resource_servers]]`. The keys have the names of
/// `palisade_jwt::dpop::DpopProofsBuilder`. Used proofs are remembered in memory; a reload forgets
/// them, so a proof that was made before it gets status 503.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Dpop {
    /// Scheme, host and port of this service as clients write them: `https://voice.example`.
    /// Required, but with `[[resource_servers]]`: then it is that of the resource.
    ///
    /// It is not read from `Host`, which a client chooses.
    pub(in crate::config) origin: Option<Spanned<String>>,
    /// The accepted algorithms. Default: `ES256`, `ES384`, `EdDSA`, `PS256` and `RS256`.
    pub(in crate::config) algorithms: Option<Vec<Spanned<String>>>,
    /// How long a proof is accepted after its `iat`, in seconds: 1 to 600. Default: 60.
    pub(in crate::config) max_age_seconds: Option<Spanned<u64>>,
    /// How far `iat` may be in the future, in seconds: 0 to 600. Default: 10.
    pub(in crate::config) leeway_seconds: Option<Spanned<u64>>,
    /// How many proofs are remembered: 16 to 10,000,000. Default: 131,072.
    ///
    /// Beyond it requests get status 503: a proof that cannot be remembered could be replayed.
    pub(in crate::config) remembered_proofs: Option<Spanned<u64>>,
    /// Whether each proof needs a nonce of this process. Default: `false`.
    pub(in crate::config) require_nonces: bool,
    /// The secret of nonces that all replicas accept, at least 32 bytes. Default: none. In place of
    /// `require_nonces`.
    pub(in crate::config) shared_nonces: Option<Spanned<SecretSource>>,
    /// Whether tokens that are bound to no key are refused. Default: `false`: they are accepted as
    /// bearer tokens.
    pub(in crate::config) require_proofs: bool,
}
