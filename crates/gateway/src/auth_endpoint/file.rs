//! The configuration file of the endpoint: what has no effect here, or would be believed to protect.
//!
//! A proxy asks without the body, and over a connection of its own. So a text field is checked in the
//! query alone, and no client is known by its certificate:
//!
//! | of a route | here |
//! |---|---|
//! | `body`, `text_schemas` | an error: they are about bodies |
//! | `text` with a JSON pointer | an error: it is found in JSON alone |
//! | `text` with a name | the methods must be `GET` and `HEAD` alone: others have the field in a body |
//! | `client_certificate`, and `client_auth`, `[[client_certificates]]` beside the routes | an error: the proxy ends TLS |
//! | `[inspect]` | a warning: rules for bodies match nothing |

use std::path::Path;

use palisade::config::{Config, ConfigFileError};
use serde::Deserialize;
use toml::Spanned;

use crate::error::GatewayError;

/// What helps if a certificate of the client is demanded.
const VERIFY_IN_PROXY: &str = "remove it and let the proxy verify the certificates of clients, or forward these \
     paths through `palisade gateway`";

/// The keys of a route that are about text and certificates.
#[derive(Debug, Deserialize)]
struct Route {
    /// Empty: every method.
    #[serde(default)]
    methods: Vec<String>,
    /// Names of query and form fields, or JSON pointers.
    #[serde(default)]
    text: Vec<Spanned<String>>,
    /// OpenAPI schemas whose fields are cleaned: always of bodies.
    #[serde(default)]
    text_schemas: Vec<Spanned<String>>,
    /// Whether the route demands a certificate of the client. Default: no.
    client_certificate: Option<Spanned<bool>>,
}

impl Route {
    /// Refuses text that may be in a body, which would be forwarded without being cleaned.
    ///
    /// # Errors
    ///
    /// The first such field, with its line.
    fn refuse_text_of_bodies(&self, config: &Config) -> Result<(), ConfigFileError> {
        let refuse = |field: &Spanned<String>, problem| {
            let remedy = "remove it, or forward this path through `palisade gateway`";
            Err(config.value_error(field.span(), problem, remedy))
        };
        if let Some(schema) = self.text_schemas.first() {
            return refuse(
                schema,
                "its fields are in the body, which the proxy does not send",
            );
        }
        for field in &self.text {
            if is_pointer(field.get_ref()) {
                return refuse(
                    field,
                    "a pointer is into the body, which the proxy does not send",
                );
            }
            if !self.has_no_body() {
                return Err(config.value_error(
                    field.span(),
                    "the field may be in a body, which the proxy does not send",
                    "write methods = [\"GET\"] for this route, or forward it through `palisade gateway`",
                ));
            }
        }
        Ok(())
    }

    /// Refuses to demand a certificate, which no connection of the proxy has.
    ///
    /// # Errors
    ///
    /// The route demands one.
    fn refuse_certificate(&self, config: &Config) -> Result<(), ConfigFileError> {
        match &self.client_certificate {
            Some(demand) if *demand.get_ref() => {
                let problem = "the proxy does not send the certificate of the client, so every request would be refused";
                Err(config.value_error(demand.span(), problem, VERIFY_IN_PROXY))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the methods are those whose text is in the query.
    fn has_no_body(&self) -> bool {
        let in_query = |method: &String| {
            method.eq_ignore_ascii_case("GET") || method.eq_ignore_ascii_case("HEAD")
        };
        !self.methods.is_empty() && self.methods.iter().all(in_query)
    }
}

/// Returns whether a text field is a JSON pointer (RFC 6901). The empty one is the whole document.
fn is_pointer(written: &str) -> bool {
    let name = written.strip_suffix('?').unwrap_or(written);
    name.is_empty() || name.starts_with('/')
}

/// Returns a warning if rules for bodies are configured.
fn unchecked_bodies(config: &Config) -> Option<&'static str> {
    config.has(&["inspect"]).then_some(
        "[inspect] sees no bodies here: the proxy asks without them, so rules for bodies match nothing; \
         forward requests with bodies through `palisade gateway`",
    )
}

/// Refuses sections about certificates of clients: the proxy ends TLS.
///
/// # Errors
///
/// The first of them, with its line.
fn refuse_client_certificates(config: &Config) -> Result<(), ConfigFileError> {
    for path in [["server", "client_auth"], ["client_certificates", "id"]] {
        if config.has(&path) {
            let problem = "the proxy ends TLS, so no client would be asked for a certificate here";
            return Err(config.key_error(path[0], path[1], problem, VERIFY_IN_PROXY));
        }
    }
    Ok(())
}

/// Reads a file, and refuses what has no effect here or would be believed to protect.
///
/// # Errors
///
/// The file has a mistake, or a part that an endpoint cannot have or lacks one that it needs.
pub(super) fn read(path: &Path) -> Result<Config, GatewayError> {
    let config = Config::read_with(path, &["upstreams"])?;
    let required = |path: [&str; 2], problem, remedy| match config.has(&path) {
        true => Ok(()),
        false => Err(config.key_error(path[0], path[1], problem, remedy)),
    };
    required(
        ["routes", "path"],
        "no route is named, so every request would be refused",
        "add `[[routes]]` with `path` and `access`",
    )?;
    required(
        ["client", "proxies"],
        "the proxy that asks is not named, so all requests would have its address",
        "write proxies = [\"127.0.0.1/32\", \"::1/128\"] and header = \"x-forwarded-for\" in `[client]`",
    )?;
    if config.has(&["upstreams"]) {
        let problem = "an upstream has no effect: the proxy forwards requests";
        return Err(config
            .key_error("upstreams", "url", problem, "remove `[[upstreams]]`")
            .into());
    }
    if config.has(&["routes", "body"]) {
        let problem = "the proxy asks without the body, so it would not be checked";
        let remedy = "remove `body`, or forward these paths through `palisade gateway`";
        return Err(config.key_error("routes", "body", problem, remedy).into());
    }
    refuse_client_certificates(&config)?;
    for route in config.section::<Vec<Route>>("routes")? {
        route.refuse_certificate(&config)?;
        route.refuse_text_of_bodies(&config)?;
    }
    if let Some(warning) = unchecked_bodies(&config) {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rules_for_bodies_are_told_to_match_nothing() {
        let with = Config::parse("[server]\nhosts = ['a.example']\n[inspect]\n").unwrap();
        assert!(unchecked_bodies(&with).unwrap().contains("[inspect]"));
        let without = Config::parse("[server]\nhosts = ['a.example']\n").unwrap();
        assert_eq!(unchecked_bodies(&without), None);
    }
}
