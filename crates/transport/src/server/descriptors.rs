//! The process's limit of file descriptors, and the number of connections that fit under it.

/// Raises the soft limit to the hard limit, and returns the result.
///
/// `None`: there is no limit, or it is not known. A failure is logged, and the soft limit
/// stays.
#[cfg(unix)]
pub(crate) fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of file descriptors to the hard limit");
            limit.current
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_limit() -> Option<u64> {
    None
}

/// Returns how many connections fit under a limit of file descriptors: at most three quarters
/// of it.
///
/// The rest is for files, upstream connections, and connections that are being closed. Fewer
/// than `wanted` are logged as a warning.
pub(crate) fn connections_under(limit: Option<u64>, wanted: usize) -> usize {
    let Some(limit) = limit else {
        return wanted;
    };
    let fit = usize::try_from(limit / 4 * 3).unwrap_or(usize::MAX).max(1);
    if fit < wanted {
        tracing::warn!(
            number = "PAL0021",
            connections = fit,
            wanted,
            file_descriptors = limit,
            "fewer connections than configured: raise the hard limit of file descriptors \
             (`LimitNOFILE=` of systemd, `ulimit -Hn`)"
        );
    }
    fit.min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_a_quarter_of_the_descriptors() {
        assert_eq!(connections_under(Some(1024), 10_000), 768);
        assert_eq!(connections_under(Some(1_048_576), 10_000), 10_000);
        assert_eq!(connections_under(None, 10_000), 10_000);
        assert_eq!(connections_under(Some(0), 10_000), 1);
    }
}
