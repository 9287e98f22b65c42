//! `Retry-After`, obeyed, suffices on the server too: the property of [`crate::obey`].

use std::time::Duration;

use super::{same_as_memory::pass, server::Server};
use crate::obey::{Timed, limits, obeying_suffices, steps};
use palisade_rate_limit::{LimitStore, RedisStore};

struct OnServer<'a> {
    server: &'a Server,
    store: &'a RedisStore,
    now: Duration,
}

impl Timed for OnServer<'_> {
    fn store(&self) -> &dyn LimitStore {
        self.store
    }

    fn now(&self) -> Duration {
        self.now
    }

    /// The clock of the node never goes back.
    async fn pass(&mut self, seconds: i64) {
        self.now += Duration::from_secs(seconds.max(0).unsigned_abs());
        pass(self.server, seconds * 1_000_000).await;
    }

    async fn settled(&self) {
        super::settled(self.store).await;
    }
}

#[test]
fn retry_after_obeyed_suffices_on_the_server() {
    let Some((runtime, server, redis)) = super::start_blocking() else {
        return;
    };
    let mut runner = super::cases(64);
    let lives = std::cell::Cell::new(0);
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let _: () = server.command(&["FLUSHALL"]).await;
            // After everything that the node remembers of an earlier case.
            lives.set(lives.get() + 1);
            let now = Duration::from_secs(lives.get() * 100_000_000);
            let (server, store) = (&server, &redis);
            let mut timed = OnServer { server, store, now };
            obeying_suffices(&mut timed, &limits(), &steps).await
        })
    });
    outcome.unwrap();
}
