//! Which voices, formats and speeds a request may name.

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
pub(crate) struct VoiceList {
    voices: Vec<ListedVoice>,
    limits: Limits,
}

#[derive(Debug, Serialize, ToSchema)]
struct ListedVoice {
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
    responses((status = 200, description = "The voices.", body = VoiceList)),
)]
pub(crate) async fn voices(State(app): State<App>) -> Json<VoiceList> {
    let offered = |voice: &VoiceInfo| ListedVoice {
        formats: Format::names(voice.sample_rate),
        voice: voice.clone(),
    };
    Json(VoiceList {
        voices: app.voices.all().map(offered).collect(),
        limits: Limits {
            max_graphemes: app.max_graphemes,
            speed: [*SPEED.start(), *SPEED.end()],
        },
    })
}
