use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, get},
};
use palisade::api_key::{FileKeyStore, KeyScheme, Pepper};
use palisade::server::{DevAuthority, Server};
use palisade::{AllowedHosts, ApiKeyLayer, AuditLayer, FileSink, Policy, RateLimitLayer, Rule, Rules, Shield};

#[derive(Clone, Default)]
struct App {
    notes: Arc<Mutex<Vec<String>>>,
}

async fn list(State(app): State<App>) -> Json<Vec<String>> {
    Json(app.notes.lock().unwrap().clone())
}

async fn add(State(app): State<App>, note: String) -> StatusCode {
    app.notes.lock().unwrap().push(note);
    StatusCode::CREATED
}

async fn show(State(app): State<App>, Path(id): Path<usize>) -> Result<String, StatusCode> {
    let notes = app.notes.lock().unwrap();
    notes.get(id).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn clear(State(app): State<App>) {
    app.notes.lock().unwrap().clear();
}

fn notes() -> Router<App> {
    Router::new()
        .route("/", get(list).post(add))
        .route("/{id}", get(show))
}

fn admin() -> Router<App> {
    Router::new().route("/notes", delete(clear))
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .nest("/notes", notes())
        .nest("/admin", admin())
        .fallback(async || (StatusCode::NOT_FOUND, "This page does not exist."))
        .with_state(App::default())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = Rules::new()
        .get("/health", Rule::public())
        .below("/notes", Rule::scope("notes"))
        .below("/admin", Rule::scope("admin"))
        .fallback(Rule::public());
    let app = Shield::builder()
        .audit(AuditLayer::builder().sink(FileSink::builder("data/audit.jsonl").open()?).build()?)
        .authenticate(ApiKeyLayer::new(KeyScheme::new(Pepper::read_file("data/pepper")?), FileKeyStore::open("data/keys.toml")?))
        .hosts(AllowedHosts::parse(["localhost:8443"])?)
        .limit_clients(RateLimitLayer::by_client().policy(Policy::named("client").rate("60/minute")?).build()?)
        .rules(rules)
        .protect(router())?;
    let certificates = DevAuthority::open_or_create("data/tls")?.certificates()?;
    let server = Server::builder().listen("127.0.0.1:8443".parse()?).tls(certificates).build()?;
    server.serve(app.into_inner(), std::future::pending()).await?;
    Ok(())
}
