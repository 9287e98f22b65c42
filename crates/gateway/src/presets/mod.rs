//! What known services need to work and to be safe: `--preset NAME`.
//!
//! A preset is a part of a configuration file: limits, routes, text fields, and the keys of
//! `[[upstreams]]`. `palisade gateway explain --preset NAME --upstream URL` prints the whole file, to
//! be kept and changed.

use std::fmt;

use crate::error::{GatewayError, GatewayErrorKind};

/// The place of the address in the text of a preset.
const PLACEHOLDER: &str = "\"UPSTREAM\"";

/// The settings for a kind of service.
///
/// # Examples
///
/// ```
/// use palisade_gateway::Preset;
///
/// let ollama = Preset::named("ollama")?;
/// assert!(ollama.what().starts_with("Ollama"));
/// let problem = Preset::named("olama").unwrap_err().to_string();
/// assert!(problem.contains("did you mean `ollama`"), "{problem}");
/// # Ok::<(), palisade_gateway::GatewayError>(())
/// ```
///
/// The list of a command, with the scopes that the first key gets:
///
/// ```
/// use palisade_gateway::Preset;
///
/// for preset in Preset::all() {
///     println!("{:12} {} (scopes: {})", preset.name(), preset.what(), preset.scopes().join(" "));
/// }
/// assert!(Preset::all().iter().any(|preset| preset.name() == "ollama"));
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Preset {
    name: &'static str,
    /// The scopes of the first key.
    scopes: &'static [&'static str],
    /// A path with which the first key can be tried, by `GET`.
    first_path: &'static str,
    /// Limits, routes and the upstream. Its first comment says what it is for.
    text: &'static str,
}

/// All presets, by name.
const ALL: [Preset; 10] = [
    preset("comfyui", &["run"], "/queue", include_str!("comfyui.toml")),
    preset(
        "flask-tts",
        &["speak"],
        "/tts?text=hello",
        include_str!("flask-tts.toml"),
    ),
    preset("gradio", &["run"], "/config", include_str!("gradio.toml")),
    preset("grpc", &[], "/", include_str!("grpc.toml")),
    preset("jupyter", &[], "/", include_str!("jupyter.toml")),
    preset("mcp", &["mcp"], "/mcp", include_str!("mcp.toml")),
    preset(
        "ollama",
        &["generate"],
        "/api/tags",
        include_str!("ollama.toml"),
    ),
    preset(
        "openai",
        &["generate"],
        "/v1/models",
        include_str!("openai.toml"),
    ),
    preset("tgi", &["generate"], "/info", include_str!("tgi.toml")),
    preset(
        "vllm",
        &["generate"],
        "/v1/models",
        include_str!("vllm.toml"),
    ),
];

const fn preset(
    name: &'static str,
    scopes: &'static [&'static str],
    first_path: &'static str,
    text: &'static str,
) -> Preset {
    Preset {
        name,
        scopes,
        first_path,
        text,
    }
}

impl Preset {
    /// Returns all presets, by name.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &ALL
    }

    /// Finds a preset.
    ///
    /// # Errors
    ///
    /// There is none of that name. The error lists all, and the nearest one.
    pub fn named(name: &str) -> Result<Self, GatewayError> {
        if let Some(found) = ALL.iter().find(|preset| preset.name == name) {
            return Ok(*found);
        }
        let names: Vec<&str> = ALL.iter().map(|preset| preset.name).collect();
        let all = format!("the presets are {}", names.join(", "));
        let remedy = match palisade::config::nearest_name(name, &names) {
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all,
        };
        let problem = format!("there is no preset `{name}`");
        Err(GatewayError::new(problem)
            .with_kind(GatewayErrorKind::Configuration)
            .with_remedy(remedy))
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it is for: the first sentence of its text.
    #[must_use]
    pub fn what(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        let first = first.trim_start_matches("# ");
        first
            .split_once(". ")
            .map_or(first, |(sentence, _)| sentence)
    }

    /// Returns the scopes of the first key. What can do harm needs others.
    #[must_use]
    pub const fn scopes(&self) -> &'static [&'static str] {
        self.scopes
    }

    /// Returns a path with which the first key can be tried.
    pub(crate) const fn first_path(&self) -> &'static str {
        self.first_path
    }

    /// Returns its part of a configuration file, for one address.
    pub(crate) fn to_toml(self, upstream: &str) -> String {
        let address = toml::Value::from(upstream).to_string();
        self.text.replacen(PLACEHOLDER, &address, 1)
    }
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Preset").field(&self.name).finish()
    }
}
