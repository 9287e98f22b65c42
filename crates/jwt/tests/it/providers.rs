//! Tokens as real providers issue them, from their public documentation, and near misses of each.
//!
//! `providers/NAME.json` has the tokens of one preset. Keys and times are those of the tests: `iat`
//! is moved to now, and the other dates with it.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use palisade_jwt::{
    Algorithm, Issuer, KeySet, Verifier,
    mint::SigningKey,
    providers::{self, PresetArguments, PresetError, Provider},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::{NOW, RSA, clock};

/// A key that no provider has published, under the name of one that it has.
static OTHER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::Rs256)
        .unwrap()
        .with_kid("rsa")
});
static EC384: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::Es384)
        .unwrap()
        .with_kid("ec384")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    tokens: Vec<Recorded>,
    near_misses: Vec<NearMiss>,
}

/// A token that is accepted.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    name: String,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    scopes: Vec<String>,
    subject: String,
}

/// A token that differs from an accepted one and is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NearMiss {
    name: String,
    /// The index of the token that it resembles.
    of: usize,
    code: String,
    #[serde(default)]
    header: Map<String, Value>,
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    remove: Vec<String>,
}

fn fixture(name: &str) -> Fixture {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/providers");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const OTHER_TENANT: &str = "22222222-2222-2222-2222-222222222222";
const API: &str = "33333333-3333-3333-3333-333333333333";

/// Every preset, with the arguments that its fixture needs.
fn presets() -> BTreeMap<&'static str, Provider> {
    let tts = "https://tts.example";
    BTreeMap::from([
        ("auth0", providers::auth0("acme.eu.auth0.com", tts)),
        (
            "authentik",
            providers::authentik("https://id.example/", "tts", "client-1"),
        ),
        (
            "azure_b2c",
            providers::azure_b2c("acme", TENANT, "B2C_1_signin", API),
        ),
        (
            "cognito",
            providers::cognito("eu-central-1", "eu-central-1_aBcDeFgHi", "1example23456789"),
        ),
        (
            "cognito_id_tokens",
            providers::cognito_id_tokens(
                "eu-central-1",
                "eu-central-1_aBcDeFgHi",
                "1example23456789",
            ),
        ),
        ("duende", providers::duende("https://id.example", "tts")),
        (
            "entra_v1",
            providers::entra_v1(TENANT, &format!("api://{API}")),
        ),
        ("entra_v2", providers::entra_v2(TENANT, API)),
        ("firebase", providers::firebase("acme-tts")),
        (
            "github_actions",
            providers::github_actions(tts, ["acme/tts"]),
        ),
        (
            "gitlab_ci",
            providers::gitlab_ci("https://gitlab.com/", tts, ["acme/tts"]),
        ),
        (
            "google_id_tokens",
            providers::google_id_tokens("1234987819200.apps.googleusercontent.com"),
        ),
        (
            "keycloak",
            providers::keycloak("https://id.example", "acme", "tts"),
        ),
        (
            "kubernetes",
            providers::kubernetes("https://kubernetes.default.svc.cluster.local", tts),
        ),
        ("logto", providers::logto("https://acme.logto.app", tts)),
        (
            "okta",
            providers::okta("acme.okta.com", "default", "api://default"),
        ),
        (
            "ping_am",
            providers::ping_am("https://id.example/am", "alpha", "tts"),
        ),
        ("pingone", providers::pingone("eu", TENANT, tts)),
        (
            "spring_authorization_server",
            providers::spring_authorization_server("https://id.example", "messaging-client"),
        ),
        (
            "xsuaa",
            providers::xsuaa(
                "https://acme.authentication.eu10.hana.ondemand.com",
                "tts!t1",
            ),
        ),
        (
            "zitadel",
            providers::zitadel("https://acme.zitadel.cloud", "344374183645413380"),
        ),
    ])
}

fn keys() -> KeySet {
    KeySet::from_keys([RSA.verifying_key(), EC384.verifying_key()]).unwrap()
}

fn verifier(issuer: Issuer) -> Verifier {
    let builder = Verifier::builder().issuer(issuer).clock(clock().shared());
    builder.build().unwrap()
}

/// Signs a recorded token with the key that its header names, at the time of the tests.
fn sign(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let (mut header, mut claims) = (header.clone(), claims.clone());
    let issued = claims["iat"].as_u64().unwrap();
    for name in ["iat", "nbf", "exp", "auth_time"] {
        if let Some(Value::Number(date)) = claims.get(name) {
            let moved = NOW + date.as_u64().unwrap() - issued;
            claims.insert(name.into(), moved.into());
        }
    }
    let other = header.remove("sign").is_some();
    let key = match header["kid"].as_str() {
        Some("ec384") => &EC384,
        _ if other => &OTHER,
        _ => &RSA,
    };
    let (header, claims) = (Value::Object(header), Value::Object(claims));
    key.sign_raw(&header.to_string(), &claims.to_string())
        .unwrap()
}

#[test]
fn each_preset_accepts_what_its_provider_issues() {
    for (name, preset) in presets() {
        let verifier = verifier(preset.with_keys(keys()));
        for token in fixture(name).tokens {
            let shown = format!("{name}: {}", token.name);
            let claims = verifier.verify(&sign(&token.header, &token.claims));
            let claims = claims.unwrap_or_else(|refused| panic!("{shown}: {refused}"));
            assert!(
                claims.scopes().eq(&token.scopes),
                "{shown}: {:?}",
                claims.scopes().collect::<Vec<_>>()
            );
            assert_eq!(claims.subject(), Some(&*token.subject), "{shown}");
        }
    }
}

#[test]
fn each_preset_refuses_the_near_misses_of_its_provider() {
    for (name, preset) in presets() {
        let verifier = verifier(preset.with_keys(keys()));
        let fixture = fixture(name);
        for miss in &fixture.near_misses {
            let mut token = fixture.tokens[miss.of].clone();
            token.header.extend(miss.header.clone());
            token.claims.extend(miss.claims.clone());
            for claim in &miss.remove {
                token.claims.remove(claim);
            }
            let shown = format!("{name}: {}", miss.name);
            let refused = verifier.verify(&sign(&token.header, &token.claims));
            assert_eq!(
                refused.err().map(|why| why.code()),
                Some(&*miss.code),
                "{shown}"
            );
        }
    }
}

/// What must not depend on the preset.
#[test]
fn no_preset_relaxes_what_it_does_not_name() {
    for (name, preset) in presets() {
        let verifier = verifier(preset.with_keys(keys()));
        let token = fixture(name).tokens.remove(0);
        let check = |change: &dyn Fn(&mut Recorded), expected: &str| {
            let mut token = token.clone();
            change(&mut token);
            let refused = verifier.verify(&sign(&token.header, &token.claims));
            assert_eq!(
                refused.err().map(|why| why.code()),
                Some(expected),
                "{name}"
            );
        };
        check(
            &|token| drop(token.header.insert("alg".into(), "none".into())),
            "algorithm_unknown",
        );
        check(
            &|token| drop(token.header.insert("alg".into(), "HS256".into())),
            "algorithm_not_allowed",
        );
        check(
            &|token| drop(token.header.insert("crit".into(), json!(["exp"]))),
            "critical_extension",
        );
        check(
            &|token| drop(token.header.insert("typ".into(), "dpop+jwt".into())),
            "type_mismatch",
        );
        check(&|token| drop(token.claims.remove("exp")), "claim_missing");
        check(
            &|token| drop(token.claims.insert("cnf".into(), json!({}))),
            "confirmation_unchecked",
        );
        check(
            &|token| drop(token.claims.insert("sub".into(), json!(7))),
            "claim_malformed",
        );
        let expired = |token: &mut Recorded| {
            let issued = token.claims["iat"].as_u64().unwrap();
            token.claims.insert("exp".into(), (issued - 31).into());
        };
        check(&expired, "expired");
        if name != "xsuaa" {
            check(
                &|token| {
                    drop(
                        token
                            .header
                            .insert("jku".into(), "https://evil.example".into()),
                    )
                },
                "embedded_key",
            );
        }
    }
}

#[test]
fn every_preset_has_an_https_address_for_its_keys() {
    for (name, preset) in presets() {
        assert!(preset.jwks_url().starts_with("https://"), "{name}");
        assert!(
            !preset.jwks_url()["https://".len()..].contains("//"),
            "{name}"
        );
        assert!(!preset.issuer_name().is_empty(), "{name}");
    }
}

#[test]
fn a_list_of_tenants_accepts_each_of_them_and_no_other() {
    let issuers = providers::entra_tenants([TENANT, OTHER_TENANT], API, keys());
    let verifier = Verifier::builder()
        .issuers(issuers)
        .clock(clock().shared())
        .build()
        .unwrap();
    let token = fixture("entra_v2").tokens.remove(0);
    let of_tenant = |tenant: &str| {
        let mut claims = token.claims.clone();
        let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        claims.insert("iss".into(), issuer.into());
        verifier
            .verify(&sign(&token.header, &claims))
            .map(|claims| claims.issuer().to_owned())
    };
    assert!(of_tenant(TENANT).unwrap().contains(TENANT));
    assert!(of_tenant(OTHER_TENANT).unwrap().contains(OTHER_TENANT));
    for stranger in [API, "{tenant}", "common", ""] {
        assert_eq!(of_tenant(stranger).unwrap_err().code(), "issuer_unknown");
    }
}

#[test]
fn a_preset_is_found_by_its_name_with_its_arguments() {
    let arguments = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), vec![(*value).into()]));
        pairs.collect::<PresetArguments>()
    };
    let all: &[(&str, &[(&str, &str)])] = &[
        ("auth0", &[("domain", "a.example")]),
        (
            "authentik",
            &[("address", "https://a.example"), ("application", "tts")],
        ),
        (
            "azure_b2c",
            &[("tenant_name", "acme"), ("tenant", TENANT), ("policy", "p")],
        ),
        ("cognito", &[("region", "r"), ("pool", "p")]),
        ("cognito_id_tokens", &[("region", "r"), ("pool", "p")]),
        ("duende", &[("issuer", "https://a.example")]),
        ("entra_v1", &[("tenant", TENANT)]),
        ("entra_v2", &[("tenant", TENANT)]),
        ("firebase", &[]),
        ("github_actions", &[("repositories", "acme/tts")]),
        (
            "gitlab_ci",
            &[("address", "https://a.example"), ("projects", "acme/tts")],
        ),
        ("google_id_tokens", &[]),
        (
            "keycloak",
            &[("address", "https://a.example"), ("realm", "acme")],
        ),
        ("kubernetes", &[("issuer", "https://a.example")]),
        ("logto", &[("address", "https://a.example")]),
        ("okta", &[("domain", "a.example"), ("server", "default")]),
        (
            "ping_am",
            &[("address", "https://a.example"), ("realm", "alpha")],
        ),
        ("pingone", &[("region", "eu"), ("environment", TENANT)]),
        (
            "spring_authorization_server",
            &[("issuer", "https://a.example")],
        ),
        ("xsuaa", &[("address", "https://a.example")]),
        ("zitadel", &[("issuer", "https://a.example")]),
    ];
    let named: Vec<_> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        named,
        presets().into_keys().collect::<Vec<_>>(),
        "none is missing"
    );
    for (name, pairs) in all {
        let found = Provider::by_name(name, "tts", arguments(pairs));
        assert!(found.is_ok(), "{name}: {found:?}");
        let mut more = arguments(pairs);
        more.insert("x".into(), vec![]);
        let unknown = Provider::by_name(name, "tts", more).map(drop);
        assert_eq!(
            unknown,
            Err(PresetError::ArgumentUnknown("x".into())),
            "{name}"
        );
    }
    let none = Provider::by_name("none", "tts", PresetArguments::new()).map(drop);
    assert_eq!(none, Err(PresetError::Name("none".into())));
    let missing = Provider::by_name("auth0", "tts", PresetArguments::new()).map(drop);
    assert_eq!(missing, Err(PresetError::Argument("domain")));
}
