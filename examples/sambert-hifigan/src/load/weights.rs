//! Weights taken by name and checked shape.

use std::cell::{Cell, RefCell};

use candle_core::{DType, Tensor};
use checkpoint::Tensors;

use super::{
    LoadError,
    budget::{Budget, BudgetCheck, padding},
};
use crate::kernel::{LayerNorm, Linear, Lstm};

/// The tensors of one checkpoint, read at most once each.
///
/// A missing or misshapen tensor is written down and an empty layer returned in its place, so that one
/// [`Self::finish`] reports everything that is wrong. What the layers take is counted: small tensors of odd
/// shapes could make large ones, since layers are padded to whole panels.
#[derive(Debug)]
pub(crate) struct Weights {
    file: String,
    tensors: RefCell<Tensors>,
    problems: RefCell<Vec<String>>,
    read: Cell<usize>,
    budget: Budget,
}

impl Weights {
    pub(crate) fn new(file: impl Into<String>, tensors: Tensors) -> Self {
        Self {
            file: file.into(),
            budget: Budget::of(tensors.stored_bytes()),
            tensors: RefCell::new(tensors),
            problems: RefCell::default(),
            read: Cell::new(0),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.borrow().shape(name).is_some()
    }

    /// Returns how many values have been read.
    pub(crate) fn parameters(&self) -> usize {
        self.read.get()
    }

    /// Returns the first dimension of a tensor.
    pub(crate) fn rows(&self, name: &str) -> Option<usize> {
        self.tensors.borrow().shape(name)?.first().copied()
    }

    pub(crate) fn problem(&self, problem: impl Into<String>) {
        self.problems.borrow_mut().push(problem.into());
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// One that lists every problem found.
    pub(crate) fn finish(self) -> Result<(), LoadError> {
        let problems = self.problems.into_inner();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(LoadError::many(self.file, problems))
        }
    }

    /// Counts values that a layer will hold, and checks that so many more may be copied on the way there.
    ///
    /// Returns whether the budget allows them.
    pub(crate) fn spend(&self, held: usize, copied: usize) -> bool {
        match self.budget.spend(held, copied) {
            BudgetCheck::Within => true,
            BudgetCheck::Exceeded => {
                self.problem("the layers would take far more memory than the checkpoint is large");
                false
            }
            BudgetCheck::AlreadyExceeded => false,
        }
    }

    /// Returns a tensor as f32, or nothing after writing down what is wrong with it.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Option<Tensor> {
        let mut tensors = self.tensors.borrow_mut();
        let Some(found) = tensors.shape(name) else {
            self.problem(format!("missing tensor {name} {shape:?}"));
            return None;
        };
        if found != shape {
            self.problem(format!(
                "tensor {name} has shape {found:?} instead of {shape:?}"
            ));
            return None;
        }
        let count = shape.iter().product();
        if !self.spend(count, count) {
            return None;
        }
        let read = tensors
            .take(name)?
            .map_err(String::from)
            .and_then(|tensor| {
                let floats = tensor.to_dtype(DType::F32);
                floats.map_err(|error| error.to_string())
            });
        match read {
            Ok(tensor) => {
                self.read.set(self.read.get() + tensor.elem_count());
                Some(tensor)
            }
            Err(problem) => {
                self.problem(format!("tensor {name}: {problem}"));
                None
            }
        }
    }

    /// As [`Self::tensor`], as values in row-major order.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let values = self.tensor(name, shape)?;
        if !self.spend(padding(shape), values.elem_count()) {
            return None;
        }
        match values.flatten_all().and_then(|flat| flat.to_vec1()) {
            Ok(values) => {
                if values.iter().any(|value: &f32| !value.is_finite()) {
                    self.problem(format!("tensor {name} holds values that are not finite"));
                    return None;
                }
                Some(values)
            }
            Err(error) => {
                self.problem(format!("tensor {name}: {error}"));
                None
            }
        }
    }

    /// Reads `{name}.weight` of shape `[outputs, inputs]`, with further dimensions of one, and `{name}.bias`.
    pub(crate) fn linear(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
        kernel: &[usize],
        bias: bool,
    ) -> Linear {
        let shape: Vec<usize> = [outputs, inputs].iter().chain(kernel).copied().collect();
        let weight = self.values(&format!("{name}.weight"), &shape);
        let bias_values = if bias {
            self.values(&format!("{name}.bias"), &[outputs])
        } else {
            None
        };
        match (weight, bias && bias_values.is_none()) {
            (Some(weight), false) => Linear::new(&weight, bias_values.as_deref(), outputs, inputs),
            _ => empty_linear(),
        }
    }

    pub(crate) fn layer_norm(&self, name: &str, width: usize) -> LayerNorm {
        let weight = self
            .values(&format!("{name}.weight"), &[width])
            .unwrap_or_default();
        let bias = self
            .values(&format!("{name}.bias"), &[width])
            .unwrap_or_default();
        LayerNorm::new(weight, bias)
    }

    /// Reads one direction of one LSTM layer; `suffix` is such as `l0` or `l0_reverse`.
    pub(crate) fn lstm(&self, name: &str, suffix: &str, inputs: usize, units: usize) -> Lstm {
        let part = |part: &str, inputs: usize| {
            let weight = self.values(
                &format!("{name}.weight_{part}_{suffix}"),
                &[4 * units, inputs],
            );
            let bias = self.values(&format!("{name}.bias_{part}_{suffix}"), &[4 * units]);
            match (weight, bias) {
                (Some(weight), Some(bias)) => Linear::new(&weight, Some(&bias), 4 * units, inputs),
                _ => empty_linear(),
            }
        };
        Lstm::new(part("ih", inputs), part("hh", units))
    }
}

fn empty_linear() -> Linear {
    Linear::new(&[], None, 0, 1)
}
