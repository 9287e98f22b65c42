//! The program is killed under load, and its trail is whole.

use std::{collections::HashSet, fs, net::SocketAddr, path::PathBuf};

use palisade::audit::{VerifyOptions, verify_file};

use crate::support::{CONFIG, Client, Count, Started, TestRequest, program};

/// Without these, no record comes too late and no limit stands in the way.
const UNDER_LOAD: &str = r#"
[audit]
file = "trail.jsonl"
policy = "fail-closed"
[[limits]]
name = "client"
rate = "100000/minute"
[[limits]]
name = "tts"
rate = "100000/minute"
by = "principal"
"#;

/// Asks until the server dies, and counts the responses.
async fn ask_until_it_dies(address: SocketAddr, authority: PathBuf, key: String, answered: Count) {
    let client = Client::trusting(address, &authority);
    while client
        .try_send(TestRequest::get("/voices").header("x-api-key", &key))
        .await
        .is_some()
    {
        answered.add_one();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_killed_under_load_the_trail_verifies_and_no_response_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}{UNDER_LOAD}");
    let (mut key, answered) = (None, Count::default());
    for round in 1..=10 {
        let mut server = Started::ready(program(folder.path(), &config)).await;
        let key = key.get_or_insert_with(|| server.key().unwrap()).clone();
        let authority = folder.path().join("data/tls/ca.pem");
        let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
        let asking: Vec<_> = (0..4)
            .map(|_| {
                let (authority, key) = (authority.clone(), key.clone());
                tokio::spawn(ask_until_it_dies(address, authority, key, answered.clone()))
            })
            .collect();
        // In progress, and killed in the middle of more.
        answered.reaches(10 * round).await;
        server.child.kill().await.unwrap();
        for asking in asking {
            asking.await.unwrap();
        }
        let answered = answered.get();
        let trail = folder.path().join("trail.jsonl");
        let text = fs::read_to_string(&trail).unwrap();
        // What the killed process left torn is set aside at the next start; until then only that may be wrong.
        let whole = text.lines().filter(|line| line.ends_with('}'));
        let recorded: HashSet<String> = whole
            .filter(|line| line.contains("\"route\":\"/voices\""))
            .map(|line| line.split("\"id\":\"").nth(1).unwrap()[..32].to_owned())
            .collect();
        assert!(
            recorded.len() >= answered,
            "{answered} responses, {} records",
            recorded.len()
        );
    }
    // A last start sets aside what the last death left.
    drop(Started::ready(program(folder.path(), &config)).await);
    let report = verify_file(folder.path().join("trail.jsonl"), &VerifyOptions::new()).unwrap();
    assert!(report.is_intact(), "{report:#?}");
}
