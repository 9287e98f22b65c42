//! `[[routes]]`: who may use which path, for services without routes in Rust.

use serde::Deserialize;
use toml::Spanned;

use super::RoutePriority;

/// `[[routes]]`: the rule of one template.
///
/// A path without a rule gets status 404, a method without one 405. Two rules for one path and
/// method are an error.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Route {
    /// The template: `/voices/{id}`, `/assets/{*path}`. Required.
    ///
    /// `{id}` is one segment, `{*path}` all the rest, at least one segment.
    pub(in crate::config) path: Spanned<String>,
    /// The methods that the rule allows. Default: every method. `GET` includes `HEAD`.
    #[serde(default)]
    pub(in crate::config) methods: Vec<Spanned<String>>,
    /// Who may use the route: `public`, `authenticated` or a list of scopes. Required, so that no
    /// route is open by omission.
    pub(in crate::config) access: Spanned<Access>,
    /// Whether the client needs a certificate, besides the credential. Default: `false`. Needs
    /// `[server.client_auth]`.
    #[serde(default)]
    pub(in crate::config) client_certificate: bool,
    /// The limits that the rule names, or `none`. Default: those that count on all routes.
    pub(in crate::config) limits: Option<Spanned<RouteLimits>>,
    /// How important the requests are for `[load_shedding]`: `sheddable`, `normal` or `critical`. Default: that of the
    /// principal's tier, or `normal`.
    pub(in crate::config) priority: Option<RoutePriority>,
    /// Names of the text fields that are cleaned: `text`, `title?`, `/input/text`. Default: none.
    ///
    /// A name that begins with `/` is a JSON pointer (RFC 6901). The shield refuses a body without
    /// such a field, unless the name ends with `?`.
    #[serde(default)]
    pub(in crate::config) text: Vec<String>,
    /// Names of predefined sets of text fields, such as `ollama`. Default: none. An unknown name is
    /// an error at start.
    #[serde(default)]
    pub(in crate::config) text_schemas: Vec<String>,
    /// The kind of body: `json`, `form`, `json-or-form` or `multipart`. Default: `json`.
    ///
    /// Another `Content-Type` is refused on routes with text fields.
    pub(in crate::config) body: Option<Spanned<String>>,
}

/// Who may use a route.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(in crate::config) enum Access {
    /// `public` or `authenticated`; any other word is an error of `Config::assemble`.
    Word(String),
    /// The scopes, all of which are required. An empty list is an error.
    Scopes(Vec<String>),
}

/// Which limits count on a route.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(in crate::config) enum RouteLimits {
    /// `none`: no limit counts, but for penalties of failed credentials. Any other word is an
    /// error.
    Word(String),
    /// These limits count, and those that count on all routes.
    Names(Vec<String>),
}
