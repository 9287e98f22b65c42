//! Where the keys of an issuer come from: the program, a file, or a URL.
//!
//! `source` is what a verifier asks. `live`, `file` and `url` are the kinds of source.

#[cfg(feature = "jwks-url")]
pub(crate) mod url;
mod file;
mod live;
pub(crate) mod source;

#[cfg(feature = "jwks-url")]
pub use self::url::{IssuerMetadata, IssuerReport, JwksUrl, JwksUrlBuilder};
pub use self::{
    file::{JwksFile, JwksFileBuilder},
    live::LiveKeys,
    source::IssuerKeys,
};
