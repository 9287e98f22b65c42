//! API keys through their public layer.

#![cfg(test)]

mod allocations;
mod attacks;
mod attacks_records;
mod attacks_in_clear;
mod connection;
mod disabled;
mod file;
mod pepper_file;
mod file_errors;
mod file_changes;
mod file_permissions;
mod imported;
mod keys;
mod layer;
mod peppers;
mod slow_store;
mod props;
mod redis;
mod redis_lost_replies;
mod redis_older;
mod redis_operators;
mod redis_permissions;
mod redis_replicas;
mod redis_times;
mod secrets;
mod support;
