//! Settings that sinks of `[audit]` have alike. Their builders have methods of the same names, and no trait.

/// Gives the builder of a sink its policy, its deadline and the size of its queue.
macro_rules! with_queue {
    ($config:expr, $section:expr, $sink:expr) => {{
        let mut sink = $sink.policy($section.policy.into());
        if let Some(deadline) = $config.deadline(&$section.deadline_seconds)? {
            sink = sink.commit_deadline(deadline);
        }
        if let Some(records) = $section.queue {
            sink = sink.capacity(records);
        }
        sink
    }};
}
pub(in crate::config) use with_queue;

/// Gives the builder of a file its queue, the length and age of its parts, and the key of its hash chain.
macro_rules! with_file_settings {
    ($config:expr, $section:expr, $sink:expr) => {{
        let sink = with_queue!($config, $section, $sink);
        let mut sink = $config.compression(&$section.compress_parts, sink)?;
        if let Some(mib) = $section.rotate_mib {
            sink = sink.rotate_at(mib.saturating_mul(MIB));
        }
        if let Some(age) = $config.time(&$section.keep_days, TimeUnit::Days, LONGEST_KEEP_DAYS)? {
            sink = sink.keep_for(age);
        }
        if let Some(mib) = $config.number::<u64>(&$section.keep_mib, 1, MOST_MIB)? {
            sink = sink.keep_at_most(mib * MIB);
        }
        match &$section.seal_key {
            Some(path) => sink.key($config.seal_key(path)?),
            None => sink,
        }
    }};
}
pub(in crate::config) use with_file_settings;

/// Gives the builder of a sink over TLS its authorities, and the certificate of this service.
#[cfg(any(feature = "otlp", feature = "syslog-tls", feature = "webhook"))]
macro_rules! with_certificates {
    ($config:expr, $section:expr, $sink:expr) => {{
        let mut sink = $sink;
        if let Some(pem) = $config.pem($section.trust_anchors.as_ref())? {
            sink = sink.trust_anchors(pem);
        }
        let (chain, key) = (&$section.client_certificate, &$section.client_key);
        if let Some((chain, key)) = $config.client_identity(chain.as_ref(), key.as_ref())? {
            sink = sink.client_certificate(chain, key);
        }
        sink
    }};
}
#[cfg(any(feature = "otlp", feature = "syslog-tls", feature = "webhook"))]
pub(in crate::config) use with_certificates;
