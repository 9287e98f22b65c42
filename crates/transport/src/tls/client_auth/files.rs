//! The authorities of clients and their revocation lists, from files or memory.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::tls::{certificates::Fingerprint, error::CertificateError, files};

/// The largest file of certificates, in bytes: all public authorities together have 250 KiB.
const MOST_AUTHORITIES: u64 = 1024 * 1024;
/// The largest revocation list, in bytes: about 400,000 entries.
const MOST_LIST: u64 = 16 * 1024 * 1024;

const AUTHORITIES: &str =
    "certificates of authorities in PEM (`-----BEGIN CERTIFICATE-----`), each with a public key";
const LIST: &str = "a certificate revocation list in PEM or DER (RFC 5280), with a number and the time of the \
                    next update";

/// A file that is read again when it changes, or bytes that never change.
#[derive(Clone, Debug)]
pub(super) enum Input {
    File(PathBuf),
    Memory(Box<[u8]>),
}

impl Input {
    fn read(&self, most: u64) -> Result<Content, CertificateError> {
        Ok(match self {
            Self::File(path) => Content {
                path: path.clone(),
                bytes: files::read_at_most(path, most)?.to_vec(),
            },
            Self::Memory(bytes) => Content {
                path: PathBuf::from("authorities of clients"),
                bytes: bytes.to_vec(),
            },
        })
    }
}

/// Where everything is read from.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) authorities: Vec<Input>,
    pub(super) revocation_lists: Vec<Input>,
    /// Whether a client without a certificate is refused.
    pub(super) is_required: bool,
}

/// One file, as read.
struct Content {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// All files, as read at one time.
pub(super) struct Contents {
    authorities: Vec<Content>,
    revocation_lists: Vec<Content>,
    is_required: bool,
}

impl Inputs {
    /// Reads all files.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub(super) fn read(&self) -> Result<Contents, CertificateError> {
        let read = |inputs: &[Input], most| {
            let contents = inputs.iter().map(|input| input.read(most));
            contents.collect::<Result<Vec<_>, _>>()
        };
        Ok(Contents {
            authorities: read(&self.authorities, MOST_AUTHORITIES)?,
            revocation_lists: read(&self.revocation_lists, MOST_LIST)?,
            is_required: self.is_required,
        })
    }
}

impl Contents {
    /// Returns a digest of all files, to detect changes.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let all = self.authorities.iter().chain(&self.revocation_lists);
        let each: Vec<String> = all
            .map(|content| Fingerprint::of(&content.bytes).to_string())
            .collect();
        Fingerprint::of(each.join("|").as_bytes())
    }

    /// Makes what checks the certificates of clients.
    ///
    /// # Errors
    ///
    /// A file holds something else, or a revocation list has expired.
    pub(super) fn verifier(
        &self,
        now: Duration,
    ) -> Result<Arc<dyn ClientCertVerifier>, CertificateError> {
        let mut roots = RootCertStore::empty();
        for content in &self.authorities {
            content.add_authorities(&mut roots)?;
        }
        let mut lists = Vec::new();
        for content in &self.revocation_lists {
            lists.extend(content.lists(now)?);
        }
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
            .with_crls(lists)
            .enforce_revocation_expiration();
        let verifier = match self.is_required {
            true => verifier,
            false => verifier.allow_unauthenticated(),
        };
        // The authorities were added above, so only a list can be wrong.
        verifier
            .build()
            .map_err(|_| CertificateError::unreadable(self.first_list(), LIST))
    }

    fn first_list(&self) -> &Path {
        let first = self.revocation_lists.first().or(self.authorities.first());
        first.map_or(Path::new(""), |content| &content.path)
    }
}

impl Content {
    /// Adds the certificates of this file. A file without any is an error.
    fn add_authorities(&self, roots: &mut RootCertStore) -> Result<(), CertificateError> {
        let unreadable = || CertificateError::unreadable(&self.path, AUTHORITIES);
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&self.bytes) {
            let certificate = certificate.map_err(|_| unreadable())?;
            roots.add(certificate).map_err(|_| unreadable())?;
        }
        match roots.len() > before {
            true => Ok(()),
            false => Err(unreadable()),
        }
    }

    /// Returns the revocation lists of this file: several in PEM, or one in DER.
    fn lists(
        &self,
        now: Duration,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, CertificateError> {
        let unreadable = || CertificateError::unreadable(&self.path, LIST);
        let lists: Vec<_> = match self.bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
            true => CertificateRevocationListDer::pem_slice_iter(&self.bytes)
                .collect::<Result<_, _>>()
                .map_err(|_| unreadable())?,
            false => vec![CertificateRevocationListDer::from(self.bytes.clone())],
        };
        for list in &lists {
            let (_, parsed) = x509_parser::parse_x509_crl(list).map_err(|_| unreadable())?;
            let next = parsed.next_update().ok_or_else(unreadable)?.timestamp();
            if u64::try_from(next).unwrap_or(0) <= now.as_secs() {
                let path = self.path.clone();
                return Err(CertificateError::Expired { path });
            }
        }
        match lists.is_empty() {
            true => Err(unreadable()),
            false => Ok(lists),
        }
    }
}
