//! Comparison with the reference.

mod containers;
mod demo;
mod front;
mod package;
mod reference;
mod speed;
