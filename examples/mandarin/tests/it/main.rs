//! The front end from the outside.

#![cfg(test)]

mod reading;
