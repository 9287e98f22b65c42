//! What `palisade-inspect` promises to its users, one file a promise.

#![cfg(test)]

mod crs_stages;
mod bounds;
mod evasions;
mod layer;
mod one_reading;
mod ordinary_requests;
mod phases;
mod readable_responses;
mod responses;
mod values;
