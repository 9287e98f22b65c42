use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, get},
};

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
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, router()).await?;
    Ok(())
}
