//! How much memory a checkpoint's layers may take.

use std::cell::Cell;

/// Bytes that loading may take besides four times those of the tensors.
const ALLOWANCE: u64 = 1 << 20;

/// Layers are padded to so many outputs: those of a matrix, and those of a convolution.
const MATRIX_PANEL: usize = 32;
const CONVOLUTION_PANEL: usize = 8;

/// Bytes that may still be used; nothing when that was exceeded.
#[derive(Debug)]
pub(super) struct Budget(Cell<Option<u64>>);

/// Whether a request for memory is within the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BudgetCheck {
    /// The budget was exceeded before; that is reported once.
    AlreadyExceeded,
    Exceeded,
    Within,
}

impl Budget {
    /// Makes the budget for tensors of so many bytes; what comes from no file has no limit.
    pub(super) fn of(stored: Option<u64>) -> Self {
        let bytes = stored.map_or(u64::MAX, |bytes| {
            bytes.saturating_mul(4).saturating_add(ALLOWANCE)
        });
        Self(Cell::new(Some(bytes)))
    }

    /// Takes memory for values that are held, if so many more could be copied on the way there.
    pub(super) fn spend(&self, held: usize, copied: usize) -> BudgetCheck {
        let Some(left) = self.0.get() else {
            return BudgetCheck::AlreadyExceeded;
        };
        let bytes = |values: usize| (values as u64).saturating_mul(size_of::<f32>() as u64);
        let left = left
            .checked_sub(bytes(held))
            .filter(|left| *left >= bytes(copied));
        self.0.set(left);
        if left.is_some() {
            BudgetCheck::Within
        } else {
            BudgetCheck::Exceeded
        }
    }
}

/// Returns how many values a layer of this shape is padded with.
pub(super) fn padding(shape: &[usize]) -> usize {
    let [outputs, inputs, taps @ ..] = shape else {
        return 0;
    };
    let taps: usize = taps.iter().product();
    let panel = if taps > 1 {
        CONVOLUTION_PANEL
    } else {
        MATRIX_PANEL
    };
    (outputs.next_multiple_of(panel) - outputs) * inputs * taps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exceeded_once_and_stays_so() {
        let budget = Budget::of(Some(0));
        let all = (ALLOWANCE / 4) as usize;
        assert_eq!(budget.spend(all / 2, all), BudgetCheck::Exceeded);
        assert_eq!(budget.spend(1, 0), BudgetCheck::AlreadyExceeded);
        let budget = Budget::of(Some(0));
        assert_eq!(budget.spend(all / 2, all / 2), BudgetCheck::Within);
        assert_eq!(budget.spend(all / 2, 0), BudgetCheck::Within);
        assert_eq!(budget.spend(1, 0), BudgetCheck::Exceeded);
    }

    #[test]
    fn padding_fills_whole_panels() {
        assert_eq!(padding(&[1, 100]), 31 * 100);
        assert_eq!(padding(&[9, 10, 3]), 7 * 30);
        assert_eq!(padding(&[64, 10, 1]), 0);
        assert_eq!(padding(&[5]), 0);
    }
}
