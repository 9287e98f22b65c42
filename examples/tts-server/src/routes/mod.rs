//! The routes, and what each requires.

mod speech_request;
mod request_error;
mod health;
mod models;
mod openapi;
mod page;
mod refusals;
mod session;
mod sound;
mod speech;
mod tts;
mod voices;

use axum::extract::FromRef;
use palisade::{Routes, Rule, ShieldBuildError};

use self::openapi::{Document, RuntimeValues};
pub(crate) use self::{
    refusals::RefusalForms,
    sound::{AUDIO_MILLISECONDS, LEAST_MILLISECONDS},
};
use crate::{first_start::SCOPE, state::App};

/// The name of the limit that counts sound.
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
///
/// When two of them are at odds.
pub(crate) fn all(app: App) -> Result<Routes, ShieldBuildError> {
    let routes = list();
    let document = Document::new(&routes.table()?, &RuntimeValues::of(&app));
    Ok(routes.with_state(Served { app, document }))
}

/// All routes with their rules. What is not here does not exist.
fn list() -> Routes<Served> {
    let speaker = || Rule::scope(SCOPE);
    // One of both; the handler says so where neither is there.
    let words = || speaker().text("text?").text("ssml?");
    let speak = || words().limit(TTS_LIMIT);
    let input = speaker().text("input").text("instructions?");
    let input = input.limit(TTS_LIMIT);
    Routes::new()
        .get("/", Rule::public(), page::index)
        // Cheap, and a page that lacks one of its files does not work.
        .get("/assets/{file}", Rule::public().unlimited(), page::asset)
        .get("/robots.txt", Rule::public().unlimited(), page::robots)
        .get("/health", Rule::public().unlimited(), health::health)
        .get("/openapi.json", Rule::public(), openapi::show)
        .get("/tts", speak(), tts::get)
        // Checked like `GET`, and no sound is made: nothing to limit.
        .head("/tts", words(), tts::head)
        .post("/tts", speak(), tts::post)
        .get("/voices", speaker(), voices::voices)
        .post("/v1/audio/speech", input, speech::post)
        .get("/v1/audio/models", speaker(), models::list_speech)
        .get("/v1/audio/voices", speaker(), speech::voices::list)
        .get("/v1/models", speaker(), models::list)
        .get("/v1/models/{model}", speaker(), models::one)
        // Public: a page that was loaded again asks whether it is still signed in.
        .get("/session", Rule::public(), session::show)
        .post("/session", speaker(), session::open)
        .delete("/session", Rule::authenticated(), session::close)
}
