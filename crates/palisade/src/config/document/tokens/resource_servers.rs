//! `[[resource_servers]]`: the service as a resource server of OAuth or MCP.

#![cfg_attr(not(feature = "jwt"), allow(dead_code))] // read where tokens are compiled in

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// `[[resource_servers]]`: one protected resource (RFC 9728). Needs `[[tokens]]`, whose issuers are
/// its authorization servers.
///
/// Tokens must have the resource as their audience. Refusals name its metadata and the wanted scopes.
/// The metadata is served at the well-known path, without a rule. The keys have the names of
/// `palisade_jwt::resource_server::ResourceServerBuilder`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ResourceServers {
    /// The identifier of the resource: the `https` address that clients use, without query and
    /// fragment. Required.
    ///
    /// Its host must be one of `server.hosts`. All resources of a file are on one host.
    pub(in crate::config) resource: Spanned<String>,
    /// The scopes that the metadata names: those for basic use. Default: none.
    #[serde(default)]
    pub(in crate::config) scopes: Vec<String>,
    /// The scopes that a challenge asks for on routes whose rule names none. Default: none.
    #[serde(default)]
    pub(in crate::config) initial_scopes: Vec<String>,
    /// Broader scopes and the narrower ones that they include:
    /// `{ "files:write" = ["files:read"] }`. Default: none.
    #[serde(default)]
    pub(in crate::config) scope_implies: BTreeMap<String, Vec<String>>,
    /// The name of the resource for people. Default: none.
    pub(in crate::config) name: Option<String>,
    /// The address of documentation for developers. Default: none.
    pub(in crate::config) documentation: Option<String>,
    /// Whether issuers may have other audiences than the resource. Default: `false`: a token that a
    /// client got for another service would be valid here.
    #[serde(default)]
    pub(in crate::config) dangerously_accept_other_audiences: bool,
    /// Whether `resource` may begin with `http://`. Default: `false`. For development.
    #[serde(default)]
    pub(in crate::config) dangerously_accept_plain_http: bool,
}
