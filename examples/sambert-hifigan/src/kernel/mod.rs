//! Dense arithmetic on slices, on the calling thread.
//!
//! candle's generic convolution, LSTM and matrix-vector paths lose most of a core's arithmetic at the
//! sizes a vocoder has (16 to 256 channels, long signals), and its larger products start threads. These
//! kernels are written over [`pulp`]'s portable vectors instead: one build uses AVX-512, AVX2 or plain
//! instructions according to the processor it finds, all in safe Rust and without a thread.
#![allow(
    clippy::indexing_slicing,
    reason = "shapes are checked when weights are loaded; every index follows from them"
)]

#[cfg(any(
    test,
    feature = "accelerate",
    feature = "cuda",
    feature = "metal",
    feature = "mkl"
))]
mod backend;
mod conv;
mod elementwise;
mod linear;
mod lstm;
mod norm;

pub(crate) use self::{
    conv::{Conv, Input, Output, TILE},
    elementwise::{add, depthwise, exp_bounded, leaky_into, relu, sine_shift, softmax},
    linear::Linear,
    lstm::Lstm,
    norm::LayerNorm,
};

/// Rounds `n` up to a multiple of `step`.
pub(crate) const fn round_up(n: usize, step: usize) -> usize {
    n.div_ceil(step) * step
}

/// Returns every instruction set this processor has, so that tests reach the kernels of lesser ones too.
#[cfg(test)]
fn every_arch() -> Vec<pulp::Arch> {
    #[allow(unused_mut, reason = "only one family of processors has more to add")]
    let mut every = vec![pulp::Arch::new(), pulp::Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    every.extend(pulp::x86::V3::try_new().map(pulp::Arch::V3));
    every
}
