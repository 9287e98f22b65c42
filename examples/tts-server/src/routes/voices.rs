//! What may be asked for.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    encoding::Format,
    state::{App, SPEED},
    synthesis::VoiceInfo,
};

/// The voices, the default first, and the bounds of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    voices: Vec<Offered>,
    limits: Limits,
}

#[derive(Debug, Serialize, ToSchema)]
struct Offered {
    #[serde(flatten)]
    voice: VoiceInfo,
    formats: Vec<&'static str>,
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
    let offered = |voice: &VoiceInfo| Offered {
        formats: Format::names(voice.sample_rate),
        voice: voice.clone(),
    };
    Json(Offer {
        voices: app.voices.all().map(offered).collect(),
        limits: Limits {
            max_graphemes: app.max_graphemes,
            speed: [*SPEED.start(), *SPEED.end()],
        },
    })
}
