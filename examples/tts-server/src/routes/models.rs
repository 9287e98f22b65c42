//! The models in the manner of OpenAI. There is one, and other names that stand for it.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use palisade::core::{Rejection, SecurityContext, extract::Refused};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;

/// The name of the model: of all voices, for they are of one family.
pub(crate) const MODEL: &str = "sambert-hifigan";

/// The names of the model.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    names: Vec<String>,
    /// Whether every other name stands for it too.
    any: bool,
    /// When the server was started, in seconds since 1970.
    started: u64,
}

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

impl Models {
    /// Takes other names besides its own in.
    pub(crate) fn new(aliases: impl IntoIterator<Item = String>, started: u64) -> Self {
        let (any, aliases): (Vec<String>, Vec<String>) =
            aliases.into_iter().partition(|alias| alias == "*");
        Self {
            names: std::iter::once(MODEL.to_owned()).chain(aliases).collect(),
            any: !any.is_empty(),
            started,
        }
    }

    /// Finds a name.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let found = self.names().find(|known| *known == name);
        found.or_else(|| self.any.then_some(MODEL))
    }

    /// Returns all names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Tells whether every name is found.
    pub(crate) fn takes_any(&self) -> bool {
        self.any
    }

    fn model(&self, name: &str) -> Model {
        Model {
            id: name.to_owned(),
            object: "model",
            created: self.started,
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
        data: models.names().map(|name| models.model(name)).collect(),
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
    let found = app.models.find(&name).map(|name| app.models.model(name));
    found.map(Json).ok_or_else(|| {
        let words = "There is no model of this name.";
        let unknown = Rejection::new(StatusCode::NOT_FOUND, "model_not_found", words);
        Refused::new(&cx, unknown.with_member("field", "model"))
    })
}
