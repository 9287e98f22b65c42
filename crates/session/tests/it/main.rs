//! Sessions through their public layers.

#![cfg(test)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod attacks;
mod attacks_foreign_pages;
mod checks;
mod cross_origin;
mod extract;
mod layer;
mod redis;
mod redis_permissions;
mod sessions;
mod slow_store;
mod stores;
mod support;
mod times;
mod trail;
