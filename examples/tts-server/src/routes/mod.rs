//! What the server answers, and what each route demands.

mod ask;
mod fault;
mod health;
mod page;
mod session;
mod tts;
mod voices;

use palisade::{Routes, Rule};

use crate::{first_start::SCOPE, state::App};

/// The name of the limit that counts texts.
pub(crate) const TTS_LIMIT: &str = "tts";
/// The name of the limit that counts everything by address.
pub(crate) const CLIENT_LIMIT: &str = "client";

/// All routes with their rules. What is not here does not exist.
pub(crate) fn all(app: App) -> Routes {
    let speak = || Rule::scope(SCOPE).limit(TTS_LIMIT).text("text");
    Routes::new()
        .get("/", Rule::public(), page::index)
        .get("/assets/{version}/{file}", Rule::public(), page::asset)
        .get("/robots.txt", Rule::public(), page::robots)
        .get("/health", Rule::public(), health::health)
        .get("/tts", speak(), tts::get)
        .post("/tts", speak(), tts::post)
        .get("/voices", Rule::scope(SCOPE), voices::voices)
        // Public: a page that was loaded anew asks whether it is still signed in.
        .get("/session", Rule::public(), session::show)
        .post("/session", Rule::scope(SCOPE), session::open)
        .delete("/session", Rule::authenticated(), session::close)
        .with_state(app)
}
