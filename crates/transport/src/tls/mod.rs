//! TLS: certificates, versions of the protocol, session tickets.
//!
//! | module | holds |
//! |---|---|
//! | `acceptor` | the handshake, with or without client authentication |
//! | `watch` | checks the files of certificates while a server runs |
//! | `development` | a certificate authority for development |
//! | `acme` | certificates from an authority by ACME (feature `acme`) |
//! | `client_auth` | which certificates of clients are accepted |
//! | `certificates` | the certificate of a server, and its renewal |
//! | `profile` | versions, cipher suites and key exchange |
//! | `tickets` | the keys of resumed sessions |
//! | `names`, `files`, `error` | what the others use |

mod acceptor;
mod watch;
mod development;
#[cfg(feature = "acme")]
mod acme;
mod client_auth;
mod certificates;
mod profile;
mod tickets;
mod names;
mod folders;
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
    acceptor::Acceptor,
    certificates::CHALLENGE_PROTOCOL,
    profile::{is_refusal_of_certificate, is_refusal_of_client},
    watch::keep_all_fresh,
};
pub use self::{
    certificates::{CertificateEvent, Certificates, CertificatesBuilder, Fingerprint},
    client_auth::{ClientAuth, ClientAuthBuilder},
    development::{DevAuthority, DevAuthorityBuilder},
    error::{CertificateError, MakeProblem},
};
