//! The shape of the TOML file, as `serde` reads it.
//!
//! One file for each group of sections. A key that the file does not have is `None` or the default
//! of its type. The part that a section configures then uses its own default.
//!
//! Only names and types are checked here. The modules beside this one check the values, where the
//! error can name a remedy. An unknown key is an error. Values with a `Spanned` type keep their
//! position, so that an error can name the line.
//!
//! Each key is described with its unit, its range and its default. "Needs" names another key
//! without which it is an error.

mod audit;
mod client_certificates;
mod concurrency;
mod cors;
mod inspect;
mod keys;
mod limits;
mod requests;
mod routes;
mod secret;
mod server;
mod session;
mod tokens;

use serde::Deserialize;

pub(super) use self::{
    audit::*, client_certificates::*, concurrency::*, cors::*, inspect::*, keys::*, limits::*,
    requests::*, routes::*, secret::*, server::*, session::*, tokens::*,
};

/// The whole file without the sections of the application, which
/// [`Config::section`](super::Config::section) reads.
///
/// There is no `deny_unknown_fields` here, since the application may have sections of its own.
/// `Source::check_sections` refuses the unknown ones, with the nearest name.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Document {
    /// `None`: no request is recorded, which is the warning `no-audit`.
    pub(super) audit: Option<Audit>,
    /// Without the section the peer of the connection is the client.
    pub(super) client: Client,
    /// Empty: the certificate of a client is no principal.
    pub(super) client_certificates: Vec<ClientCertificates>,
    /// Empty: as many requests of one client are in progress as it sends.
    pub(super) concurrency: Vec<Concurrency>,
    /// `None`: no script of another origin may call the service.
    pub(super) cors: Option<Cors>,
    /// `None`: writes from other origins are not refused, but for those of sessions.
    pub(super) cross_origin: Option<CrossOrigin>,
    /// `None`: tokens that are bound to a key are refused.
    pub(super) dpop: Option<Dpop>,
    /// Without the section: the headers for an API.
    pub(super) headers: Headers,
    /// `None`: no request is compared with firewall rules.
    pub(super) inspect: Option<Inspect>,
    /// `None`: tokens that only the issuer can read are refused.
    pub(super) introspection: Option<Introspection>,
    /// `None`: no API key is accepted.
    pub(super) keys: Option<Keys>,
    /// Empty: nothing is limited, which is the warning `no-client-limit`.
    pub(super) limits: Vec<Limit>,
    /// Without the section: the fields of the draft, without keys of partitions.
    pub(super) limit_fields: LimitFields,
    /// `None`: memory of the default size, which a restart empties.
    pub(super) limit_store: Option<MemorySection>,
    /// `None`: no request is refused because others are in progress.
    pub(super) load_shedding: Option<LoadShedding>,
    /// `None`: each process counts alone, in memory.
    pub(super) redis: Option<Redis>,
    /// Empty: no metadata is published, and the audience is that of `[[tokens]]`.
    pub(super) resource_servers: Vec<ResourceServers>,
    /// Empty: the application adds its rules in Rust.
    pub(super) routes: Vec<Route>,
    /// The only section that is required, for its `hosts`.
    pub(super) server: Server,
    /// `None`: there are no sessions of browsers.
    pub(super) session: Option<Session>,
    /// Without the section: the limits of `SanitizeLayer`.
    pub(super) text: Text,
    /// Empty: no token is accepted.
    pub(super) tokens: Vec<Tokens>,
    /// `None`: requests have no trace.
    pub(super) trace: Option<Trace>,
    /// `None`: a token is valid until it expires. Needs `[[tokens]]`.
    pub(super) revoked_tokens: Option<RevokedTokens>,
}
