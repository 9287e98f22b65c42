//! A long short-term memory layer.

use super::Linear;

/// One direction of one layer; gates in the order input, forget, cell, output.
#[derive(Debug)]
pub(crate) struct Lstm {
    input: Linear,
    recurrent: Linear,
}

/// The state an [`Lstm`] carries from step to step.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) hidden: Vec<f32>,
    cell: Vec<f32>,
    gates: Vec<f32>,
}

impl Lstm {
    pub(crate) const fn new(input: Linear, recurrent: Linear) -> Self {
        Self { input, recurrent }
    }

    pub(crate) const fn units(&self) -> usize {
        self.recurrent.inputs()
    }

    pub(crate) fn start(&self) -> State {
        let units = self.units();
        State {
            hidden: vec![0.0; units],
            cell: vec![0.0; units],
            gates: vec![0.0; 4 * units],
        }
    }

    /// Advances by one input row.
    pub(crate) fn step(&self, x: &[f32], state: &mut State) {
        self.input.apply(x, &mut state.gates);
        self.advance(state);
    }

    /// Runs over all rows of `x` and writes each hidden state at `offset` of the rows of `y`, `stride` wide.
    pub(crate) fn run(
        &self,
        x: &[f32],
        y: &mut [f32],
        stride: usize,
        offset: usize,
        backward: bool,
    ) {
        let rows = x.len() / self.input.inputs();
        let gates = self.input.map(x);
        let mut state = self.start();
        for index in 0..rows {
            let row = if backward { rows - 1 - index } else { index };
            let width = state.gates.len();
            state
                .gates
                .copy_from_slice(&gates[row * width..(row + 1) * width]);
            self.advance(&mut state);
            let from = row * stride + offset;
            y[from..from + state.hidden.len()].copy_from_slice(&state.hidden);
        }
    }

    fn advance(&self, state: &mut State) {
        let units = self.units();
        let State {
            hidden,
            cell,
            gates,
        } = state;
        self.recurrent.accumulate(hidden, gates);
        for unit in 0..units {
            let input = sigmoid(gates[unit]);
            let forget = sigmoid(gates[units + unit]);
            let candidate = gates[2 * units + unit].tanh();
            let output = sigmoid(gates[3 * units + unit]);
            cell[unit] = forget * cell[unit] + input * candidate;
            hidden[unit] = output * cell[unit].tanh();
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    (1.0 + (-x).exp()).recip()
}
