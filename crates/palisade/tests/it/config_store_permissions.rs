//! `[redis]`: what the user of the server must be permitted.
#![cfg(feature = "redis")]

use palisade::config::Config;

/// A user of the server with these permissions, and a file whose store it uses.
fn config_of_user(
    server: &palisade_internal::redis_server::RedisServer,
    permissions: &str,
    section: &str,
) -> (tempfile::TempDir, Config) {
    let address = server.url();
    let address = address
        .trim_start_matches("redis://")
        .trim_end_matches("/0");
    let mut connection = std::net::TcpStream::connect(address).unwrap();
    let command = format!("ACL SETUSER limits reset on >right ~palisade:* {permissions}\r\n");
    std::io::Write::write_all(&mut connection, command.as_bytes()).unwrap();
    let mut reply = [0; 5];
    std::io::Read::read_exact(&mut connection, &mut reply).unwrap();
    assert_eq!(&reply, b"+OK\r\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("limit.key"), [7; 32]).unwrap();
    let url = server.url().replace("redis://", "redis://limits:right@");
    let text = format!(
        "[server]\nhosts = ['a.example']\n[redis]\nurl = '{url}'\nhash_key = 'limit.key'\n{section}"
    );
    let path = folder.path().join("palisade.toml");
    std::fs::write(&path, text).unwrap();
    (folder, Config::read(&path).unwrap())
}

#[tokio::test]
async fn a_user_without_a_permission_of_the_limits_stops_the_start() {
    let Some(server) = palisade_internal::redis_server::RedisServer::start().unwrap() else {
        return;
    };
    let base = "+eval +evalsha +get +set +del +time +zadd +zcard +zremrangebyscore +expire";
    let concurrency = "[[concurrency]]\nname = 'voices'\nrequests = 2";
    let both = format!("{base} +zrem +zscore");
    for (permissions, section, starts) in [
        (base, "", true),
        (&*both, concurrency, true),
        (base, concurrency, false),
        (&*base.replace("+set ", ""), "", false),
    ] {
        let (_folder, config) = config_of_user(&server, permissions, section);
        let connected = config.connect_store().await.map(drop);
        let told = config.examine_store().await;
        assert_eq!(told.is_none(), starts, "{permissions}: {told:?}");
        match connected {
            Ok(()) => assert!(starts, "{permissions}"),
            Err(error) => {
                assert!(!starts, "{permissions}: {error}");
                let error = error.to_string();
                assert!(
                    error.contains("NOPERM") && error.contains("redis.url"),
                    "{error}"
                );
                assert!(!error.contains("right@"), "{error}");
            }
        }
    }
}
