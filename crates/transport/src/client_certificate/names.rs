//! The names of a certificate by which a principal can be found.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

use palisade_core::ClientCertificate;

use super::CertificateGrant;

/// One name. Names of two kinds are never equal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum CertificateName {
    /// In lower case.
    Dns(Box<str>),
    Email(Box<str>),
    Sha256([u8; 32]),
    Subject(Box<str>),
    Uri(Box<str>),
}

impl CertificateName {
    /// Returns whether it could be the name of every certificate without one.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Subject(name) | Self::Uri(name) => {
                name.is_empty()
            }
            Self::Sha256(_) => false,
        }
    }
}

/// What is granted to names, by their kind: a certificate is asked for the kinds that have an entry,
/// and none of its names is copied.
#[derive(Default)]
pub(super) struct NameTable {
    dns: Names,
    emails: Names,
    digests: HashMap<[u8; 32], CertificateGrant>,
    subjects: Names,
    uris: Names,
}

type Names = HashMap<Box<str>, CertificateGrant>;

impl NameTable {
    /// Adds an entry. Returns whether the name has one already; then nothing is added.
    pub(super) fn has_or_add(&mut self, name: CertificateName, grant: CertificateGrant) -> bool {
        match name {
            CertificateName::Dns(name) => has_or_add(&mut self.dns, name, grant),
            CertificateName::Email(name) => has_or_add(&mut self.emails, name, grant),
            CertificateName::Sha256(digest) => has_or_add(&mut self.digests, digest, grant),
            CertificateName::Subject(name) => has_or_add(&mut self.subjects, name, grant),
            CertificateName::Uri(name) => has_or_add(&mut self.uris, name, grant),
        }
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        let names = [&self.dns, &self.emails, &self.subjects, &self.uris];
        self.digests.len() + names.map(HashMap::len).iter().sum::<usize>()
    }

    /// Returns the entries of all names of a certificate.
    pub(super) fn find<'a>(
        &'a self,
        certificate: &'a ClientCertificate,
    ) -> impl Iterator<Item = &'a CertificateGrant> {
        let digest = self.digests.get(certificate.sha256());
        let subject = self.subjects.get(certificate.subject());
        let single = [digest, subject].into_iter().flatten();
        single
            .chain(find(&self.dns, certificate.dns_names()))
            .chain(find(&self.emails, certificate.emails()))
            .chain(find(&self.uris, certificate.uris()))
    }
}

fn has_or_add<K: Eq + Hash>(
    table: &mut HashMap<K, CertificateGrant>,
    name: K,
    grant: CertificateGrant,
) -> bool {
    match table.entry(name) {
        Entry::Occupied(_) => true,
        Entry::Vacant(free) => {
            free.insert(grant);
            false
        }
    }
}

/// Returns the entries of names of one kind. Does not look at the names if there is no entry.
fn find<'a>(
    table: &'a Names,
    names: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = &'a CertificateGrant> {
    let names = (!table.is_empty()).then_some(names);
    names
        .into_iter()
        .flatten()
        .filter_map(|name| table.get(name))
}
