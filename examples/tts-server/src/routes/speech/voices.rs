//! The names of voices in the shapes that clients of other speech servers read.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use palisade::core::{SecurityContext, extract::Refused};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{routes::request_error::RequestError, state::App};

/// A voice by its name.
#[derive(Serialize, ToSchema)]
pub(crate) struct VoiceName {
    id: String,
    name: String,
}

/// Every name by which a voice is found, aliases last.
#[derive(Serialize, ToSchema)]
#[schema(as = SpeechVoices)]
#[serde(untagged)]
pub(crate) enum VoiceNames {
    /// With objects.
    Objects { voices: Vec<VoiceName> },
    /// With strings.
    Names { voices: Vec<String> },
}

/// Lists the names of the voices.
#[utoipa::path(
    get,
    path = "/v1/audio/voices",
    tag = "openai",
    operation_id = "speech_voices",
    params(("shape" = Option<String>, Query, description = "`objects` with `id` and `name`, or `names` as strings.", pattern = "^(objects|names)$")),
    responses((status = 200, description = "The names of the voices.", body = VoiceNames)),
    extensions(("x-refusals" = json!({ "400": ["query_malformed"] }))),
)]
pub(crate) async fn list(
    State(app): State<App>,
    cx: SecurityContext,
    RawQuery(query): RawQuery,
) -> Result<Json<VoiceNames>, Refused> {
    let known = app.voices.known();
    let list = match query.as_deref().unwrap_or_default() {
        "" | "shape=objects" => VoiceNames::Objects {
            voices: known.map(named).collect(),
        },
        "shape=names" => VoiceNames::Names {
            voices: known.map(str::to_owned).collect(),
        },
        _ => {
            let fault = RequestError::Query("may hold `shape=objects` or `shape=names`");
            return Err(Refused::new(&cx, fault.rejection()));
        }
    };
    Ok(Json(list))
}

fn named(name: &str) -> VoiceName {
    VoiceName {
        id: name.to_owned(),
        name: name.to_owned(),
    }
}
