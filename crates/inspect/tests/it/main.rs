//! What `palisade-inspect` promises to its users, one file a promise.

#![cfg(test)]

mod crs_stages;
mod bounds;
mod layer;
mod ordinary_requests;
mod phases;
mod values;
