//! What stands in front of the routes.

use std::sync::Arc;

use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, ClientInfoLayer, HeadersLayer, HttpsLayer, Key, MetricsLayer,
    Policy, ProtectedRouter, RateLimitLayer, SanitizeLayer, SanitizerBuilder, SharedClock, Shield,
};

use crate::{
    StartError,
    first_start::Keys,
    routes::{self, CLIENT_LIMIT, TTS_LIMIT},
    sessions::SessionAuthenticator,
    settings::Settings,
    state::{App, MAX_GRAPHEMES},
};

/// What the stack is made of, besides the settings.
pub(crate) struct Parts<'a> {
    pub(crate) audit: AuditLayer,
    pub(crate) clock: &'a SharedClock,
    pub(crate) keys: &'a Keys,
    /// Where redirects lead.
    pub(crate) https_port: u16,
}

/// Puts the whole stack around the routes.
pub(crate) fn protect(app: App, settings: &Settings, parts: Parts<'_>) -> Result<ProtectedRouter, StartError> {
    let hosts = AllowedHosts::parse(&settings.hosts).map_err(wrong)?;
    let sessions = SessionAuthenticator::new(
        Arc::clone(&app.sessions),
        Arc::new(parts.keys.store.clone()),
        parts.clock.clone(),
    );
    // A page that was asked for in clear moves; a program that sends its key in clear is refused,
    // or it would go on doing so unnoticed.
    let https = HttpsLayer::redirect_within(hosts.clone(), parts.https_port);
    let https = https.page("/").and_then(|https| https.page("/tts")).map_err(wrong)?;
    Shield::builder()
        .observe(MetricsLayer::by(parts.clock.clone()))
        .audit(parts.audit.clone())
        .client(ClientInfoLayer::direct())
        .headers(HeadersLayer::api())
        .hosts(hosts)
        .https(https)
        .limit_clients(client_limit(settings, parts.clock)?)
        .authenticate(keys(&parts)?)
        .authenticate(sessions)
        .limit_principals(principal_limit(settings, parts.clock)?)
        .sanitize(text()?)
        .protect(routes::all(app))
        .map_err(wrong)
}

fn keys(parts: &Parts<'_>) -> Result<ApiKeyLayer, StartError> {
    let keys = ApiKeyLayer::builder(parts.keys.scheme.clone(), parts.keys.store.clone());
    keys.clock(parts.clock.clone()).realm("tts").build().map_err(wrong)
}

fn client_limit(settings: &Settings, clock: &SharedClock) -> Result<RateLimitLayer, StartError> {
    let policy = Policy::named(CLIENT_LIMIT).rate(&settings.client_rate).map_err(wrong)?;
    RateLimitLayer::by_client().policy(policy).clock(clock.clone()).build().map_err(wrong)
}

/// Counts by key, whether it is shown itself or through a session: a cookie buys no second quota.
fn principal_limit(settings: &Settings, clock: &SharedClock) -> Result<RateLimitLayer, StartError> {
    let key = Key::custom("key", |cx, _| cx.principal()?.credential().map(str::to_owned));
    let policy = Policy::named(TTS_LIMIT).rate(&settings.tts_rate).map_err(wrong)?;
    let policy = policy.key(key).on_named_routes();
    RateLimitLayer::by_principal().policy(policy).clock(clock.clone()).build().map_err(wrong)
}

fn text() -> Result<SanitizeLayer, StartError> {
    let text = SanitizerBuilder::speech().max_graphemes(MAX_GRAPHEMES).min_graphemes(1);
    let text = text.build().map_err(wrong)?;
    SanitizeLayer::builder().sanitizer_for("text", text).build().map_err(wrong)
}

fn wrong(error: impl std::fmt::Display) -> StartError {
    StartError::new(error.to_string())
}
