//! From a request to whom it counts against.

use http::request;
use palisade_core::{Identity, Principal, Rejection, SecurityContext};

use crate::{
    Key, Subject,
    policy::{Clients, Kind},
};

/// Finds the subject of a key and hands it on.
///
/// # Errors
///
/// A layer outside should have left the client or the principal and did not: misconfigured.
pub(crate) fn with_subject<T>(
    key: &Key,
    cx: &SecurityContext,
    head: &request::Parts,
    found: impl FnOnce(&Subject<'_>) -> T,
) -> Result<T, Box<Rejection>> {
    match &key.0 {
        Kind::Client(clients) => Ok(found(&client(cx, clients)?)),
        Kind::Custom { name, key } => Ok(match key(cx, head) {
            Some(id) => found(&Subject::Named {
                kind: name,
                id: &id,
                group: None,
            }),
            None => found(&Subject::Everyone),
        }),
        Kind::Everyone => Ok(found(&Subject::Everyone)),
        Kind::Owner(guests) | Kind::Principal(guests) => match cx.identity() {
            Identity::Known(who) => Ok(found(&named(key, who))),
            Identity::Anonymous => Ok(found(&client(cx, guests)?)),
            Identity::Unknown => Err(misconfigured(
                "a limit by principal needs an authenticator outside it",
            )),
        },
    }
}

fn client(cx: &SecurityContext, by: &Clients) -> Result<Subject<'static>, Box<Rejection>> {
    match cx.client() {
        Some(client) => Ok(Subject::network(client.ip(), by.v4, by.v6)),
        None => Err(misconfigured(
            "a limit by client needs ClientInfoLayer outside it",
        )),
    }
}

fn named<'a>(key: &Key, who: &'a Principal) -> Subject<'a> {
    match (&key.0, who.owner()) {
        (Kind::Owner(_), Some(owner)) => Subject::Named {
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

fn misconfigured(reason: &'static str) -> Box<Rejection> {
    Box::new(Rejection::misconfigured(reason))
}
