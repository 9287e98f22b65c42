//! What the sanitizer and its layer promise, tested from outside.

#![cfg(test)]

mod allocations;
mod attacks;
mod body;
mod body_kinds;
mod chat_apis;
mod compression;
mod contract;
mod head;
mod hidden_channels;
mod joined_parts;
mod json;
mod json_limits;
mod json_suite;
mod masks;
mod masks_of_data;
mod memory;
mod metrics;
mod moderation;
mod multipart;
mod naughty_strings;
mod near_names;
mod personal_data;
mod personal_data_exact;
mod plain_text;
mod preset_table;
mod presets;
mod props;
mod query;
mod response;
mod responses;
mod rules;
mod sanitizer;
mod servers;
mod signatures;
mod support;
mod template_tokens;
mod vectors;
