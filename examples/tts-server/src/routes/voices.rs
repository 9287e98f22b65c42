//! What may be asked for.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    state::{App, SPEED},
    synthesis::VoiceInfo,
};

#[derive(Debug, Serialize)]
pub(crate) struct Offer {
    voices: [VoiceInfo; 1],
    limits: Limits,
}

#[derive(Debug, Serialize)]
struct Limits {
    max_graphemes: usize,
    speed: [f32; 2],
}

/// Lists the voices and the bounds of a request.
pub(crate) async fn voices(State(app): State<App>) -> Json<Offer> {
    Json(Offer {
        voices: [VoiceInfo::clone(&app.voice)],
        limits: Limits {
            max_graphemes: app.max_graphemes,
            speed: [*SPEED.start(), *SPEED.end()],
        },
    })
}
