//! TLS: certificates, versions of the protocol, session tickets.
//!
//! | module | holds |
//! |---|---|
//! | `development` | a certificate authority for development |
//! | `acme` | certificates from an authority by ACME (feature `acme`) |
//! | `certificates` | the certificate of a server, and its renewal |
//! | `profile` | versions, cipher suites and key exchange |
//! | `tickets` | the keys of resumed sessions |
//! | `names`, `files`, `error` | what the others use |

mod development;
#[cfg(feature = "acme")]
mod acme;
mod certificates;
mod profile;
mod tickets;
mod names;
mod files;
mod error;

#[cfg(feature = "acme")]
pub(crate) use self::acme::Challenges;
#[cfg(feature = "acme")]
pub use self::acme::{
    Acme, AcmeBuilder, AcmeError, AcmeEvent, AcmeSettingError, AcmeStatus, ChallengeKind,
    LETS_ENCRYPT, LETS_ENCRYPT_STAGING, Renewal,
};
pub(crate) use self::{
    certificates::{CHALLENGE_PROTOCOL, keep_all_fresh},
    profile::{is_refusal_of_certificate, server_config},
};
pub use self::{
    certificates::{CertificateEvent, Certificates, CertificatesBuilder, Fingerprint},
    development::{DevAuthority, DevAuthorityBuilder},
    error::{CertificateError, MakeProblem},
};
