//! Layer normalization over rows.

/// Layer normalization with the reference's epsilon of 1e-6.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl LayerNorm {
    const EPSILON: f32 = 1e-6;

    pub(crate) const fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self { weight, bias }
    }

    /// Normalizes every row of `x` into `y`.
    pub(crate) fn apply(&self, x: &[f32], y: &mut [f32]) {
        let width = self.weight.len();
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let mean = x.iter().sum::<f32>() / width as f32;
            let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / width as f32;
            let scale = (variance + Self::EPSILON).sqrt().recip();
            for ((y, x), (w, b)) in y.iter_mut().zip(x).zip(self.weight.iter().zip(&self.bias)) {
                *y = (x - mean) * scale * w + b;
            }
        }
    }

    /// As [`Self::apply`], into a new vector.
    pub(crate) fn map(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        self.apply(x, &mut y);
        y
    }
}
