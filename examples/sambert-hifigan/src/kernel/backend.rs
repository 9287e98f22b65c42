//! Large products on candle's backend: a graphics processor or a mathematics library, when built with one.
//!
//! The crate's own kernels need neither and are what the figures of the README are of. A copy of each weight is kept
//! where the backend computes, so such a build needs the acoustic model's memory twice.

use std::sync::OnceLock;

use candle_core::{Device, Result, Tensor};

/// Rows from which a product is handed over: fewer are not worth the way.
const MANY: usize = 16;

/// A linear layer as the backend holds it.
#[derive(Debug)]
pub(super) struct Backend {
    /// `[inputs, outputs]`.
    weight: Tensor,
    bias: Tensor,
    inputs: usize,
}

impl Backend {
    /// Copies a layer of shape `[outputs, inputs]` to the backend. `None` if its memory is not enough.
    pub(super) fn new(
        weight: &[f32],
        bias: Option<&[f32]>,
        outputs: usize,
        inputs: usize,
    ) -> Option<Self> {
        let load = || -> Result<Self> {
            let weight = Tensor::from_slice(weight, (outputs, inputs), device())?;
            let bias = match bias {
                Some(bias) => Tensor::from_slice(bias, outputs, device())?,
                None => weight.narrow(1, 0, 1)?.squeeze(1)?.zeros_like()?,
            };
            Ok(Self {
                weight: weight.t()?.contiguous()?,
                bias,
                inputs,
            })
        };
        if weight.is_empty() { None } else { load().ok() }
    }

    /// Computes `x W^T + b` for rows of `x`; nothing where they are few or the backend fails.
    pub(super) fn map(&self, x: &[f32]) -> Option<Vec<f32>> {
        let rows = x.len() / self.inputs;
        let product = || -> Result<Vec<f32>> {
            let x = Tensor::from_slice(x, (rows, self.inputs), self.weight.device())?;
            let y = x.matmul(&self.weight)?.broadcast_add(&self.bias)?;
            y.flatten_all()?.to_vec1()
        };
        if rows < MANY { None } else { product().ok() }
    }
}

/// Returns the first device of the kind this build was made for; the processor where there is none.
fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let found = if cfg!(feature = "cuda") {
            Device::cuda_if_available(0)
        } else if cfg!(feature = "metal") {
            Device::metal_if_available(0)
        } else {
            Ok(Device::Cpu)
        };
        found.unwrap_or(Device::Cpu)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Linear;

    fn value(i: usize) -> f32 {
        ((i * 7919) % 101) as f32 / 50.0 - 1.0
    }

    fn check(bias: Option<&[f32]>) {
        let (rows, inputs, outputs) = (40, 33, 65);
        let weight: Vec<f32> = (0..inputs * outputs).map(value).collect();
        let x: Vec<f32> = (0..rows * inputs).map(|i| value(i + 13)).collect();
        let backend = Backend::new(&weight, bias, outputs, inputs).unwrap();
        let theirs = backend.map(&x).unwrap();
        let ours = Linear::new(&weight, bias, outputs, inputs).map(&x);
        assert_eq!(theirs.len(), ours.len());
        for (theirs, ours) in theirs.iter().zip(&ours) {
            assert!((theirs - ours).abs() < 1e-4);
        }
        assert!(backend.map(&x[..15 * inputs]).is_none());
    }

    #[test]
    fn the_backend_computes_what_the_kernels_do() {
        let bias: Vec<f32> = (0..65).map(|i| value(i + 3)).collect();
        check(Some(&bias));
        check(None);
    }
}
