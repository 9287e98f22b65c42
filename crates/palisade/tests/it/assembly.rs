//! What a shield refuses, or warns about, when it is assembled.

use palisade::{HttpsLayer, Rule, Shield, ShieldBuildError};

use crate::support::*;

#[test]
fn the_order_is_fixed_whatever_the_order_of_the_calls() {
    let shield = test_shield()
        .builder
        .rules(routes().into_parts().unwrap().1)
        .build()
        .unwrap();
    assert_eq!(shield.order(), ORDER);
}

#[test]
fn parts_that_do_not_fit_are_build_errors_with_a_remedy() {
    let table = |rule| palisade::Rules::new().any("/a", rule);
    let hosts = || palisade::AllowedHosts::parse(["a.test"]).unwrap();
    let error = Shield::builder()
        .rules(table(Rule::public()))
        .build()
        .unwrap_err();
    assert_eq!(error, ShieldBuildError::NoHosts);
    let error = Shield::builder()
        .hosts(hosts())
        .rules(table(Rule::authenticated()))
        .build()
        .unwrap_err();
    assert!(error.to_string().contains(".authenticate("), "{error}");
    let error = Shield::builder()
        .hosts(hosts())
        .rules(table(Rule::public().limit("x")))
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("`x`"), "{error}");
    let limit = |builder: palisade::rate_limit::RateLimitLayerBuilder| {
        let policy = palisade::Policy::named("same").rate("1/minute").unwrap();
        builder.policy(policy).build().unwrap()
    };
    let shared = Shield::builder()
        .hosts(hosts())
        .limit_clients(limit(palisade::RateLimitLayer::by_client()))
        .limit_principals(limit(palisade::RateLimitLayer::by_principal()));
    let error = shared.rules(table(Rule::public())).build().unwrap_err();
    assert!(error.to_string().contains("`same`"), "{error}");
    let gate = Shield::builder().hosts(hosts()).audit_before_handler();
    assert_eq!(
        gate.rules(table(Rule::public())).build().unwrap_err(),
        ShieldBuildError::GateWithoutPromise
    );
}

#[test]
fn a_limit_in_the_wrong_position_is_a_build_error() {
    use palisade::rate_limit::RateLimitLayerBuilder;
    use palisade::{Policy, RateLimitLayer};

    let table = palisade::Rules::new;
    let limit = |builder: RateLimitLayerBuilder| {
        let policy = Policy::named("one").rate("1/minute").unwrap();
        builder.policy(policy).build().unwrap()
    };
    let bare = || Shield::builder().hosts(palisade::AllowedHosts::parse(["a.test"]).unwrap());

    let anonymous = bare().limit_principals(limit(RateLimitLayer::by_principal()));
    let error = anonymous.rules(table()).build().unwrap_err();
    assert_eq!(error.code(), "principal-limit-without-authenticator");
    assert!(error.to_string().contains(".authenticate("), "{error}");

    let too_early = bare().limit_clients(limit(RateLimitLayer::by_principal()));
    let error = too_early.rules(table()).build().unwrap_err();
    assert_eq!(error.code(), "misplaced-limit");
    assert!(error.to_string().contains("`limit_principals`"), "{error}");

    let too_late = test_shield()
        .builder
        .limit_principals(limit(RateLimitLayer::by_client()));
    assert_eq!(
        too_late.rules(table()).build().unwrap_err().code(),
        "misplaced-limit"
    );
}

#[test]
fn a_limit_that_no_rule_names_is_a_warning() {
    let shield = test_shield()
        .builder
        .rules(palisade::Rules::new())
        .build()
        .unwrap();
    let warnings: Vec<_> = shield.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("PAL0004 unused-limit: ") && warnings[0].contains("`speak`"),
        "{warnings:?}"
    );
    assert!(shield.explain().contains("Warning PAL0004 unused-limit"));
}

#[test]
fn a_gate_before_the_handler_needs_a_trail_that_fails_closed() {
    let table = palisade::Rules::new();
    let gated = test_shield().builder.audit_before_handler();
    assert_eq!(
        gated.rules(table).build().unwrap_err(),
        ShieldBuildError::GateWithoutPromise
    );
}

#[test]
fn a_stack_explains_itself_and_warns() {
    let shield = test_shield()
        .builder
        .rules(routes().into_parts().unwrap().1)
        .build()
        .unwrap();
    let text = shield.explain();
    for part in [
        "From the outside in",
        "/speak: scopes speak; limits speak; text text",
        "20",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(shield.warnings().is_empty());
    let hosts = palisade::AllowedHosts::parse(["a.test"]).unwrap();
    let bare = Shield::builder().hosts(hosts).https(HttpsLayer::new());
    let bare = bare.rules(palisade::Rules::new()).build().unwrap();
    let codes: Vec<&str> = bare.warnings().iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["no-audit", "no-client-limit"]);
}

#[test]
fn two_authenticators_that_read_the_same_header_do_not_build() {
    let (one, two) = (test_shield(), test_shield());
    let keys = || {
        let scheme =
            palisade::api_key::KeyScheme::new(palisade::api_key::Pepper::generate().unwrap());
        palisade::ApiKeyLayer::new(scheme, palisade::api_key::MemoryKeyStore::new())
    };
    let table = || routes().into_parts().unwrap().1;
    let built = one.builder.authenticate(keys()).rules(table()).build();
    assert!(matches!(
        built,
        Err(palisade::ShieldBuildError::Authenticators(_))
    ));
    assert!(two.builder.rules(table()).build().is_ok());
}
