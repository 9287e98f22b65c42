//! Pages in browsers: `[cors]`, `[cross_origin]` and `[session]`.
//!
//! The three answer different questions. `[cors]` says which scripts of other origins may read
//! responses, `[cross_origin]` which writes of other origins are refused, and `[session]` how a
//! browser stays signed in.

mod cors;
mod cross_origin;
mod sessions;
