//! Work that a request begins and does not wait for, in bounded number.

use std::{future::Future, sync::Arc};

use tokio::{runtime::Handle, sync::Semaphore};

/// Tasks of the runtime of the request. More than so many at the same time are not begun.
#[derive(Clone, Debug)]
pub struct BackgroundTasks(Arc<Semaphore>);

impl BackgroundTasks {
    /// Allows so many tasks at the same time.
    #[must_use]
    pub fn at_most(tasks: usize) -> Self {
        Self(Arc::new(Semaphore::new(tasks)))
    }

    /// Begins a task, unless too many are in progress or there is no runtime: then the work is dropped.
    pub fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let place = Arc::clone(&self.0).try_acquire_owned();
        if let (Ok(runtime), Ok(place)) = (Handle::try_current(), place) {
            runtime.spawn(async move {
                work.await;
                drop(place);
            });
        }
    }
}
