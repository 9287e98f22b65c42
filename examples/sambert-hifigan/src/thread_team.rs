//! The threads that one speech may use.

use std::{num::NonZeroUsize, sync::Arc};

use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{
        IndexedParallelIterator, IntoParallelRefIterator, IntoParallelRefMutIterator,
        ParallelIterator,
    },
};

/// A bounded number of threads; alone, everything runs on the thread that asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThreadTeam(Option<Arc<ThreadPool>>);

impl ThreadTeam {
    /// Starts as many threads; where the system has none to give, work stays on the thread that asks.
    pub(crate) fn of(threads: NonZeroUsize) -> Self {
        if threads.get() == 1 {
            return Self(None);
        }
        let builder = ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .thread_name(|index| format!("voice-{index}"));
        Self(builder.build().ok().map(Arc::new))
    }

    pub(crate) const fn is_alone(&self) -> bool {
        self.0.is_none()
    }

    /// Does the task for each pair, in any order and on any thread of the team; the last, begun first, should be
    /// the longest.
    pub(crate) fn each<A: Sync, B: Send>(
        &self,
        shared: &[A],
        own: &mut [B],
        task: impl Fn(&A, &mut B) + Send + Sync,
    ) {
        match &self.0 {
            None => shared.iter().zip(own).for_each(|(a, b)| task(a, b)),
            Some(pool) => pool.install(|| {
                let pairs = shared.par_iter().zip(own.par_iter_mut());
                pairs.rev().with_max_len(1).for_each(|(a, b)| task(a, b));
            }),
        }
    }
}
