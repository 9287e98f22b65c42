//! What may be asked for.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    state::{App, SPEED},
    synthesis::VoiceInfo,
};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    voices: [VoiceInfo; 1],
    limits: Limits,
}

#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    max_graphemes: usize,
    speed: [f32; 2],
}

/// Lists the voices and the bounds of a request.
#[utoipa::path(
    get,
    path = "/voices",
    tag = "speech",
    operation_id = "voices",
    responses((status = 200, description = "The voices.", body = Offer)),
)]
pub(crate) async fn voices(State(app): State<App>) -> Json<Offer> {
    Json(Offer {
        voices: [VoiceInfo::clone(&app.voice)],
        limits: Limits {
            max_graphemes: app.max_graphemes,
            speed: [*SPEED.start(), *SPEED.end()],
        },
    })
}
