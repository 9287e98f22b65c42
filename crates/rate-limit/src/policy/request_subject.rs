//! From a request to the [`Subject`] that it counts against.
//!
//! Used by the rate limit layer and by `ConcurrencyLayer`. Without the client's address or an
//! authenticator the request is refused with 500 `misconfigured`.

use http::request;
use palisade_core::{Identity, Principal, Rejection, SecurityContext};
use palisade_internal::hex;

use super::{
    key::{AddressPrefixes, Key, KeyKind},
    subject::Subject,
};

/// Finds the subject of a key and passes it to a function, without copying its names.
///
/// # Errors
///
/// 500 `misconfigured`: a layer outside should have determined the client or the principal and did not.
pub(crate) fn with_request_subject<T>(
    key: &Key,
    cx: &SecurityContext,
    head: &request::Parts,
    found: impl FnOnce(&Subject<'_>) -> T,
) -> Result<T, Box<Rejection>> {
    match &key.0 {
        KeyKind::Pair(first, second) => {
            let id = format!(
                "{}{}",
                text_of(first, cx, head)?,
                text_of(second, cx, head)?
            );
            Ok(found(&Subject::Named {
                kind: "pair",
                id: &id,
                group: None,
            }))
        }
        KeyKind::Client(clients) => Ok(found(&client(cx, clients)?)),
        KeyKind::Custom { name, key } => Ok(match key(cx, head) {
            Some(id) => found(&Subject::Named {
                kind: name,
                id: &id,
                group: None,
            }),
            None => found(&Subject::Everyone),
        }),
        KeyKind::Everyone => Ok(found(&Subject::Everyone)),
        KeyKind::Owner(guests) | KeyKind::Principal(guests) => match cx.identity() {
            Identity::Known(who) => Ok(found(&named(key, who))),
            Identity::Anonymous => Ok(found(&client(cx, guests)?)),
            Identity::Unknown => Err(misconfigured(
                "a limit by principal needs an authenticator outside it",
            )),
        },
    }
}

/// As [`with_request_subject`], for a function that returns nothing. It is no generic function, so that
/// a pair of pairs needs no type of its own.
///
/// # Errors
///
/// As [`with_request_subject`].
fn subject_of(
    key: &Key,
    cx: &SecurityContext,
    head: &request::Parts,
    found: &mut dyn FnMut(&Subject<'_>),
) -> Result<(), Box<Rejection>> {
    with_request_subject(key, cx, head, |subject| found(subject))
}

/// Returns the subject of one part of a pair as text. Its length stands before it, so that no two
/// different pairs have one text.
///
/// # Errors
///
/// As [`with_request_subject`].
fn text_of(
    key: &Key,
    cx: &SecurityContext,
    head: &request::Parts,
) -> Result<String, Box<Rejection>> {
    let mut text = String::new();
    // The parts of a pair can be pairs: their subjects are names, and need no second look-up.
    let write: &mut dyn FnMut(&Subject<'_>) = &mut |subject| {
        let mut bytes = 0;
        subject.write(&mut |part| {
            bytes += part.len();
            text += &hex::encode(part);
        });
        text.insert_str(0, &format!("{bytes}:"));
    };
    subject_of(key, cx, head, write)?;
    Ok(text)
}

/// Returns the client by its address. An error: no layer further out has determined it.
fn client(cx: &SecurityContext, by: &AddressPrefixes) -> Result<Subject<'static>, Box<Rejection>> {
    match cx.client() {
        Some(client) => Ok(Subject::network(client.ip(), by.v4, by.v6)),
        None => Err(misconfigured(
            "a limit by client needs ClientInfoLayer outside it",
        )),
    }
}

/// Returns the principal, or its owner if the key counts owners.
fn named<'a>(key: &Key, who: &'a Principal) -> Subject<'a> {
    match (&key.0, who.owner()) {
        (KeyKind::Owner(_), Some(owner)) => Subject::Named {
            kind: "owner",
            id: owner,
            group: None,
        },
        (_, group) => Subject::Named {
            kind: who.kind(),
            id: who.id(),
            group,
        },
    }
}

/// Refuses with 500. The reason goes to the log, and not to the client.
fn misconfigured(reason: &'static str) -> Box<Rejection> {
    Box::new(Rejection::misconfigured(reason))
}
