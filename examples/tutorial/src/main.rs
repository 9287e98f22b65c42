use std::{env, error::Error};

use axum::extract::Query;
use palisade::api_key::{FileKeyStore, KeyScheme, Pepper};
use palisade::server::{DevAuthority, Server};
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, FileSink, Policy, Principal, RateLimitLayer, Routes,
    Rule, SanitizeLayer, Shield,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Speech {
    text: String,
}

async fn speak(client: Principal, Query(speech): Query<Speech>) -> String {
    let name = client.owner().unwrap_or("someone");
    format!("{name} says: {}\n", speech.text)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scheme = KeyScheme::new(Pepper::read_file("data/pepper")?);
    let keys = ApiKeyLayer::new(scheme, FileKeyStore::open("data/keys.toml")?);
    let clients = RateLimitLayer::by_client()
        .policy(Policy::named("client").rate("60/minute")?)
        .build()?;
    let principals = RateLimitLayer::by_principal()
        .policy(Policy::named("speak").rate("10/minute")?.on_named_routes())
        .build()?;
    let audit = AuditLayer::builder()
        .sink(FileSink::builder("data/audit.jsonl").open()?)
        .build()?;
    let trail = audit.handle();

    let routes = Routes::new()
        .get("/health", Rule::public(), async || "ok\n")
        .get(
            "/speak",
            Rule::scope("tts:speak").limit("speak").text("text"),
            speak,
        );
    let app = Shield::builder()
        .hosts(AllowedHosts::parse(["localhost:8443"])?)
        .authenticate(keys)
        .limit_clients(clients)
        .limit_principals(principals)
        .sanitize(SanitizeLayer::new())
        .audit(audit)
        .protect(routes)?;

    let address = env::args().nth(1).unwrap_or("127.0.0.1:8443".into());
    let authority = DevAuthority::open_or_create("data/tls")?;
    let server = Server::builder()
        .listen(address.parse()?)
        .tls(authority.certificates()?)
        .build()?;
    println!("https://localhost:{}", server.local_addr().port());
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    server.serve(app.into_inner(), ctrl_c).await?;
    trail.close().await?;
    Ok(())
}
