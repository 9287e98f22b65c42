//! HiFi-GAN: from mel frames to samples.
#![allow(
    clippy::indexing_slicing,
    reason = "shapes are checked when weights are loaded; every index follows from them"
)]

mod generator;
mod history;
mod noise;
mod plane;
mod pqmf;
mod reader;
mod residual;
mod source;
mod spare_buffers;
mod stage;
mod stream;
mod upsample;

#[cfg(test)]
pub(crate) use self::noise::Given;
pub(crate) use self::{generator::Vocoder, noise::Seeded, stream::Stream};
