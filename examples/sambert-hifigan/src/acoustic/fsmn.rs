//! Feed-forward sequential memory: wide layers with a depthwise look to both sides.

use crate::{
    kernel::{Linear, add, depthwise, relu},
    load::{Shift, Weights},
};

/// The memory encoder the predictors and the postnet share.
#[derive(Debug)]
pub(crate) struct Fsmn {
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    wide: Linear,
    narrow: Linear,
    /// `[taps, channels]`.
    memory: Vec<f32>,
    left: usize,
}

/// The sizes of an [`Fsmn`].
#[derive(Debug)]
pub(crate) struct FsmnShape<'a> {
    pub(crate) layers: usize,
    pub(crate) inputs: usize,
    pub(crate) inner: usize,
    pub(crate) width: usize,
    pub(crate) filter: usize,
    pub(crate) shift: &'a Shift,
}

impl Fsmn {
    pub(crate) fn load(weights: &Weights, name: &str, shape: &FsmnShape<'_>) -> Self {
        let layer = |index: usize| {
            let inputs = if index == 0 {
                shape.inputs
            } else {
                shape.width
            };
            let (width, filter) = (shape.width, shape.filter);
            let memory = weights.values(
                &format!("{name}.memory_block_lst.{index}.conv_dw.weight"),
                &[width, 1, filter],
            );
            let ffn = format!("{name}.ffn_lst.{index}");
            Layer {
                wide: weights.linear(&format!("{ffn}.w_1"), shape.inner, inputs, &[1], true),
                narrow: weights.linear(&format!("{ffn}.w_2"), width, shape.inner, &[1], false),
                memory: memory
                    .map(|memory| transposed(&memory, width, filter))
                    .unwrap_or_default(),
                // The filter is centred, then moved towards the past.
                left: (filter - 1) / 2 + shape.shift.of(index).min((filter - 1) / 2),
            }
        };
        Self {
            layers: (0..shape.layers).map(layer).collect(),
        }
    }

    /// Encodes rows of inputs into rows of memory units.
    pub(crate) fn run(&self, x: &[f32]) -> Vec<f32> {
        let mut x = x.to_vec();
        for layer in &self.layers {
            let mut wide = layer.wide.map(&x);
            relu(&mut wide);
            let narrow = layer.narrow.map(&wide);
            let mut y = narrow.clone();
            depthwise(
                &narrow,
                &layer.memory,
                layer.narrow.outputs(),
                layer.left,
                &mut y,
            );
            if layer.wide.inputs() == layer.narrow.outputs() {
                add(&mut y, &x);
            }
            x = y;
        }
        x
    }
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns)
        .map(|index| values[index % rows * columns + index / rows])
        .collect()
}
