//! The layer and its stores, through their public faces.

#![cfg(test)]

mod allocations;
mod attacks;
mod budgets;
mod concurrency;
mod delay;
mod fields;
mod layer;
mod leases;
mod layer_keys;
mod layer_build;
mod load_shed;
mod memory;
mod networks;
mod obey;
mod overflow;
mod overrides;
mod own_limits;
mod penalty;
mod props;
#[allow(clippy::disallowed_methods)] // Real servers: real time, and addresses from the environment.
mod redis;
mod refund;
mod settle;
mod shadow;
mod snapshot;
mod support;
mod tiers;
