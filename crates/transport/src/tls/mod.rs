//! TLS: certificates, versions of the protocol, session tickets.
//!
//! | module | holds |
//! |---|---|
//! | `development` | a certificate authority for development |
//! | `certificates` | the certificate of a server, and its renewal |
//! | `profile` | versions, cipher suites and key exchange |
//! | `tickets` | the keys of resumed sessions |
//! | `names`, `files`, `error` | what the others use |

mod development;
mod certificates;
mod profile;
mod tickets;
mod names;
mod files;
mod error;

pub(crate) use self::{
    certificates::keep_all_fresh,
    profile::{is_refusal_of_certificate, server_config},
};
pub use self::{
    certificates::{CertificateEvent, Certificates, Fingerprint},
    development::DevAuthority,
    error::CertificateError,
};
