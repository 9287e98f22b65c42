//! `[[client_certificates]]`: certificates of clients as principals.

use std::time::Duration;

use axum::{Router, routing};
use palisade::config::Config;
use palisade::core::ClientCertificate;

use crate::support::{request, send_to};

const BASE: &str = r#"
[server]
hosts = ["service.test"]
client_auth = { authorities = ["clients.pem"] }

[[routes]]
path = "/invoices"
access = ["invoices:read"]
"#;
const URI: &str = "spiffe://example.org/billing";

fn certificate() -> ClientCertificate {
    ClientCertificate::new([0xab; 32])
        .with_subject("CN=billing,O=Example")
        .with_dns_names(["billing.example"])
        .with_uris([URI])
        .with_emails(["billing@example.org"])
        .with_expiry(Duration::from_secs(4_000_000_000))
}

async fn status(entries: &str, certificate: Option<ClientCertificate>) -> u16 {
    let parts = Config::parse(&format!("{BASE}{entries}"))
        .unwrap()
        .assemble()
        .unwrap();
    let router = Router::new().route("/invoices", routing::get(async || "all"));
    let app = parts.shield.protect(router).unwrap();
    let mut request = request("GET", "/invoices", None);
    if let Some(certificate) = certificate {
        request.extensions_mut().insert(certificate);
    }
    send_to(&app, request).await.status
}

#[tokio::test]
async fn each_kind_of_name_is_a_principal_with_its_scopes() {
    let digest = "ab".repeat(32);
    let colons = vec!["AB"; 32].join(":");
    for name in [
        format!("uri = \"{URI}\""),
        "dns_name = \"billing.example\"".to_owned(),
        "email = \"billing@example.org\"".to_owned(),
        "subject = \"CN=billing,O=Example\"".to_owned(),
        format!("sha256 = \"{digest}\""),
        format!("sha256 = \"{colons}\""),
    ] {
        let entry = |more: &str| {
            let entry = format!("[[client_certificates]]\nid = \"billing\"\n{name}\n");
            format!("{entry}owner = \"acme\"\ntier = \"gold\"\n{more}\n")
        };
        let with_scope = entry("scopes = [\"invoices:read\"]");
        assert_eq!(
            status(&with_scope, Some(certificate())).await,
            200,
            "{name}"
        );
        assert_eq!(status(&with_scope, None).await, 401, "{name}");
        let other = ClientCertificate::new([1; 32]).with_expiry(Duration::from_secs(4_000_000_000));
        assert_eq!(status(&with_scope, Some(other)).await, 401, "{name}");
        assert_eq!(status(&entry(""), Some(certificate())).await, 403, "{name}");
    }
}

#[test]
fn a_mistake_in_an_entry_is_named_with_key_and_remedy() {
    let entry = |keys: &str| format!("{BASE}[[client_certificates]]\nid = \"billing\"\n{keys}\n");
    let uri = format!("uri = \"{URI}\"");
    for (text, key, said) in [
        (entry(""), "client_certificates.id", "write one of uri"),
        (
            entry(&format!("{uri}\nsubject = \"CN=a\"")),
            "client_certificates.id",
            "write one of uri",
        ),
        (
            entry("sha256 = \"ab\""),
            "client_certificates.sha256",
            "64 hexadecimal digits",
        ),
        (
            entry("dns_names = \"a\""),
            "client_certificates.dns_names",
            "did you mean `dns_name`?",
        ),
        (entry("uri = \"\""), "client_certificates.id", "is empty"),
        (
            entry(&format!(
                "{uri}\n[[client_certificates]]\nid = \"other\"\n{uri}"
            )),
            "client_certificates.id",
            "is there twice",
        ),
        (
            entry(&uri).replace("client_auth = { authorities = [\"clients.pem\"] }\n", ""),
            "client_certificates.id",
            "[server.client_auth]",
        ),
    ] {
        let assembled = Config::parse(&text).and_then(|config| config.assemble());
        let error = assembled.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!(": {key}: ")), "{key} in {error}");
        assert!(error.contains(said), "{said} in {error}");
    }
}
