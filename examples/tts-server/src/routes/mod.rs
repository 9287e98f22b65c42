//! What the server answers, and what each route demands.

mod ask;
mod fault;
mod health;
mod models;
mod openapi;
mod page;
mod session;
mod sound;
mod speech;
mod tts;
mod voices;

use axum::extract::FromRef;
use palisade::{Routes, Rule, ShieldError};

use self::openapi::{Document, Facts};
pub(crate) use self::{
    models::{MODEL, Models},
    speech::OpenAiErrors,
};
use crate::{first_start::SCOPE, state::App};

/// The name of the limit that counts texts.
pub(crate) const TTS_LIMIT: &str = "tts";
/// The name of the limit that counts everything by address.
pub(crate) const CLIENT_LIMIT: &str = "client";

/// What handlers can ask for: what they share, and the description of them all.
#[derive(Clone, Debug)]
struct Served {
    app: App,
    document: Document,
}

impl FromRef<Served> for App {
    fn from_ref(served: &Served) -> Self {
        served.app.clone()
    }
}

impl FromRef<Served> for Document {
    fn from_ref(served: &Served) -> Self {
        served.document.clone()
    }
}

/// All routes, ready to be served.
///
/// # Errors
/// When two of them are at odds.
pub(crate) fn all(app: App) -> Result<Routes, ShieldError> {
    let routes = list();
    let document = Document::new(&routes.table()?, &Facts::of(&app));
    Ok(routes.with_state(Served { app, document }))
}

/// All routes with their rules. What is not here does not exist.
fn list() -> Routes<Served> {
    let speaker = || Rule::scope(SCOPE);
    let speak = || speaker().limit(TTS_LIMIT);
    // One of both; the handler says so where neither is there.
    let words = || speak().text("text?").text("ssml?");
    let input = speak().text("input").text("instructions?");
    Routes::new()
        .get("/", Rule::public(), page::index)
        .get("/assets/{version}/{file}", Rule::public(), page::asset)
        .get("/robots.txt", Rule::public(), page::robots)
        .get("/health", Rule::public(), health::health)
        .get("/openapi.json", Rule::public(), openapi::show)
        .get("/tts", words(), tts::get)
        .post("/tts", words(), tts::post)
        .get("/voices", speaker(), voices::voices)
        .post("/v1/audio/speech", input, speech::post)
        .get("/v1/models", speaker(), models::list)
        .get("/v1/models/{model}", speaker(), models::one)
        // Public: a page that was loaded anew asks whether it is still signed in.
        .get("/session", Rule::public(), session::show)
        .post("/session", speaker(), session::open)
        .delete("/session", Rule::authenticated(), session::close)
}
