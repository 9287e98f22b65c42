//! Lists the models, in the format of the OpenAI API.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use palisade::core::{Rejection, SecurityContext, extract::Refused};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{models::Models, state::App};

/// A model as their clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

/// The names of the model as their clients read them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Models)]
pub(crate) struct List {
    object: &'static str,
    data: Vec<Model>,
}

impl Model {
    /// Describes the model under one of its names.
    fn named(name: &str, models: &Models) -> Self {
        Self {
            id: name.to_owned(),
            object: "model",
            created: models.started(),
            owned_by: "palisade",
        }
    }
}

/// Lists the names of the model.
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "openai",
    operation_id = "models",
    responses((status = 200, description = "The names of the model.", body = List)),
)]
pub(crate) async fn list(State(app): State<App>) -> Json<List> {
    let models = &app.models;
    Json(List {
        object: "list",
        data: models
            .names()
            .map(|name| Model::named(name, models))
            .collect(),
    })
}

/// The names of the model as Open WebUI reads them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpeechModels)]
pub(crate) struct SpeechList {
    models: Vec<SpeechModel>,
}

/// A name of the model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpeechModel {
    id: String,
}

/// Lists the names of the model below `audio`.
#[utoipa::path(
    get,
    path = "/v1/audio/models",
    tag = "openai",
    operation_id = "speech_models",
    responses((status = 200, description = "The names of the model.", body = SpeechList)),
)]
pub(crate) async fn list_speech(State(app): State<App>) -> Json<SpeechList> {
    let named = |id: &str| SpeechModel { id: id.to_owned() };
    Json(SpeechList {
        models: app.models.names().map(named).collect(),
    })
}

/// Shows the model by one of its names.
#[utoipa::path(
    get,
    path = "/v1/models/{model}",
    tag = "openai",
    operation_id = "model",
    params(("model" = String, Path, description = "One of the names.")),
    responses((status = 200, description = "The model.", body = Model)),
    extensions(("x-refusals" = json!({ "404": ["model_not_found"] }))),
)]
pub(crate) async fn one(
    State(app): State<App>,
    cx: SecurityContext,
    Path(name): Path<String>,
) -> Result<Json<Model>, Refused> {
    let models = &app.models;
    let found = models.find(&name).map(|name| Model::named(name, models));
    found.map(Json).ok_or_else(|| {
        let words = "There is no model of this name.";
        let unknown = Rejection::new(StatusCode::NOT_FOUND, "model_not_found", words);
        Refused::new(&cx, unknown.with_member("field", "model"))
    })
}
