//! One test for each attack, named after it.

use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use palisade_core::{Clock, Fact, SystemClock};

use crate::support::{
    MINUTE, NOW, ReceivedResponse, Stand, ask, ask_from, id_of, live, plain, with_header, with_uri,
};

/// Refused keys of every kind, with the private reason that each must have.
fn refused(stand: &Stand) -> Vec<(ReceivedResponse, &'static str)> {
    let known = stand.key();
    let elsewhere = Stand::new().key();
    let other_secret = stand
        .scheme
        .rotate(stand.store.table().get(id_of(&known)).unwrap(), NOW, NOW)
        .unwrap();
    let revoked = stand.key();
    stand.store.revoke(id_of(&revoked), NOW).unwrap();
    let expired = stand.mint(live().expires(NOW)).key().to_owned();
    let early = stand.mint(live().not_before(NOW + MINUTE)).key().to_owned();
    let bound = stand
        .mint(live().networks(["203.0.113.0/24".parse().unwrap()]))
        .key()
        .to_owned();
    let from_outside = ask_from(
        Some("198.51.100.1"),
        stand.layer(),
        with_header("x-api-key", &bound),
    );
    let mut mistyped = known.clone().into_bytes();
    mistyped[40] ^= 1;
    vec![
        (stand.send(""), "malformed key"),
        (stand.send("k"), "malformed key"),
        (stand.send("psk_live_"), "malformed key"),
        (stand.send("k".repeat(4096)), "malformed key"),
        (stand.send("k".repeat(known.len())), "malformed key"),
        (stand.send("ключ".as_bytes()), "malformed key"),
        (stand.send([0xff, 0xfe]), "malformed key"),
        (stand.send(mistyped), "malformed key"),
        (stand.send(elsewhere), "unknown key id"),
        (stand.send(other_secret.key()), "wrong secret"),
        (stand.send(revoked), "key revoked"),
        (stand.send(expired), "key expired"),
        (stand.send(early), "key not yet valid"),
        (
            from_outside,
            "key used from a network that it is not allowed from",
        ),
    ]
}

#[test]
fn every_refused_key_gets_the_same_response() {
    let stand = Stand::new();
    let all = refused(&stand);
    for (response, reason) in &all {
        assert_eq!(response.reason(), Some(*reason));
        assert_eq!(response.public(), all[0].0.public(), "{reason}");
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            response.headers["www-authenticate"],
            "ApiKey realm=\"api\", header=\"x-api-key\""
        );
        assert!(response.saw.is_none(), "{reason}");
    }
}

#[test]
fn an_absent_key_gets_the_response_of_a_wrong_one() {
    let stand = Stand::new();
    let (absent, wrong) = (ask(stand.layer(), plain()), stand.send("guess"));
    assert_eq!(absent.public(), wrong.public());
    assert!(absent.saw.is_none());
}

#[test]
fn every_refused_key_is_noted_for_the_penalty_of_those_who_guess() {
    let stand = Stand::new();
    for (response, reason) in refused(&stand) {
        assert_eq!(response.failures, ["api_key"], "{reason}");
    }
    let good = stand.key();
    assert!(stand.send(good).failures.is_empty());
}

#[test]
fn a_nul_in_a_key_is_malformed() {
    let stand = Stand::new();
    assert!(
        HeaderValue::from_bytes(b"psk_\0").is_err(),
        "no header can hold it"
    );
    let layer = stand
        .builder()
        .dangerously_accept_query_parameter("api_key")
        .build()
        .unwrap();
    let response = ask(layer, with_uri("/?api_key=psk_%00"));
    assert_eq!(response.reason(), Some("malformed key"));
}

#[test]
fn a_key_in_the_query_is_refused_by_default() {
    let stand = Stand::new();
    let key = stand.key();
    let response = ask(stand.layer(), with_uri(&format!("/?api_key={key}")));
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert!(!format!("{:?}", response.facts).contains(&key[..40]));
}

fn check_ambiguous(stand: &Stand, request: Request<http_body_util::Full<bytes::Bytes>>) {
    let layer = stand
        .builder()
        .dangerously_accept_query_parameter("api_key")
        .optional()
        .build()
        .unwrap();
    let shown = format!("{request:?}");
    let response = ask(layer, request);
    assert_eq!(response.status, StatusCode::BAD_REQUEST, "{shown}");
    assert!(response.saw.is_none());
}

#[test]
fn two_keys_in_one_request_are_refused() {
    let stand = Stand::new();
    let key = stand.key();
    let value = HeaderValue::from_str(&key).unwrap();
    let bearer = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    let in_query = format!("/?api_key={key}");

    let mut twice = with_header("x-api-key", &key);
    twice.headers_mut().append("x-api-key", value.clone());
    check_ambiguous(&stand, twice);

    let mut header_and_bearer = with_header("x-api-key", &key);
    header_and_bearer
        .headers_mut()
        .append(AUTHORIZATION, bearer.clone());
    check_ambiguous(&stand, header_and_bearer);

    let mut header_and_query = with_uri(&in_query);
    header_and_query.headers_mut().append("x-api-key", value);
    check_ambiguous(&stand, header_and_query);

    check_ambiguous(&stand, with_uri(&format!("{in_query}&api%5fkey={key}")));
}

#[test]
fn two_authorization_lines_are_refused_if_one_is_a_key() {
    let stand = Stand::new();
    let key = stand.key();
    for other in ["Basic YTpi", "Bearer eyJ", ""] {
        let mut request = with_header("authorization", other);
        request
            .headers_mut()
            .append(AUTHORIZATION, format!("Bearer {key}").try_into().unwrap());
        check_ambiguous(&stand, request);
    }
}

#[test]
fn tokens_of_others_are_not_ours_to_judge() {
    let stand = Stand::new();
    for other in [
        "Bearer eyJhbGciOiJIUzI1NiJ9",
        "Basic cHNrX2xpdmU6",
        "Bearer PSK_live_x",
    ] {
        let response = ask(stand.layer(), with_header("authorization", other));
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{other}");
        assert_eq!(response.failures, ["authorization"], "{other}");
    }
    for malformed in [
        "Bearer",
        "psk_live_x",
        "Bearer\tpsk_live_x",
        "Bearer  psk_live_x",
    ] {
        let response = ask(stand.layer(), with_header("authorization", malformed));
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{malformed:?}");
        assert!(response.failures.is_empty());
    }
}

#[test]
fn an_authorization_of_others_beside_a_valid_key_is_refused() {
    let stand = Stand::new();
    for other in ["Basic YTpi", "Bearer eyJ"] {
        let mut request = with_header("x-api-key", stand.key());
        request
            .headers_mut()
            .insert(AUTHORIZATION, HeaderValue::from_static(other));
        check_ambiguous(&stand, request);
    }
}

#[test]
fn keys_of_two_stores_in_nested_layers_must_be_in_both() {
    let (outer, inner) = (Stand::new(), Stand::new());
    let stack = || (outer.layer(), inner.layer());
    let response = ask(stack(), with_header("x-api-key", outer.key()));
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert!(response.saw.is_none());
    // The same layer twice decides once, and a clone of it is the same.
    let same = outer.layer();
    let response = ask((same.clone(), same), with_header("x-api-key", outer.key()));
    assert_eq!(response.status, StatusCode::OK);
}

#[test]
fn a_malformed_key_as_bearer_token_is_ours_and_refused() {
    let stand = Stand::new();
    let layer = stand.builder().optional().build().unwrap();
    let response = ask(layer, with_header("authorization", "Bearer psk_live_guess"));
    assert_eq!(response.reason(), Some("malformed key"));
}

#[test]
fn a_revoked_key_is_refused_by_the_very_service_that_admitted_it() {
    let stand = Stand::new();
    let key = stand.key();
    let layer = stand.layer();
    let send = || ask(layer.clone(), with_header("x-api-key", &key)).status;
    assert_eq!(send(), StatusCode::OK);
    stand.store.revoke(id_of(&key), NOW).unwrap();
    assert_eq!(send(), StatusCode::UNAUTHORIZED);
}

#[test]
fn an_expired_key_is_refused_at_that_second() {
    let stand = Stand::new();
    let key = stand.mint(live().expires(NOW + MINUTE)).key().to_owned();
    stand
        .clock
        .advance(MINUTE - std::time::Duration::from_nanos(1));
    assert_eq!(stand.send(&key).status, StatusCode::OK);
    stand.clock.advance(std::time::Duration::from_nanos(1));
    assert_eq!(stand.send(&key).status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_clock_before_its_time_does_not_bring_a_revoked_key_back() {
    let stand = Stand::new();
    let key = stand.key();
    stand
        .store
        .revoke(id_of(&key), NOW + 1000 * MINUTE)
        .unwrap();
    assert_eq!(stand.send(&key).reason(), Some("key revoked"));
}

#[test]
fn time_does_not_tell_a_known_id_from_an_unknown_one() {
    let stand = Stand::new();
    let known = stand.mint(live());
    let wrong = stand
        .scheme
        .rotate(known.record(), NOW, NOW)
        .unwrap()
        .key()
        .to_owned();
    let unknown = stand.scheme.mint(live(), NOW).unwrap().key().to_owned();
    // A check that skipped the digest for unknown ids would save more than half of this.
    let close = (0..10).any(|_| {
        let (wrong, unknown) = medians(&stand, &wrong, &unknown);
        let (less, more) = (wrong.min(unknown), wrong.max(unknown));
        more - less <= less / 10
    });
    assert!(
        close,
        "medians of 2000 samples differ by more than a tenth, ten times in a row"
    );
}

/// Times 2000 samples of each, one after the other in turn, on the guard alone.
fn medians(stand: &Stand, one: &str, other: &str) -> (u128, u128) {
    use palisade_core::{Guard, SecurityContext};
    let layer = stand.layer();
    let clock = SystemClock::default();
    let sample = |key: &str| {
        let (mut head, _) = with_header("x-api-key", key).into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let start = clock.monotonic();
        let verdict = layer.admit(&cx, &mut head);
        let took = clock.monotonic() - start;
        assert!(matches!(verdict, palisade_core::Verdict::Refuse(_)));
        took.as_nanos()
    };
    let (mut ones, mut others): (Vec<_>, Vec<_>) =
        (0..2000).map(|_| (sample(one), sample(other))).unzip();
    ones.sort_unstable();
    others.sort_unstable();
    (ones[1000], others[1000])
}

/// A clock that a test sets to any time, also to an earlier one.
#[derive(Debug, Default)]
struct SettableClock(std::sync::Mutex<Duration>);

impl palisade_core::Clock for SettableClock {
    fn unix_time(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_clock_that_steps_back_does_not_revive_an_expired_key() {
    let stand = Stand::new();
    let minted = stand.mint(live().expires(NOW + MINUTE));
    let clock = std::sync::Arc::new(SettableClock::default());
    let layer = stand.builder().clock(clock.clone()).build().unwrap();
    let stepped = Fact::Degraded {
        guard: "api_key",
        what: "clock_stepped_back",
    };
    let mut recorded = 0;
    let seconds = Duration::from_secs;
    for (time, status) in [
        (NOW, StatusCode::OK),
        (NOW + MINUTE, StatusCode::UNAUTHORIZED),
        (NOW, StatusCode::UNAUTHORIZED),
        (NOW + seconds(1), StatusCode::UNAUTHORIZED),
        (NOW - MINUTE, StatusCode::UNAUTHORIZED),
    ] {
        *clock.0.lock().unwrap() = time;
        let response = ask(layer.clone(), with_header("x-api-key", minted.key()));
        assert_eq!(response.status, status, "{time:?}");
        recorded += response
            .facts
            .iter()
            .filter(|fact| **fact == stepped)
            .count();
    }
    assert_eq!(recorded, 1, "told once");
}
