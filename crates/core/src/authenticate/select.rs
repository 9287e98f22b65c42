//! Selects the one credential of a request, and removes it.
//!
//! Called by [`AuthenticateLayer`](super::AuthenticateLayer) before anything is verified. More than
//! one explicit credential is refused, so that a client cannot make two parts of the server see two
//! identities.

use std::mem;

use http::{Uri, header::AUTHORIZATION, request};
use palisade_internal::uri::with_query;

use super::registered::RegisteredAuthenticator;
use crate::{
    credential::{
        Authorization, AuthorizationError, Credential, CredentialPlace, CredentialSource, Presence,
        Proof, query,
    },
    rejection::Rejection,
};

/// Which credential a request has.
pub(super) enum FoundCredential {
    /// No credential.
    None,
    /// Exactly one credential that an authenticator reads.
    One(SelectedCredential),
    /// An `Authorization` that no authenticator here reads.
    Unread,
}

/// A credential that was found, and which authenticator reads it.
#[derive(Clone, Copy)]
pub(super) struct SelectedCredential {
    /// The index of the authenticator.
    pub(super) reader: usize,
    pub(super) presence: Presence,
    pub(super) place: CredentialPlace,
}

/// Why no credential can be selected. All are refused with 400, or as the authenticator says.
pub(super) enum SelectError {
    /// The request has more than one.
    Ambiguous,
    /// `Authorization` cannot be parsed.
    Malformed,
    /// An authenticator refused what it saw.
    Refused(Box<Rejection>),
}

/// Finds the credential that the request means, before anything is verified. An explicit one goes before
/// an ambient one.
pub(super) fn select_credential(
    all: &[RegisteredAuthenticator],
    head: &request::Parts,
) -> Result<FoundCredential, SelectError> {
    let mut explicit = ExplicitCredentials::default();
    let mut ambient = None;
    match Authorization::of(&head.headers) {
        Ok(None) => {}
        Ok(Some(sent)) => explicit.add(1, authorization(all, sent)),
        Err(AuthorizationError::Malformed) => return Err(SelectError::Malformed),
        Err(AuthorizationError::Repeated) => return Err(SelectError::Ambiguous),
    }
    for (reader, one) in all.iter().enumerate() {
        for (index, source) in one.info.sources.iter().enumerate() {
            let found = SelectedCredential {
                reader,
                presence: Presence::Explicit,
                place: CredentialPlace::Source(index),
            };
            explicit.add(source.count(head), FoundCredential::One(found));
        }
        let presence = one
            .authenticator
            .presence(head)
            .map_err(SelectError::Refused)?;
        let found = SelectedCredential {
            reader,
            presence,
            place: CredentialPlace::Custom,
        };
        match presence {
            Presence::Absent => {}
            Presence::Ambient => ambient = ambient.or(Some(found)),
            Presence::Explicit => explicit.add(1, FoundCredential::One(found)),
        }
    }
    match (explicit.count, ambient) {
        (0, Some(found)) => Ok(FoundCredential::One(found)),
        (0 | 1, _) => Ok(explicit.last),
        (_, _) => Err(SelectError::Ambiguous),
    }
}

/// Explicit credentials, counted whether or not an authenticator here reads them.
struct ExplicitCredentials {
    count: usize,
    last: FoundCredential,
}

impl Default for ExplicitCredentials {
    fn default() -> Self {
        Self {
            count: 0,
            last: FoundCredential::None,
        }
    }
}

impl ExplicitCredentials {
    /// Counts credentials and keeps the last.
    fn add(&mut self, count: usize, found: FoundCredential) {
        if count > 0 {
            self.count += count;
            self.last = found;
        }
    }
}

/// Returns which authenticator reads an `Authorization`, if any.
fn authorization(all: &[RegisteredAuthenticator], sent: Authorization<'_>) -> FoundCredential {
    match reader_of(all, sent) {
        Some(reader) => FoundCredential::One(SelectedCredential {
            reader,
            presence: Presence::Explicit,
            place: CredentialPlace::Authorization {
                token_start: sent.scheme.len() + 1,
            },
        }),
        None => FoundCredential::Unread,
    }
}

/// Finds the authenticator whose declared shape fits best. Equal shapes were refused at build.
fn reader_of(all: &[RegisteredAuthenticator], sent: Authorization<'_>) -> Option<usize> {
    let fits = all.iter().enumerate().filter_map(|(reader, one)| {
        let fit = one
            .info
            .sources
            .iter()
            .filter_map(|source| source.fit(sent))
            .max()?;
        Some((fit, reader))
    });
    fits.max_by_key(|(fit, _)| *fit).map(|(_, reader)| reader)
}

/// Finds the authenticator that would read a credential that another layer removed already.
///
/// Authenticators without a declared source find the credential themselves, so their kind tells which
/// one reads it.
pub(super) fn reader_of_proven(all: &[RegisteredAuthenticator], proof: &Proof) -> Option<usize> {
    let before = &proof.authenticator.sources;
    let shares = |one: &RegisteredAuthenticator, wanted: &[CredentialSource]| {
        let mut ours = one.info.sources.iter();
        ours.any(|source| wanted.iter().any(|other| source.overlaps(other)))
    };
    match proof.place {
        CredentialPlace::Authorization { .. } => {
            let (scheme, token) = (proof.credential.scheme()?, proof.credential.as_str()?);
            reader_of(all, Authorization { scheme, token })
        }
        CredentialPlace::Custom if before.is_empty() => {
            let kind = proof.authenticator.kind;
            let same = |one: &RegisteredAuthenticator| {
                one.info.sources.is_empty() && one.info.kind == kind
            };
            all.iter().position(same)
        }
        CredentialPlace::Custom => all.iter().position(|one| shares(one, before)),
        CredentialPlace::Source(index) => {
            let wanted = before.get(index..=index)?;
            all.iter().position(|one| shares(one, wanted))
        }
    }
}

/// Takes the credential out of the head.
pub(super) fn take(
    one: &RegisteredAuthenticator,
    place: CredentialPlace,
    head: &mut request::Parts,
) -> Credential {
    let taken = match place {
        CredentialPlace::Authorization { token_start } => head
            .headers
            .remove(AUTHORIZATION)
            .map(|value| Credential::authorization(value, token_start)),
        CredentialPlace::Custom => Some(one.authenticator.take(head)),
        CredentialPlace::Source(index) => match one.info.sources.get(index) {
            Some(CredentialSource::Header(name)) => {
                head.headers.remove(name).map(Credential::header)
            }
            Some(CredentialSource::QueryParameter(name)) => take_parameter(&mut head.uri, name),
            _ => None,
        },
    };
    // It was found before. If it were missing, an empty one would be verified, and refused.
    taken.unwrap_or(const { Credential::outside() })
}

/// Removes a query parameter and returns its value.
fn take_parameter(uri: &mut Uri, name: &str) -> Option<Credential> {
    let (value, rest) = query::take(uri.query()?, name)?;
    *uri = with_query(mem::take(uri), &rest);
    Some(Credential::bytes(value))
}
