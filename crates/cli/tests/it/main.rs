//! Tests of the program itself, run as a user runs it.

#![cfg(test)]

mod audit;
mod audit_compressed;
mod audit_damaged;
mod audit_hash;
mod audit_proofs;
mod audit_query;
mod audit_seal_key;
mod audit_tail;
mod cert;
#[allow(clippy::disallowed_methods)] // A real program: real time.
mod check;
mod documents;
mod doctor;
mod doctor_upstreams;
mod gateway;
mod help;
mod inspect;
mod key;
mod key_disabled;
mod key_peppers;
mod key_redis;
#[allow(clippy::disallowed_methods)] // Whether this is CI is the environment's to say.
mod killed;
#[cfg(target_os = "linux")] // `/proc` has the memory of the program.
mod large_bodies;
#[allow(clippy::disallowed_methods)] // Whether this is CI is the environment's to say.
mod limits;
#[cfg(target_os = "linux")]
mod owners;
mod schema;
mod support;
mod token;
#[allow(clippy::disallowed_methods)] // A real program: real time.
mod token_doctor;
mod try_address;
mod try_command;
mod try_text;
