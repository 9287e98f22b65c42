//! `[redis]`: secrets and certificates of the store, and limits with a lease.

use palisade::config::Config;

#[test]
fn the_password_of_a_store_is_in_no_debug_output_and_no_error() {
    let text = "[server]\nhosts = [\"a.example\"]\n[redis]\nurl = \"redis://:canary@127.0.0.1\"\nhash_key = \"none\"\n";
    let config = Config::parse(text).unwrap();
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    let other = Config::parse(&text.replace("canary", "other")).unwrap();
    assert_eq!(config.changes(&other), ["redis.url"]);
}

#[tokio::test]
async fn a_wrong_secret_or_certificate_of_the_store_is_told_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("hash.key", "sixteen bytes or more"),
        ("empty", "\n"),
        ("password", "canary\n"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (lines, expected) in [
        (
            "password_file = 'empty'",
            "redis.password_file: the file is empty",
        ),
        ("password_file = 'absent'", "redis.password_file: "),
        (
            "sentinel_password_file = 'password'",
            "redis.url: the user and password of the sentinels would not be used",
        ),
        (
            "sentinel_user = 'one'",
            "redis.url: the user and password of the sentinels would not be used",
        ),
        (
            "root_certificate = 'password'",
            "redis.url: the root certificate of the store is no PEM certificate",
        ),
        (
            "client_key = 'password'",
            "redis.client_key: certificate and key belong together",
        ),
        (
            "client_certificate = 'password'",
            "redis.client_certificate: certificate and key belong together",
        ),
        (
            "root_certificate = 'ca.pem'\nurl = 'redis://127.0.0.1:1'",
            "redis.url: the certificates of the store would not be used",
        ),
        (
            "client_certificate = 'ca.pem'\nclient_key = 'password'\nurl = 'redis-cluster://127.0.0.1:1'",
            "write rediss://, rediss-cluster:// or rediss-sentinel://",
        ),
    ] {
        let file = folder.path().join("palisade.toml");
        let url = match lines.contains("url = ") {
            true => "",
            false => "url = 'rediss://127.0.0.1:1'\n",
        };
        let text = format!(
            "[server]\nhosts = ['a.example']\n[redis]\n{url}hash_key = 'hash.key'\n{lines}\n"
        );
        std::fs::write(&file, text).unwrap();
        let error = Config::read(&file).unwrap().connect_store().await;
        let error = error.expect_err("it is refused").to_string();
        assert!(error.contains(expected), "{lines}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_limit_with_a_lease_needs_the_shared_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hash.key"), [7; 32]).unwrap();
    let file = folder.path().join("palisade.toml");
    let read = |redis: &str, lease: &str| {
        let limit = "name = 'a'\nrate = '400/minute'";
        let text =
            format!("[server]\nhosts = ['a.example']\n{redis}\n[[limits]]\n{limit}\n{lease}\n");
        std::fs::write(&file, text).unwrap();
        Config::read(&file).unwrap()
    };
    let redis = "[redis]\nurl = 'redis://127.0.0.1:1'\nhash_key = 'hash.key'\nlease_millis = 500";
    let config = read(redis, "lease = 100");
    let store = config.connect_store().await.unwrap();
    let parts = config.assemble_with(store).unwrap();
    let explained = parts.limits.clients.unwrap().explain();
    assert!(explained.contains("leases of 500 ms"), "{explained}");
    for (redis, lease, expected) in [
        (
            "",
            "lease = 100",
            "a lease needs a store that several nodes share",
        ),
        (redis, "lease = 101", "use 2 to 100, a quarter of the burst"),
        (
            redis,
            "lease = 10\npenalty = true",
            "a lease needs a cost that is final",
        ),
    ] {
        let config = read(redis, lease);
        let store = config.connect_store().await.unwrap();
        let error = config.assemble_with(store).expect_err("it is refused");
        assert!(error.to_string().contains(expected), "{lease}: {error}");
    }
}

/// Reads a file with a section `[limit_store]` and a limit of two requests an hour.
fn with_limit_store(folder: &std::path::Path, section: &str) -> Config {
    let file = folder.join("palisade.toml");
    let limit = "[[limits]]\nname = 'a'\nrate = '2/hour'\nby = 'principal'";
    let text = format!("[server]\nhosts = ['a.example']\n{section}\n{limit}\n");
    std::fs::write(&file, text).unwrap();
    Config::read(&file).unwrap()
}

#[tokio::test]
async fn the_limits_of_a_file_with_a_snapshot_survive_a_restart() {
    use palisade::rate_limit::{BucketState, Charge, LimitStore as _, Policy, Subject};
    let folder = tempfile::tempdir().unwrap();
    let section =
        "[limit_store]\nbuckets = 2000\nsnapshot = 'limits.snapshot'\nsnapshot_seconds = 5";
    let config = with_limit_store(folder.path(), section);
    let store = config.connect_store().await.unwrap().unwrap();
    assert!(
        store.explain().ends_with("saved every 5 s"),
        "{}",
        store.explain()
    );
    let limit = Policy::named("a")
        .rate("2/hour")
        .unwrap()
        .limits()
        .unwrap()
        .remove(0);
    let limit = std::sync::Arc::new(limit);
    let now = palisade::core::SystemClock::shared().monotonic();
    let charge = Charge::new(&limit, store.bucket_key(&Subject::Everyone), 2);
    store.charge(now, &[charge]).get().await;
    store.finish().get().await;
    drop(store);
    let store = config.connect_store().await.unwrap();
    let layers = config.assemble_with(store).unwrap().limits;
    let states: Vec<BucketState> = layers
        .principals
        .unwrap()
        .inspect(&Subject::Everyone)
        .get()
        .await
        .unwrap();
    assert_eq!(states[0].remaining, 0);
}

#[tokio::test]
async fn a_memory_section_that_cannot_be_used_is_an_error_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hash.key"), [7; 32]).unwrap();
    for (section, expected) in [
        ("[limit_store]\nbuckets = 1023", "limit_store.buckets"),
        ("[limit_store]\nbuckets = 20000001", "limit_store.buckets"),
        (
            "[limit_store]\nsnapshot_seconds = 5",
            "nothing is saved without a file",
        ),
        (
            "[limit_store]\nsnapshot = 'a'\nsnapshot_seconds = 0",
            "limit_store.snapshot_seconds",
        ),
        ("[limit_store]\nsnapshot = '.'", "no regular file"),
        ("[limit_store]\nsnapshot = 'none/a'", "cannot be"),
        (
            "[limit_store]\n[redis]\nurl = 'redis://127.0.0.1:1'\nhash_key = 'hash.key'",
            "not in both",
        ),
    ] {
        let config = with_limit_store(folder.path(), section);
        let error = config.connect_store().await.expect_err(section);
        assert!(error.to_string().contains(expected), "{section}: {error}");
    }
    let config = with_limit_store(folder.path(), "[limit_store]\nsnapshot = 'limits.snapshot'");
    let checked = config.store_of_check().unwrap();
    assert!(
        checked.explain().starts_with("memory: "),
        "{}",
        checked.explain()
    );
    assert!(
        !folder.path().join("limits.snapshot").exists(),
        "a check opens no file"
    );
}

#[test]
fn a_limit_counts_refusals_or_failed_credentials_and_may_be_in_shadow() {
    let explained = |lines: &str| {
        let text = format!(
            "[server]\nhosts = ['a.example']\n[[limits]]\nname = 'a'\nrate = '1 per 10 minutes'\nburst = 20\n{lines}\n"
        );
        let parts = Config::parse(&text)?.assemble()?;
        Ok::<_, palisade::config::ConfigFileError>(parts.limits.clients.unwrap().explain())
    };
    let block = explained("penalty_for_refusals = true").unwrap();
    assert!(
        block.contains("charged by refusals of other limits only"),
        "{block}"
    );
    let shadow = explained("dangerously_only_shadow = true").unwrap();
    assert!(shadow.contains("in shadow: it refuses nothing"), "{shadow}");
    let both = explained("penalty = true\npenalty_for_refusals = true").unwrap_err();
    assert!(
        both.to_string()
            .contains("limits.penalty_for_refusals: failed credentials"),
        "{both}"
    );
}

/// Who writes the file of a secret chooses the secret.
#[cfg(unix)]
#[tokio::test]
async fn every_secret_of_a_store_is_refused_in_a_file_that_others_may_write() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let url = "url = 'rediss://127.0.0.1:1'";
    for (name, text, mode) in [
        ("key", "sixteen bytes or more", 0o600),
        ("ca.pem", "-----BEGIN CERTIFICATE-----", 0o600),
        ("open", "canary canary canary", 0o622),
    ] {
        std::fs::write(at(name), text).unwrap();
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    for (section, key) in [
        ("[redis]\nhash_key = 'open'", "redis.hash_key"),
        (
            "[redis]\nhash_key = 'key'\npassword_file = 'open'",
            "redis.password_file",
        ),
        (
            "[redis]\nhash_key = 'key'\nsentinel_password_file = 'open'",
            "redis.sentinel_password_file",
        ),
        (
            "[redis]\nhash_key = 'key'\nclient_certificate = 'ca.pem'\nclient_key = 'open'",
            "redis.client_key",
        ),
        (
            "[session.redis]\nseal_key = 'key'\npassword_file = 'open'",
            "session.redis.password_file",
        ),
    ] {
        let text = format!("[server]\nhosts = ['a.example']\n{section}\n{url}\n");
        std::fs::write(at("palisade.toml"), text).unwrap();
        let config = Config::read(at("palisade.toml")).unwrap();
        let error = match section.starts_with("[redis]") {
            true => config.connect_store().await.map(drop).unwrap_err(),
            false => config.assemble().map(drop).unwrap_err(),
        };
        let error = error.to_string();
        let expected = format!("{key}: others may write it");
        assert!(error.contains(&expected), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_password_is_read_from_a_regular_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("key"), "sixteen bytes or more").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    let text = "[server]\nhosts = ['a.example']\n[redis]\nurl = 'redis://127.0.0.1:1'\n\
                hash_key = 'key'\npassword_file = 'folder'\n";
    std::fs::write(at("palisade.toml"), text).unwrap();
    let config = Config::read(at("palisade.toml")).unwrap();
    let error = config.connect_store().await.map(drop).unwrap_err();
    assert!(
        error.to_string().contains("it is not a regular file"),
        "{error}"
    );
}

#[test]
fn a_limit_has_tiers_amounts_of_keys_and_a_delay() {
    let explained = |lines: &str| {
        let text = format!(
            "[server]\nhosts = ['a.example']\n[[limits]]\nname = 'a'\nrate = '5/second'\n{lines}\n"
        );
        let parts = Config::parse(&text)?.assemble()?;
        let limits = parts.limits.clients.or(parts.limits.principals);
        Ok::<_, palisade::config::ConfigFileError>(limits.unwrap().explain())
    };
    let all = "by = 'principal'\ntiers = { paid = '50/second;900/minute' }\nown_amounts_up_to = 80\n\
               delay_millis = 1500";
    let all = explained(all).unwrap();
    for part in [
        "tier paid 50/second",
        "a-minute: 900/minute",
        "own amounts up to 80",
        "at most 500 wait for 1.5 s",
    ] {
        assert!(all.contains(part), "{all}");
    }
    for (lines, why) in [
        (
            "tiers = { paid = '9/day' }",
            "limits.tiers.paid: a client has no tier",
        ),
        (
            "by = 'owner'\ntiers = { paid = 'x' }",
            "limits.tiers.paid: ",
        ),
        (
            "by = 'owner'\nown_amounts_up_to = 9",
            "limits.own_amounts_up_to: only principals",
        ),
        (
            "by = 'principal'\nown_amounts_up_to = 0",
            "limits.own_amounts_up_to",
        ),
        ("delay_millis = 60001", "limits.delay_millis"),
        ("delay_millis = 199", "limits.delay_millis: "),
        (
            "delayed_requests = 9",
            "limits.delayed_requests: no request waits",
        ),
        (
            "delay_millis = 1000\npenalty = true",
            "a penalty refuses at once",
        ),
    ] {
        let error = explained(lines).unwrap_err().to_string();
        assert!(error.contains(why), "{lines}: {error}");
    }
}
