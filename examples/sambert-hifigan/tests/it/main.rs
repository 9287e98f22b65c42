//! The voice from the outside.

#![cfg(test)]

mod command;
mod damage;
mod packages;
mod speaking;
mod ssml;
mod text;
