//! What stands in front of the routes: what the configuration says, and defaults where it says nothing.

use palisade::config::{KeyRotation, Running};
use palisade::core::SharedClock;
use palisade::metrics::MetricsLayer;
use palisade::shield::ShieldBuilder;
use palisade::{AllowedHosts, ApiKeyLayer, AuditLayer, HttpsLayer, ProtectedRouter};

use crate::{
    audit, cors,
    error::StartError,
    first_start::{DataFolder, Keys},
    limits,
    routes::{self, RefusalForms},
    sessions,
    settings::Settings,
    state::App,
    text,
};

/// The stack around the routes, and what belongs to it.
pub(crate) struct Protected {
    pub(crate) app: ProtectedRouter,
    pub(crate) audit: AuditLayer,
    /// The correlation key that a reload brings.
    pub(crate) key_rotation: Option<KeyRotation>,
    pub(crate) keys: Keys,
}

/// Puts the whole stack around the routes. `https_port` is where redirects lead; `running` is what a
/// stack that is replaced leaves to this one.
pub(crate) fn protect(
    app: App,
    settings: &Settings,
    data: &DataFolder,
    clock: &SharedClock,
    https_port: u16,
    running: &Running,
) -> Result<Protected, StartError> {
    let store = running.store.as_ref();
    let assembled = settings.config.assemble_with(running.clone())?;
    let shield = assembled
        .shield
        .observe(MetricsLayer::builder().clock(clock.clone()).build());
    let shield = shield.observe(RefusalForms::new());
    let shield = match settings.config.cors()? {
        Some(layer) => shield.cors(cors::exposing(layer)),
        None => shield,
    };
    let shield = shield.sanitize(text::layer(settings)?);
    let (shield, keys) = match assembled.keys {
        Some((scheme, store)) => (shield, Keys::of(scheme, store)?),
        None => own_keys(shield, data, clock)?,
    };
    let sessions = sessions::layer(&app.sessions, keys.store.clone(), clock);
    let shield = match settings.config.has(&["limits"]) {
        true => shield.authenticate(sessions),
        false => {
            let seconds = settings.tts.sound_seconds_per_minute;
            limits::add(shield.authenticate(sessions), store, clock, seconds)?
        }
    };
    let shield = redirect(shield, settings, https_port)?;
    // After what an operator can get wrong, for it makes a record of having been opened.
    let (shield, audit) = match assembled.audit {
        Some(audit) => (shield, audit),
        None => {
            let running = running.audit.clone();
            let audit = running.map_or_else(|| audit::open(data, clock), Ok)?;
            (shield.audit(audit.clone()), audit)
        }
    };
    let mut routes = routes::all(app).map_err(wrong)?;
    if let Some(folder) = &settings.server.acme_webroot {
        routes = routes.acme_webroot(folder);
    }
    let app = shield.protect(routes).map_err(wrong)?;
    Ok(Protected {
        app,
        audit,
        key_rotation: assembled.key_rotation,
        keys,
    })
}

fn own_keys(
    shield: ShieldBuilder,
    data: &DataFolder,
    clock: &SharedClock,
) -> Result<(ShieldBuilder, Keys), StartError> {
    let keys = Keys::open(data)?;
    let layer = ApiKeyLayer::builder(keys.scheme.clone(), keys.store.clone());
    let layer = layer
        .clock(clock.clone())
        .realm("tts")
        .build()
        .map_err(wrong)?;
    Ok((shield.authenticate(layer), keys))
}

/// A page or a link that was asked for in clear moves. A program that posts its text, or shows its
/// key elsewhere, is refused, or it would go on doing so unnoticed.
fn redirect(
    shield: ShieldBuilder,
    settings: &Settings,
    port: u16,
) -> Result<ShieldBuilder, StartError> {
    if settings.redirects() {
        return Ok(shield);
    }
    let hosts = AllowedHosts::parse(settings.config.hosts()).map_err(wrong)?;
    let https = HttpsLayer::builder().redirect_within(hosts, port);
    let https = https.page("/").page("/tts").build().map_err(wrong)?;
    Ok(shield.https(https))
}

fn wrong(error: impl std::fmt::Display) -> StartError {
    StartError::new(error.to_string())
}
