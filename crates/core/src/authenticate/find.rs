//! Finds the one credential of a request, and removes it.
//!
//! Called by [`AuthenticateLayer`](super::AuthenticateLayer) before anything is verified. More than
//! one explicit credential is refused, so that a client cannot make two parts of the server see two
//! identities.

use std::{mem, sync::Arc};

use http::{HeaderValue, Uri, header::AUTHORIZATION, request, uri::PathAndQuery};

use super::{
    Authenticator, AuthenticatorId, Credential, CredentialSource, Presence,
    authorization::{Authorization, Unreadable},
    layer::Proof,
    query,
};
use crate::Rejection;

/// An authenticator and what it declared when the layer was built.
pub(super) struct Registered {
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) id: AuthenticatorId,
    pub(super) kind: &'static str,
    pub(super) challenge: HeaderValue,
    pub(super) sources: Box<[CredentialSource]>,
}

impl Registered {
    /// Reads the declarations of an authenticator, once.
    pub(super) fn new(authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            id: authenticator.id(),
            kind: authenticator.kind(),
            challenge: authenticator.challenge(),
            sources: authenticator.sources().into(),
            authenticator,
        }
    }
}

/// Which credential a request has.
pub(super) enum Shown {
    /// An `Authorization` that no authenticator here reads.
    Foreign,
    /// No credential.
    Nothing,
    /// Exactly one credential that an authenticator reads.
    One(Found),
}

/// A credential that was found, and which authenticator reads it.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The index of the authenticator.
    pub(super) reader: usize,
    pub(super) presence: Presence,
    pub(super) place: Place,
}

/// Where a credential was found.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Authorization {
        /// The offset of the token in the value of `Authorization`.
        token_start: usize,
    },
    /// Where only the authenticator can look.
    Custom,
    /// In the source of this index.
    Source(usize),
}

/// Why no credential can be selected. All are refused with 400, or as the authenticator says.
pub(super) enum NoChoice {
    /// The request has more than one.
    Ambiguous,
    /// `Authorization` cannot be parsed.
    Malformed,
    /// An authenticator refused what it saw.
    Refused(Box<Rejection>),
}

/// Finds the credential that the request means, before anything is verified. An explicit one goes before
/// an ambient one.
pub(super) fn find(all: &[Registered], head: &request::Parts) -> Result<Shown, NoChoice> {
    let mut explicit = Explicit::default();
    let mut ambient = None;
    match Authorization::of(&head.headers) {
        Ok(None) => {}
        Ok(Some(shown)) => explicit.add(1, authorization(all, shown)),
        Err(Unreadable::Malformed) => return Err(NoChoice::Malformed),
        Err(Unreadable::Repeated) => return Err(NoChoice::Ambiguous),
    }
    for (reader, one) in all.iter().enumerate() {
        for (index, source) in one.sources.iter().enumerate() {
            let shown = Found {
                reader,
                presence: Presence::Explicit,
                place: Place::Source(index),
            };
            explicit.add(source.count(head), Shown::One(shown));
        }
        let presence = one
            .authenticator
            .presence(head)
            .map_err(NoChoice::Refused)?;
        let found = Found {
            reader,
            presence,
            place: Place::Custom,
        };
        match presence {
            Presence::Absent => {}
            Presence::Ambient => ambient = ambient.or(Some(found)),
            Presence::Explicit => explicit.add(1, Shown::One(found)),
        }
    }
    match (explicit.number, ambient) {
        (0, Some(found)) => Ok(Shown::One(found)),
        (0 | 1, _) => Ok(explicit.shown),
        (_, _) => Err(NoChoice::Ambiguous),
    }
}

/// Explicit credentials, counted whether or not an authenticator here reads them.
struct Explicit {
    number: usize,
    shown: Shown,
}

impl Default for Explicit {
    fn default() -> Self {
        Self {
            number: 0,
            shown: Shown::Nothing,
        }
    }
}

impl Explicit {
    /// Counts credentials and keeps the last.
    fn add(&mut self, number: usize, shown: Shown) {
        if number > 0 {
            self.number += number;
            self.shown = shown;
        }
    }
}

/// Returns which authenticator reads an `Authorization`, if any.
fn authorization(all: &[Registered], shown: Authorization<'_>) -> Shown {
    match reader_of(all, shown) {
        Some(reader) => Shown::One(Found {
            reader,
            presence: Presence::Explicit,
            place: Place::Authorization {
                token_start: shown.scheme.len() + 1,
            },
        }),
        None => Shown::Foreign,
    }
}

/// Finds the authenticator whose declared shape fits best. Equal shapes were refused at build.
fn reader_of(all: &[Registered], shown: Authorization<'_>) -> Option<usize> {
    let fits = all.iter().enumerate().filter_map(|(reader, one)| {
        let fit = one
            .sources
            .iter()
            .filter_map(|source| source.fit(shown))
            .max()?;
        Some((fit, reader))
    });
    fits.max_by_key(|(fit, _)| *fit).map(|(_, reader)| reader)
}

/// Finds the authenticator that would read a credential that another layer removed already.
pub(super) fn reader_of_kept(all: &[Registered], proof: &Proof) -> Option<usize> {
    let before = proof.registered()?;
    let shares = |one: &Registered, wanted: &[CredentialSource]| {
        let mut ours = one.sources.iter();
        ours.any(|source| wanted.iter().any(|other| source.overlaps(other)))
    };
    match proof.place {
        Place::Authorization { .. } => {
            let (scheme, token) = (proof.credential.scheme()?, proof.credential.as_str()?);
            reader_of(all, Authorization { scheme, token })
        }
        Place::Custom => all.iter().position(|one| shares(one, &before.sources)),
        Place::Source(index) => {
            let wanted = before.sources.get(index..=index)?;
            all.iter().position(|one| shares(one, wanted))
        }
    }
}

/// Takes the credential out of the head.
pub(super) fn take(one: &Registered, place: Place, head: &mut request::Parts) -> Credential {
    let taken = match place {
        Place::Authorization { token_start } => head
            .headers
            .remove(AUTHORIZATION)
            .map(|value| Credential::authorization(value, token_start)),
        Place::Custom => Some(one.authenticator.take(head)),
        Place::Source(index) => match one.sources.get(index) {
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

/// Replaces the query. If the rest were no valid address, all of it would be dropped: no credential
/// may stay.
fn with_query(uri: Uri, query: &str) -> Uri {
    let target: Result<PathAndQuery, _> = match query {
        "" => uri.path().parse(),
        _ => format!("{}?{query}", uri.path()).parse(),
    };
    let mut parts = uri.into_parts();
    parts.path_and_query = target.ok();
    Uri::from_parts(parts).unwrap_or_default()
}
