//! `palisade token doctor` and `palisade try token --config`, with an issuer on a loopback address.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::support::{Folder, Ran};

/// The bodies by path, and the `Date` of every response.
#[derive(Default)]
struct Published {
    bodies: BTreeMap<String, String>,
    date: String,
}

/// An issuer that serves what it is given, until the test ends.
struct Issuer {
    address: SocketAddr,
    published: Arc<Mutex<Published>>,
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let published = Arc::new(Mutex::new(Published {
            date: httpdate::fmt_http_date(std::time::SystemTime::now()),
            ..Published::default()
        }));
        let shared = Arc::clone(&published);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let path = first.split(' ').nth(1).unwrap().to_owned();
                let _ = lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
                let published = shared.lock().unwrap();
                let (status, body) = match published.bodies.get(&path) {
                    Some(body) => ("200 OK", body.as_str()),
                    None => ("404 Not Found", ""),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ndate: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    published.date,
                    body.len()
                );
                let _ = stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice());
            }
        });
        Self { address, published }
    }

    fn name(&self) -> String {
        format!("http://{}", self.address)
    }

    #[allow(clippy::needless_pass_by_value)] // The calls read better.
    fn publish(&self, path: &str, body: impl ToString) {
        let mut published = self.published.lock().unwrap();
        published.bodies.insert(path.to_owned(), body.to_string());
    }

    /// Publishes metadata at a well-known path, and the keys of a folder.
    fn publish_all(&self, folder: &Folder, path: &str) {
        let keys = format!("{}/keys", self.name());
        self.publish(path, json!({ "issuer": self.name(), "jwks_uri": keys }));
        self.publish("/keys", folder.text("dev.jwks"));
    }
}

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const LOOPBACK: &str = "--dangerously-allow-loopback-http";

/// Mints a token of the issuer, with its keys in the folder.
fn mint(folder: &Folder, issuer: &str, audience: &str) -> String {
    folder.good(&format!(
        "token mint --key dev.pem --jwks dev.jwks --kid dev --issuer {issuer} --audience {audience} \
         --subject lin --scope tts:speak"
    ))
}

fn examined(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
}

fn codes(examined: &Value) -> Vec<&str> {
    let findings = examined["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

#[test]
fn an_issuer_in_order_is_listed_and_a_sample_is_decided_about() {
    for path in [OPENID, OAUTH] {
        let (folder, issuer) = (Folder::new(), Issuer::start());
        let name = issuer.name();
        let (good, other) = (mint(&folder, &name, "tts"), mint(&folder, &name, "other"));
        issuer.publish_all(&folder, path);
        let line = format!("token doctor {name} --audience tts --sample {LOOPBACK}");
        let ran = folder.run_with_input(&line, good.as_bytes());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for part in [
            format!("issuer    {name}"),
            format!("metadata  {name}{path}"),
            format!("keys      {name}/keys"),
            "key       EdDSA  dev".to_owned(),
            "clock     differs by".to_owned(),
            "sample    accepted".to_owned(),
        ] {
            assert!(ran.out.contains(&part), "{part} in {}", ran.out);
        }
        assert!(!ran.out.contains(&good), "the token is not repeated");

        let ran = folder.run_with_input(&format!("{line} --json"), other.as_bytes());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let all = examined(&ran);
        assert_eq!(all["keys"], json!([{ "kid": "dev", "algorithm": "EdDSA" }]));
        assert_eq!(all["sample"]["code"], "audience_mismatch");
        assert_eq!(codes(&all), [""; 0]);
    }
}

#[test]
fn what_is_wrong_with_an_issuer_is_found() {
    let (folder, issuer) = (Folder::new(), Issuer::start());
    let name = issuer.name();
    mint(&folder, &name, "tts");
    let line = format!("token doctor {name} --json {LOOPBACK}");
    let found = |line: &str, expected: &str, part: &str| {
        let ran = folder.run(line);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let all = examined(&ran);
        assert_eq!(codes(&all), [expected], "{all}");
        let text = all["findings"][0]["text"].as_str().unwrap();
        assert!(text.contains(part), "{text}");
    };
    found(&line, "status", "--jwks-url");
    issuer.publish(
        OPENID,
        json!({ "issuer": format!("{name}/"), "jwks_uri": "https://a.example/k" }),
    );
    found(&line, "metadata_of_another_issuer", &format!("{name}/"));
    issuer.publish(OPENID, "<html>");
    found(&line, "metadata_malformed", "jwks_uri");
    issuer.publish(
        OPENID,
        json!({ "issuer": name, "jwks_uri": "http://keys.example/k" }),
    );
    found(&line, "jwks_uri_not_allowed", "http://keys.example/k");

    issuer.publish_all(&folder, OPENID);
    let mut keys: Value = serde_json::from_str(&folder.text("dev.jwks")).unwrap();
    let all = keys["keys"].as_array_mut().unwrap();
    all.push(json!({ "kty": "oct", "k": "AAAA", "kid": "secret" }));
    issuer.publish("/keys", &keys);
    found(&line, "key_skipped", "secret");
    issuer.publish("/keys", json!({ "keys": [] }));
    found(&line, "no_usable_key", "none of the keys");
    issuer.publish("/keys", "[]");
    found(&line, "not_a_key_set", "JSON Web Key Set");

    issuer.publish_all(&folder, OPENID);
    let now = std::time::SystemTime::now();
    let behind = now - std::time::Duration::from_secs(90);
    issuer.published.lock().unwrap().date = httpdate::fmt_http_date(behind);
    found(&line, "clock_skew", "s ahead");
    issuer.published.lock().unwrap().date = httpdate::fmt_http_date(now);

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    found(
        &line.replace(&issuer.address.to_string(), &nobody.to_string()),
        "connect",
        "no connection",
    );
    let direct =
        format!("token doctor https://id.example --jwks-url {name}/keys --json {LOOPBACK}");
    assert_eq!(folder.run(&direct).code, Some(0));
    for wrong in [
        "token doctor http://id.example",
        "token doctor https://id.example --sample",
        "token doctor https://id.example --config none.toml",
    ] {
        folder.bad(wrong);
    }
}

/// A service with one resource, whose issuer publishes metadata.
fn config(folder: &Folder, issuer: &str, more: &str) {
    let text = format!(
        "[server]\nhosts = [\"a.example\"]\n[[tokens]]\nissuer = \"{issuer}\"\ndiscovery = true\n\
         dangerously_allow_loopback_http = true\n[[resource_servers]]\nresource = \"https://a.example/mcp\"\n\
         {more}[[routes]]\npath = \"/mcp\"\naccess = [\"tts:write\"]\n"
    );
    fs::write(folder.path("service.toml"), text).unwrap();
}

#[test]
fn tokens_are_decided_about_as_the_service_of_a_configuration_does() {
    let (folder, issuer) = (Folder::new(), Issuer::start());
    let name = issuer.name();
    let resource = "https://a.example/mcp";
    let good = mint(&folder, &name, resource);
    let other = mint(&folder, &name, "https://a.example/v1");
    issuer.publish_all(&folder, OPENID);
    config(
        &folder,
        &name,
        "[revoked_tokens]\nfile = \"revoked.json\"\n",
    );
    folder.good("token revoke --list revoked.json --principal someone");
    let decide = |line: &str| -> Vec<Value> {
        let input = [&*good, &other, "opaque", "", "\u{7f}"].join("\n");
        let ran = folder.run_with_input(line, input.as_bytes());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let lines = ran.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let line = "try token --config service.toml";
    let all = decide(line);
    assert_eq!(all.len(), 5);
    assert_eq!(all[0]["accepted"], true, "{all:?}");
    assert_eq!(all[0]["principal"]["id"], "lin");
    assert_eq!(all[0]["principal"]["scopes"], json!(["tts:speak"]));
    assert_eq!(all[1]["code"], "audience_mismatch");
    assert!(
        all[1..].iter().all(|one| one["accepted"] == false),
        "{all:?}"
    );
    let elsewhere = decide(&format!("{line} --path /v1"));
    assert_eq!(elsewhere[0]["code"], "no_resource_at_this_path");

    folder.good("token revoke --list revoked.json --principal lin");
    assert_eq!(decide(line)[0]["code"], "revoked");

    let doctor = format!("token doctor {name} --config service.toml --sample --json {LOOPBACK}");
    let ran = folder.run_with_input(&doctor, good.as_bytes());
    assert_eq!(ran.code, Some(1));
    assert_eq!(examined(&ran)["sample"]["code"], "revoked");
    config(&folder, "https://id.example", "");
    let ran = folder.run(&doctor.replace(" --sample", ""));
    assert_eq!(codes(&examined(&ran)), ["issuer_not_configured"]);

    fs::write(folder.path("service.toml"), "server.hosts = ['a.example']").unwrap();
    assert!(folder.bad(line).contains("[[tokens]]"));
    assert!(
        folder
            .bad(&format!("{line} --issuer a"))
            .contains("--issuer")
    );
    assert!(folder.bad("try token --audience a").contains("--jwks"));
}

/// An issuer chooses the names of its keys. They must not clear or recolor the terminal.
#[test]
fn names_of_keys_cannot_control_the_terminal() {
    let (folder, issuer) = (Folder::new(), Issuer::start());
    let name = issuer.name();
    mint(&folder, &name, "tts");
    issuer.publish_all(&folder, OPENID);
    let mut keys: Value = serde_json::from_str(&folder.text("dev.jwks")).unwrap();
    let all = keys["keys"].as_array_mut().unwrap();
    all[0]["kid"] = json!("used\u{1b}[2J");
    all.push(json!({ "kty": "oct", "k": "AAAA", "kid": "skipped\u{1b}[31m\u{202e}\nfinding" }));
    issuer.publish("/keys", &keys);
    let ran = folder.run(&format!("token doctor {name} {LOOPBACK}"));
    for part in ["used\\u{1b}[2J", "skipped\\u{1b}[31m\\u{202e}\\nfinding"] {
        assert!(ran.out.contains(part), "{ran:?}");
    }
    let bad = |one: char| (one.is_control() && one != '\n') || one == '\u{202e}';
    assert!(!ran.out.contains(bad), "{ran:?}");
}
