//! `[[client_certificates]]`: which certificate of a client is which principal.

use serde::Deserialize;
use toml::Spanned;

/// `[[client_certificates]]`: one certificate and its principal. Needs `[server.client_auth]`, with
/// which the server asks for certificates.
///
/// Exactly one of `uri`, `dns_name`, `email`, `subject` and `sha256` is required. Names are compared
/// whole. A certificate without an entry gets status 401, also on a public route.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ClientCertificates {
    /// The id of the principal. Required. Several entries may have one id.
    pub(in crate::config) id: Spanned<String>,
    /// A URI among the subject alternative names, such as a SPIFFE ID.
    pub(in crate::config) uri: Option<String>,
    /// A DNS name among the subject alternative names.
    pub(in crate::config) dns_name: Option<String>,
    /// An e-mail address among the subject alternative names.
    pub(in crate::config) email: Option<String>,
    /// The subject as text (RFC 4514): `CN=billing,O=Example`.
    pub(in crate::config) subject: Option<String>,
    /// The SHA-256 of the certificate (DER), as 64 hexadecimal digits, with colons or
    /// without.
    pub(in crate::config) sha256: Option<Spanned<String>>,
    /// The scopes of the principal. Default: none.
    #[serde(default)]
    pub(in crate::config) scopes: Vec<String>,
    /// The owner (tenant, account). Default: none.
    pub(in crate::config) owner: Option<String>,
    /// The tier, by which limits may differ. Default: none.
    pub(in crate::config) tier: Option<String>,
}
