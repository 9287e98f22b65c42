//! Functions applied value by value, and the depthwise convolution of the memory blocks.

use pulp::Arch;

/// Adds `x` to `y`.
pub(crate) fn add(y: &mut [f32], x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// Replaces negative values by zero.
pub(crate) fn relu(x: &mut [f32]) {
    for x in x {
        *x = x.max(0.0);
    }
}

/// Writes the leaky rectification of `x` into `y`.
pub(crate) fn leaky_into(x: &[f32], y: &mut [f32], slope: f32) {
    Arch::new().dispatch(|| {
        for (y, x) in y.iter_mut().zip(x) {
            *y = if *x > 0.0 { *x } else { slope * x };
        }
    });
}

/// Adds its own sine to every value.
///
/// The sine is a polynomial of degree 9 on the argument reduced to a half turn in two steps; its error stays
/// below 2e-7 for the magnitudes a network produces, and the loop has no branch, so that it is vectorized.
pub(crate) fn sine_shift(x: &mut [f32]) {
    Arch::new().dispatch(|| {
        for x in x {
            *x += sine(*x);
        }
    });
}

#[inline(always)]
fn sine(x: f32) -> f32 {
    // Pi in three parts, the first two with so few bits that their products with a small integer are exact.
    const HIGH: f32 = 3.140_625;
    const MIDDLE: f32 = 9.675_026e-4;
    const LOW: f32 = 1.509_958e-7;
    let turns = (x * std::f32::consts::FRAC_1_PI).round_ties_even();
    let r = ((x - turns * HIGH) - turns * MIDDLE) - turns * LOW;
    let s = r * r;
    let p = 2.608_316e-6;
    let p = p * s - 1.981_069e-4;
    let p = p * s + 8.333_078e-3;
    let p = p * s - 0.166_666_6;
    let value = r + r * s * p;
    let odd = (turns * 0.5).round_ties_even() * 2.0 != turns;
    if odd { -value } else { value }
}

/// Computes `exp`, with arguments that would overflow held back.
pub(crate) fn exp_bounded(x: f32) -> f32 {
    x.min(20.0).exp()
}

/// Turns scores into weights that sum to one.
pub(crate) fn softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in &mut *scores {
        *score = (*score - top).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// Adds to `y` the depthwise convolution of `x`, both `[time, channels]`, zero outside.
///
/// `weight` is `[taps, channels]`; output `t` reads inputs from `t - left`.
pub(crate) fn depthwise(x: &[f32], weight: &[f32], channels: usize, left: usize, y: &mut [f32]) {
    Arch::new().dispatch(|| {
        let frames = x.len() / channels;
        for (t, y) in y.chunks_exact_mut(channels).enumerate() {
            for (k, w) in weight.chunks_exact(channels).enumerate() {
                let position = t + k;
                if position < left || position - left >= frames {
                    continue;
                }
                let from = (position - left) * channels;
                let x = &x[from..from + channels];
                for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                    *y += x * w;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_sine_is_as_good_as_the_library() {
        for i in -200_000..200_000 {
            let x = i as f32 * 1e-3;
            let exact = f64::from(x).sin();
            assert!((f64::from(sine(x)) - exact).abs() < 4e-7, "{x}");
        }
    }
}
