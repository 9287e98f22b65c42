//! The claims of the facade, through its public face.

#![cfg(test)]

mod book;
mod config;
mod config_listen;
mod config_mistakes;
mod config_acme;
mod config_audit_sinks;
mod config_certificate;
mod config_client_certificates;
mod config_client_auth;
mod config_sections;
mod config_listeners;
mod config_server;
mod config_sessions;
mod config_store;
mod config_spelling;
mod config_tokens;
mod cors;
mod dashboards;
mod deploy;
mod diagnostics;
mod docs;
mod existing_app;
mod finished_router;
mod inspect;
mod fronts;
mod install;
mod layout;
mod metrics;
mod names;
mod nginx;
mod own_parts;
mod packages;
mod picture;
mod proxied;
mod readme;
mod reload;
mod resource_server;
mod routers;
mod sessions;
mod shield;
mod assembly;
mod stacked;
mod path_forms;
mod support;
