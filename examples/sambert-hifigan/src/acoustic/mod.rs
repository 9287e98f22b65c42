//! SAM-BERT: from units to mel frames.
#![allow(
    clippy::indexing_slicing,
    reason = "shapes are checked when weights are loaded; every index follows from them"
)]

mod attention;
mod decoder;
mod duration;
mod encoder;
mod frequency;
mod fsmn;
mod length;
mod model;
mod neighbors;
mod pauses;
mod postnet;
mod predictor;
mod speakers;

pub(crate) use self::model::{Acoustic, Mel};
