//! What keys look like, and what their records tell.

use std::time::Duration;

use http::StatusCode;
use palisade_api_key::{
    Environment, Grant, InvalidGrant, KeyDigest, KeyFailure, KeyFormat, KeyRecord, KeyScheme,
    MintError, MintedKey, Pepper, TableError,
};

use crate::support::{MINUTE, NOW, Stand, id_of, live};

#[test]
fn a_key_has_five_parts_without_anything_that_breaks_a_double_click() {
    let stand = Stand::new();
    for environment in [Environment::Live, Environment::Test] {
        let key = stand.mint(Grant::new(environment)).key().to_owned();
        let parts: Vec<_> = key.split('_').collect();
        assert_eq!(parts[..2], ["psk", environment.as_str()]);
        assert_eq!(
            [12, 43, 6],
            [parts[2].len(), parts[3].len(), parts[4].len()]
        );
        assert!(
            key.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        );
    }
}

#[test]
fn two_keys_share_neither_id_nor_secret() {
    let stand = Stand::new();
    let (one, other) = (stand.key(), stand.key());
    assert!(one.split('_').skip(2).all(|part| !other.contains(part)));
}

#[test]
fn prefixes_are_short_words() {
    for good in ["psk", "ab", "acme2", "sixteenletterslo"] {
        assert_eq!(KeyFormat::with_prefix(good).unwrap().prefix(), good);
    }
    for bad in [
        "",
        "a",
        "Psk",
        "2ab",
        "a_b",
        "a-b",
        "ключ",
        "seventeenletterss",
    ] {
        assert!(KeyFormat::with_prefix(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_pattern_for_scanners_finds_every_key_and_nothing_that_is_nearly_one() {
    for format in [
        KeyFormat::default(),
        KeyFormat::with_prefix("acme").unwrap(),
    ] {
        let scheme = KeyScheme::with_format(format.clone(), Pepper::generate().unwrap());
        let pattern = regex::Regex::new(&format.scanner_pattern()).unwrap();
        for environment in [Environment::Live, Environment::Test] {
            for _ in 0..50 {
                let minted = scheme.mint(Grant::new(environment), NOW).unwrap();
                let key = minted.key();
                for text in [
                    key.to_owned(),
                    format!("{{\"k\":\"\\n{key}\"}}"),
                    format!("KEY_{key}x"),
                ] {
                    let found: Vec<&str> =
                        pattern.find_iter(&text).map(|one| one.as_str()).collect();
                    assert_eq!(found, [key]);
                }
                assert!(format.parse(key.as_bytes()).is_ok());
                let other = key.replace("_live_", "_prod_").replace("_test_", "_prod_");
                for near in [&key[1..], &key[..key.len() - 1], &*other] {
                    assert!(!pattern.is_match(near), "{near}");
                }
            }
        }
    }
}

#[test]
fn a_typo_is_found_without_a_store() {
    let stand = Stand::new();
    let key = stand.key();
    let format = stand.scheme.format();
    assert!(format.parse(key.as_bytes()).is_ok());
    for place in 0..key.len() {
        let mut mistyped = key.clone().into_bytes();
        mistyped[place] = if mistyped[place] == b'7' { b'8' } else { b'7' };
        assert!(format.parse(&mistyped).is_err(), "place {place}");
    }
    let swapped = key.replacen(
        &key[30..32],
        &key[30..32].chars().rev().collect::<String>(),
        1,
    );
    assert_eq!(format.parse(swapped.as_bytes()).is_ok(), swapped == key);
}

#[test]
fn a_key_of_another_prefix_is_malformed() {
    let stand = Stand::new();
    let other = KeyFormat::with_prefix("pks").unwrap();
    assert!(other.parse(stand.key().as_bytes()).is_err());
}

fn check_grant(grant: Grant, problem: InvalidGrant) {
    let minted = Stand::new().scheme.mint(grant, NOW);
    assert_eq!(minted.unwrap_err(), MintError::Grant(problem));
}

#[test]
fn unusable_grants_are_refused_when_minting() {
    check_grant(live().scopes(["a b"]), InvalidGrant::Scope);
    check_grant(live().scopes([""]), InvalidGrant::Scope);
    check_grant(live().scopes(["a\"b"]), InvalidGrant::Scope);
    check_grant(live().scopes(["中文"]), InvalidGrant::Scope);
    check_grant(live().scopes(["s"; 65]), InvalidGrant::TooMany);
    check_grant(live().owner("a\nb"), InvalidGrant::Text { field: "owner" });
    check_grant(live().tier(""), InvalidGrant::Text { field: "tier" });
    check_grant(
        live().note("\u{9b}31m"),
        InvalidGrant::Text { field: "note" },
    );
    check_grant(
        live().note("x".repeat(129)),
        InvalidGrant::Text { field: "note" },
    );
    check_grant(
        live().not_before(NOW).expires(NOW),
        InvalidGrant::NeverValid,
    );
}

#[test]
fn the_principal_carries_what_was_granted() {
    let grant = live()
        .owner("team")
        .tier("gold")
        .scopes(["a", "b"])
        .expires(NOW + MINUTE)
        .note("private");
    let minted = Stand::new().mint(grant);
    let who = minted.record().principal();
    assert_eq!(who.id(), id_of(minted.key()).as_str());
    assert_eq!(who.credential(), Some(who.id()));
    assert_eq!(
        (who.kind(), who.owner(), who.tier()),
        ("api_key", Some("team"), Some("gold"))
    );
    assert_eq!(who.scopes().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(who.expires(), Some(NOW + MINUTE));
    assert_eq!(who.attribute("environment"), Some("live"));
    assert!(!format!("{who:?}").contains("private"));
}

#[test]
fn a_fraction_of_a_second_never_lengthens_a_key() {
    let half = Duration::from_millis(500);
    let record = Stand::new()
        .mint(live().not_before(NOW + half).expires(NOW + MINUTE + half))
        .record()
        .clone();
    assert_eq!(record.not_before(), Some(NOW + Duration::from_secs(1)));
    assert_eq!(record.expires(), Some(NOW + MINUTE));
}

#[test]
fn ended_keys_are_not_rotated() {
    let stand = Stand::new();
    let record = stand.mint(live().expires(NOW + MINUTE)).record().clone();
    let rotate = |record: &KeyRecord, now| stand.scheme.rotate(record, NOW + MINUTE, now).map(drop);
    assert_eq!(rotate(&record, NOW), Ok(()));
    assert_eq!(rotate(&record, NOW + MINUTE), Err(MintError::Over));
    assert_eq!(rotate(&record.revoked(NOW), NOW), Err(MintError::Over));
}

#[test]
fn a_session_made_from_a_key_can_ask_whether_it_still_stands() {
    let network = "203.0.113.0/24".parse().unwrap();
    let record = Stand::new()
        .mint(live().expires(NOW + MINUTE).networks([network]))
        .record()
        .clone();
    let inside = Some("203.0.113.7".parse().unwrap());
    assert_eq!(record.check_without_secret(NOW, inside), Ok(()));
    assert_eq!(
        record.check_without_secret(NOW, Some("::1".parse().unwrap())),
        Err(KeyFailure::NetworkNotAllowed)
    );
    assert_eq!(
        record.check_without_secret(NOW + MINUTE, inside),
        Err(KeyFailure::Expired)
    );
    assert_eq!(
        record.revoked(NOW).check_without_secret(NOW, inside),
        Err(KeyFailure::Revoked)
    );
}

#[test]
fn a_scheme_knows_the_records_that_its_pepper_and_prefix_made() {
    let pepper = Pepper::generate().unwrap();
    let record = KeyScheme::new(pepper.clone())
        .mint(live(), NOW)
        .unwrap()
        .record()
        .clone();
    let other_prefix = KeyFormat::with_prefix("acme").unwrap();
    assert!(KeyScheme::new(pepper.clone()).made(&record));
    assert!(!KeyScheme::with_format(other_prefix, pepper).made(&record));
    assert!(!KeyScheme::new(Pepper::generate().unwrap()).made(&record));
}

#[test]
fn a_revoked_key_does_not_come_back() {
    let stand = Stand::new();
    let record = stand.mint(live()).record().clone();
    stand.store.revoke(record.id(), NOW).unwrap();
    stand.store.revoke(record.id(), NOW + MINUTE).unwrap();
    let kept = stand.store.table().get(record.id()).unwrap().revoked_at();
    assert_eq!(kept, Some(NOW), "the first date counts");
    assert_eq!(
        stand.store.replace(record.clone()),
        Err(TableError::Revoked(record.id()))
    );
    assert_eq!(
        stand.store.insert(record.clone()),
        Err(TableError::Duplicate(record.id()))
    );
}

#[test]
fn all_keys_of_an_owner_are_revoked_at_once() {
    let stand = Stand::new();
    let theirs = [
        stand.mint(live().owner("team")),
        stand.mint(live().owner("team")),
    ];
    let others = [stand.mint(live().owner("other")), stand.mint(live())];
    let ids = |minted: &[MintedKey; 2]| {
        let mut ids: Vec<_> = minted.iter().map(|minted| minted.record().id()).collect();
        ids.sort();
        ids
    };
    let revoked = stand
        .store
        .update(|table| Ok::<_, TableError>(table.revoke_owner("team", NOW)));
    assert_eq!(revoked.unwrap(), ids(&theirs));
    for minted in theirs {
        assert_eq!(stand.send(minted.key()).reason(), Some("key revoked"));
    }
    for minted in others {
        assert_eq!(stand.send(minted.key()).status, StatusCode::OK);
    }
}

#[test]
fn changes_of_unknown_keys_are_errors() {
    let stand = Stand::new();
    let record = stand.scheme.mint(live(), NOW).unwrap().record().clone();
    let unknown = TableError::Unknown(record.id());
    assert_eq!(stand.store.revoke(record.id(), NOW), Err(unknown));
    assert_eq!(stand.store.replace(record), Err(unknown));
}

#[test]
fn a_key_is_not_a_digest() {
    assert!(KeyDigest::from_text(&Stand::new().key()).is_none());
}
