//! `palisade limits reset`: makes the buckets of a client, principal or owner full again.
//!
//! Only the buckets of the given limits are reset. A client that another limit refuses is still
//! refused.

use clap::Args;

use super::store::{SubjectArgument, Target};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Name and rates must be those of the service. For a client address, the IPv6 network around it is reset too. A node that
remembers a refusal asks the store again within two seconds.

Examples:
  palisade limits reset --redis-file redis.url --hash-key limits.key --limit login=5/minute --client 203.0.113.7
  palisade limits reset --redis-file redis.url --hash-key limits.key --limit tts=100/day --owner acme";

/// Makes the buckets full again, so that refusals end
///
/// For a client that was refused by mistake, and after a quota was raised. The reset applies to all
/// nodes that share the store.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reset {
    #[command(flatten)]
    target: Target,
}

impl Reset {
    /// Resets the bucket of each limit.
    ///
    /// A bucket that does not exist is full already: it is no error.
    ///
    /// # Errors
    ///
    /// The store cannot be used.
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let target = self.target;
        runtime.block_on(async {
            let buckets = target.connect().await?;
            match &buckets.subject {
                SubjectArgument::Client(ip) => buckets.layer.reset_client(*ip).get().await?,
                SubjectArgument::Named { .. } => {
                    if let Some(subject) = buckets.subject.as_subject() {
                        buckets.layer.reset(&subject).get().await?;
                    }
                }
            }
            Ok::<(), Failure>(())
        })?;
        Ok(output::print_result("reset")?)
    }
}
