//! The limits where the configuration names none: requests of an address, and seconds of sound of a key.

use std::sync::Arc;

use http::{Method, header::CONTENT_LENGTH, request};
use palisade::core::SharedClock;
use palisade::rate_limit::{ChargeWhen, CostUnit, LimitStore, RateLimitLayerBuilder};
use palisade::shield::ShieldBuilder;
use palisade::{Policy, RateLimitLayer};

use crate::{
    error::StartError,
    routes::{AUDIO_MILLISECONDS, CLIENT_LIMIT, LEAST_MILLISECONDS, TTS_LIMIT},
};

/// What is reserved for a character, in milliseconds: a syllable at the voice's own speed.
const CHARACTER: u64 = 250;
/// What is reserved where a request does not say how long its body is.
const UNKNOWN: u64 = 30_000;
/// What a request pays that was refused before its text was looked at by a voice.
const REFUSED: u32 = 100;
/// Bytes of a Chinese character in a body, and in a query.
const BODY_BYTES: u64 = 3;
const QUERY_BYTES: u64 = 9;
/// Bytes of a request besides its text: names of fields, a voice, an emotion.
const OVERHEAD: u64 = 80;

/// Adds both limits. `seconds` of sound a minute are granted to a key.
pub(crate) fn add(
    shield: ShieldBuilder,
    store: Option<&Arc<dyn LimitStore>>,
    clock: &SharedClock,
    seconds: u32,
) -> Result<ShieldBuilder, StartError> {
    let finish = |limit: RateLimitLayerBuilder| {
        let limit = limit.clock(clock.clone());
        let limit = match store {
            Some(store) => limit.store(Arc::clone(store)),
            None => limit,
        };
        limit.build().map_err(wrong)
    };
    let clients = Policy::named(CLIENT_LIMIT)
        .rate("60/minute")
        .map_err(wrong)?;
    let sound = sound(seconds)?;
    Ok(shield
        .limit_clients(finish(RateLimitLayer::by_client().policy(clients))?)
        .limit_principals(finish(RateLimitLayer::by_principal().policy(sound))?))
}

/// Counts milliseconds of sound. A guess from the head is reserved; what was computed replaces it at the end.
fn sound(seconds: u32) -> Result<Policy, StartError> {
    let most = u64::from(seconds) * 1_000;
    let policy = Policy::named(TTS_LIMIT).rate(&format!("{most}/minute"));
    Ok(policy
        .map_err(wrong)?
        .cost_by(move |head| reserve(head).min(most))
        .charge_when(ChargeWhen::Handled { otherwise: REFUSED })
        .settled_by(AUDIO_MILLISECONDS)
        .unit(CostUnit::Custom)
        .on_named_routes())
}

/// Guesses how long the sound of a request will be, in milliseconds, from the length of its query or body.
fn reserve(head: &request::Parts) -> u64 {
    let characters = if head.method == Method::GET {
        let query = head.uri.query().map_or(0, str::len) as u64;
        query.saturating_sub(OVERHEAD) / QUERY_BYTES
    } else {
        let length = head.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let Some(length) = length else {
            return UNKNOWN;
        };
        length.saturating_sub(OVERHEAD) / BODY_BYTES
    };
    characters.saturating_mul(CHARACTER).max(LEAST_MILLISECONDS)
}

fn wrong(error: impl std::fmt::Display) -> StartError {
    StartError::new(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::Request;

    use super::*;

    #[track_caller]
    fn check(request: http::request::Builder, milliseconds: u64) {
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(reserve(&head), milliseconds, "{head:?}");
    }

    #[test]
    fn the_reserve_follows_the_length_of_the_query_or_body() {
        check(Request::get("/tts?text=a"), 1_000);
        let query = format!("/tts?text={}", "%E5%A5%BD".repeat(108));
        check(Request::get(query), 24_750);
        let post = || Request::post("/tts");
        check(post().header("content-length", "90"), 1_000);
        check(post().header("content-length", "1580"), 125_000);
        check(post(), 30_000);
        check(post().header("content-length", "x"), 30_000);
        check(
            post().header("content-length", u64::MAX.to_string()),
            u64::MAX,
        );
    }
}
