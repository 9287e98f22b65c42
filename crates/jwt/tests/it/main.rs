//! Through the public layer, as a user would use it.

#![cfg(test)]

mod attacks;
mod attacks_keys;
mod attacks_claims;
mod certificate_bound;
mod cookbook;
mod discovery;
mod dpop;
mod introspection;
mod jwks;
mod jwks_responses;
mod jwks_rotation;
mod jwks_outages;
mod jwks_file;
mod jwks_server;
mod keys;
mod key_sets;
mod layer;
mod layer_names;
mod props;
mod providers;
mod resource_server;
mod revocation;
mod rules;
mod secrets;
mod support;
mod wycheproof;
