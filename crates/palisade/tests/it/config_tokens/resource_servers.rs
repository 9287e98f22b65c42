//! `[[resource_servers]]`.

use serde_json::{Value, json};

use super::{BASE, ISSUER, RESOURCE, RESOURCES, Setup, challenges, with_token};
use crate::support::{request, send_to};

const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

#[tokio::test]
async fn a_resource_server_of_a_file_does_what_one_of_a_program_does() {
    let resources = format!(
        "{RESOURCES}scopes = [\"tts:list\"]\ninitial_scopes = [\"basic\"]\n\
         scope_implies = {{ \"tts:admin\" = [\"tts:speak\"] }}\nname = \"Speech\"\n\
         documentation = \"https://service.test/docs\"\n"
    );
    let setup = Setup::new(&format!("{BASE}{resources}"));
    let app = setup.app();
    let metadata = format!("resource_metadata=\"https://service.test{METADATA}\"");
    let seen = send_to(&app, request("GET", "/mcp", None)).await;
    assert_eq!(seen.status, 401);
    let expected = format!("Bearer realm=\"api\", {metadata}, scope=\"basic\"");
    assert_eq!(challenges(&seen), [expected]);

    let document = send_to(&app, request("GET", METADATA, None)).await;
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["tts:list"],
        "resource_name": "Speech",
        "resource_documentation": "https://service.test/docs",
    });
    assert_eq!(document, expected);

    let status = async |method: &str, audience: &str, scopes: &[&str]| {
        let token = setup.token(audience, scopes);
        send_to(&app, with_token(method, "/mcp", &token)).await
    };
    assert_eq!(status("GET", RESOURCE, &[]).await.status, 200);
    assert_eq!(status("POST", RESOURCE, &["tts:admin"]).await.status, 200);
    let narrow = status("POST", RESOURCE, &[]).await;
    assert_eq!(narrow.status, 403);
    assert!(challenges(&narrow)[0].contains("error=\"insufficient_scope\", scope=\"tts:speak\""));
    for other in ["https://service.test", "https://service.test/v1", "voice"] {
        assert_eq!(status("GET", other, &[]).await.status, 401, "{other}");
    }
}

#[tokio::test]
async fn several_resources_share_the_keys_and_accept_their_own_tokens_only() {
    let text =
        format!("{BASE}{RESOURCES}[[resource_servers]]\nresource = \"https://service.test/v1\"\n");
    let setup = Setup::new(&text);
    let config = setup.config().unwrap();
    assert!(config.resources().eq([RESOURCE, "https://service.test/v1"]));
    let app = setup.app();
    let (mcp, v1) = (
        setup.token(RESOURCE, &[]),
        setup.token("https://service.test/v1", &[]),
    );
    for (path, token, status) in [
        ("/mcp", &mcp, 200),
        ("/v1", &v1, 200),
        ("/mcp", &v1, 401),
        ("/v1", &mcp, 401),
    ] {
        let seen = send_to(&app, with_token("GET", path, token)).await;
        assert_eq!(seen.status, status, "{path}");
    }
}

#[tokio::test]
async fn another_audience_needs_its_loud_key() {
    let own = BASE.replace("jwks_file", "audience = \"everything\"\njwks_file");
    let setup = Setup::new(&format!("{own}{RESOURCES}"));
    let error = setup.error();
    assert!(error.contains(": resource_servers.resource: "), "{error}");
    assert!(error.contains("another audience"), "{error}");
    let loud = format!("{own}{RESOURCES}dangerously_accept_other_audiences = true\n");
    let setup = Setup::new(&loud);
    let token = setup.token("everything", &[]);
    let seen = send_to(&setup.app(), with_token("GET", "/mcp", &token)).await;
    assert_eq!(seen.status, 200);
}
