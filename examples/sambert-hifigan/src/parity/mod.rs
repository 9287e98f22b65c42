//! Comparison with the reference.

mod demo;
mod reference;
