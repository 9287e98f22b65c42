//! `[session]` and `[cross_origin]`: sessions of browsers, and writes that pages of other origins cause.

#![cfg_attr(not(feature = "session"), allow(dead_code))] // read where sessions are compiled in

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// `[session]`: sessions of browsers, in a `__Host-` cookie. Needs the feature `session`; without it the
/// section is an error.
///
/// The application opens them: a handler calls `Sessions::sign_in` with `Assembled::sessions`. A session
/// that an API key opened ends with the key of `[keys]`; without that section it ends at once. One that a
/// token opened ends when the token expires, or is in `[revoked_tokens]`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Session {
    /// When a session ends, however much it is used, in minutes: 1 to 129,600 (90 days). Default: 720.
    pub(in crate::config) lifetime_minutes: Option<Spanned<u64>>,
    /// When a session ends that is not used, in minutes: 1 to `lifetime_minutes`. Default: 30, or the
    /// lifetime if that is shorter.
    pub(in crate::config) idle_minutes: Option<Spanned<u64>>,
    /// The name of the cookie. It begins with `__Host-`. Default: `__Host-session`.
    pub(in crate::config) cookie_name: Option<Spanned<String>>,
    /// Whether the user stays signed in who follows a link of another site (`SameSite=Lax`). Default:
    /// `false` (`SameSite=Strict`).
    #[serde(default)]
    pub(in crate::config) follow_links: bool,
    /// Whether writes are accepted without `X-CSRF-Token`, for plain forms. Default: `false`. The browser
    /// must tell in any case that a page of this service sent them.
    #[serde(default)]
    pub(in crate::config) without_csrf_token: bool,
    /// Whether a write of a page of another origin is that of a guest, in place of status 403. Default: `false`.
    /// For routes that such pages may write to.
    #[serde(default)]
    pub(in crate::config) foreign_writes_as_guest: bool,
    /// Keeps sessions in Redis, for several processes. Default: in the memory of this process, and a restart
    /// signs everybody out.
    pub(in crate::config) redis: Option<SessionRedis>,
    /// How many sessions there may be at once: 1 to 10,000,000. Default: 65,536; in Redis 1,000,000.
    ///
    /// Beyond it, who has no session cannot sign in (503), and who has one replaces it.
    pub(in crate::config) max_sessions: Option<Spanned<u64>>,
    /// How many sessions one principal may have at once: 1 to 1000. Default: 8. The oldest one gives way.
    pub(in crate::config) max_per_principal: Option<Spanned<u64>>,
}

/// `[session.redis]`: the server that keeps the sessions of several processes. Needs the feature `redis`.
///
/// Each request with a cookie asks it once. While it cannot be reached, such requests get status 503.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct SessionRedis {
    /// The address of one server: `redis://host:port/database`, with the feature `redis-tls` `rediss://`.
    /// Required.
    pub(in crate::config) url: Spanned<String>,
    /// A file with at least 16 random bytes that records are sealed with, the same on all processes. Required.
    ///
    /// Who can write to the server can then make no session and change none.
    pub(in crate::config) seal_key: Spanned<PathBuf>,
    /// A file with the password of the server, in place of one in `url`. Default: none.
    pub(in crate::config) password_file: Option<Spanned<PathBuf>>,
    /// What the keys in the server begin with. Default: `palisade-session`.
    pub(in crate::config) prefix: Option<Spanned<String>>,
    /// How long the server may take to reply, in milliseconds: 1 to 10,000. Default: 250. A connection has 500 ms
    /// besides.
    pub(in crate::config) deadline_millis: Option<Spanned<u64>>,
}

/// `[cross_origin]`: refuses writes that a page of another origin made a browser send, with status 403
/// (cross-site request forgery). Needs the feature `session`; without it the section is an error.
///
/// For services that a browser authenticates to by itself: a cookie of any library, a client certificate,
/// an address of the network. An empty section has no exceptions. Sessions of `[session]` refuse such
/// writes without it; a form that signs in needs it.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct CrossOrigin {
    /// Other origins whose pages may write, as browsers send them: `https://admin.example.com`. Default:
    /// none. The origins of `[cors]` are not among them by themselves.
    pub(in crate::config) trusted_origins: Vec<Spanned<String>>,
    /// Paths that pages of every origin may write to; `/*` at the end means all below. Default: none. For
    /// routes that check the sender themselves, such as by a signature.
    pub(in crate::config) except_paths: Vec<Spanned<String>>,
}
