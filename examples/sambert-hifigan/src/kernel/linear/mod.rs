//! Linear layers over rows.

mod product;

use pulp::Arch;

use self::product::Product;
#[cfg(any(
    feature = "accelerate",
    feature = "cuda",
    feature = "metal",
    feature = "mkl"
))]
use super::backend::Backend;
use super::round_up;

/// Columns of one packed panel: two AVX-512 vectors.
const PANEL: usize = 32;

/// A linear layer, its weights packed in panels of 32 outputs.
#[derive(Debug)]
pub(crate) struct Linear {
    inputs: usize,
    outputs: usize,
    packed: Vec<f32>,
    bias: Vec<f32>,
    #[cfg(any(
        feature = "accelerate",
        feature = "cuda",
        feature = "metal",
        feature = "mkl"
    ))]
    backend: Option<Backend>,
}

impl Linear {
    /// Packs a weight of shape `[outputs, inputs]`, row by row, and its bias.
    pub(crate) fn new(weight: &[f32], bias: Option<&[f32]>, outputs: usize, inputs: usize) -> Self {
        let panels = outputs.div_ceil(PANEL);
        let mut packed = vec![0.0; panels * inputs * PANEL];
        for (output, row) in weight.chunks_exact(inputs).enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            for (input, value) in row.iter().enumerate() {
                packed[(panel * inputs + input) * PANEL + lane] = *value;
            }
        }
        let mut padded = vec![0.0; round_up(outputs, PANEL)];
        if let Some(bias) = bias {
            padded[..outputs].copy_from_slice(bias);
        }
        Self {
            inputs,
            outputs,
            packed,
            bias: padded,
            #[cfg(any(
                feature = "accelerate",
                feature = "cuda",
                feature = "metal",
                feature = "mkl"
            ))]
            backend: Backend::new(weight, bias, outputs, inputs),
        }
    }

    pub(crate) const fn inputs(&self) -> usize {
        self.inputs
    }

    pub(crate) const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes `x W^T + b` for every row of `x` into `y`.
    pub(crate) fn apply(&self, x: &[f32], y: &mut [f32]) {
        self.run(x, y, false);
    }

    /// Adds `x W^T + b` for every row of `x` to `y`.
    pub(crate) fn accumulate(&self, x: &[f32], y: &mut [f32]) {
        self.run(x, y, true);
    }

    /// As [`Self::apply`], into a new vector.
    pub(crate) fn map(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        self.apply(x, &mut y);
        y
    }

    fn run(&self, x: &[f32], y: &mut [f32], add: bool) {
        #[cfg(any(
            feature = "accelerate",
            feature = "cuda",
            feature = "metal",
            feature = "mkl"
        ))]
        if let Some(product) = self.backend.as_ref().and_then(|backend| backend.map(x)) {
            let write = |(y, x): (&mut f32, f32)| *y = if add { *y + x } else { x };
            y.iter_mut().zip(product).for_each(write);
            return;
        }
        Arch::new().dispatch(Product {
            layer: self,
            x,
            y,
            add,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::every_arch;

    fn check(rows: usize, inputs: usize, outputs: usize) {
        let value = |i: usize| ((i * 7919) % 101) as f32 / 50.0 - 1.0;
        let weight: Vec<f32> = (0..inputs * outputs).map(value).collect();
        let bias: Vec<f32> = (0..outputs).map(value).collect();
        let x: Vec<f32> = (0..rows * inputs).map(|i| value(i + 13)).collect();
        let layer = Linear::new(&weight, Some(&bias), outputs, inputs);
        let exact = |row: usize, output: usize| {
            let products = (0..inputs)
                .map(|i| f64::from(x[row * inputs + i]) * f64::from(weight[output * inputs + i]));
            products.sum::<f64>() + f64::from(bias[output])
        };
        for arch in every_arch() {
            let mut y = vec![0.0; rows * outputs];
            arch.dispatch(Product {
                layer: &layer,
                x: &x,
                y: &mut y,
                add: false,
            });
            for (index, y) in y.iter().enumerate() {
                let exact = exact(index / outputs, index % outputs);
                assert!((exact - f64::from(*y)).abs() < 1e-4, "{arch:?}");
            }
        }
    }

    #[test]
    fn a_packed_product_equals_the_plain_sum() {
        check(1, 5, 3);
        check(4, 32, 32);
        check(7, 33, 65);
        check(9, 1, 96);
    }
}
