//! The keys of `[[tokens]]` that name claims, and the realm.

use axum::{Router, routing};
use palisade::Principal;
use serde_json::json;

use super::{Setup, challenges, with_token};
use crate::support::{request, send_to};

const ISSUERS: &str = r#"
[server]
hosts = ["service.test"]

[[tokens]]
issuer = "https://id.example"
audience = "tts"
label = "own"
jwks_file = "issuer.jwks"
subject_claim = "oid"
tenant_claim = "tid"
tier_claim = "/account/plan"
realm = "speech"

[[tokens]]
issuer = "https://partner.example"
audience = "tts"
label = "partner"
jwks_file = "issuer.jwks"
tenant_claim = "org_id"
own_limits_claim = "/account/limits"

[[routes]]
path = "/who"
access = "authenticated"
"#;

#[tokio::test]
async fn each_issuer_names_the_claims_of_its_principals() {
    let setup = Setup::new(ISSUERS);
    let shield = setup.config().unwrap().assemble().unwrap().shield;
    let who = async |who: Principal| {
        let [owner, tier] = [who.owner(), who.tier()].map(|text| text.unwrap_or("none"));
        let speak = who.own_limits().amount("speak").map_or(0, u32::from);
        format!("{} {owner} {tier} {speak}", who.id())
    };
    let app = shield
        .protect(Router::new().route("/who", routing::get(who)))
        .unwrap();
    for (issuer, seen) in [
        ("https://id.example", "own:o-1 t-9 gold 0"),
        ("https://partner.example", "partner:lin acme none 7"),
    ] {
        let token = palisade::jwt::mint::Token::new(issuer, "tts", "lin")
            .claim("oid", "o-1")
            .claim("tid", "t-9")
            .claim("org_id", "acme")
            .claim(
                "account",
                json!({ "plan": "gold", "limits": { "speak": 7 } }),
            );
        let response = send_to(&app, with_token("GET", "/who", &setup.sign(&token))).await;
        assert_eq!((response.status, &*response.body), (200, seen), "{issuer}");
    }
    let without = palisade::jwt::mint::Token::new("https://id.example", "tts", "lin");
    let refused = send_to(&app, with_token("GET", "/who", &setup.sign(&without))).await;
    assert_eq!(refused.status, 401);
    let guest = send_to(&app, request("GET", "/who", None)).await;
    assert_eq!(challenges(&guest), ["Bearer realm=\"speech\""]);
}
