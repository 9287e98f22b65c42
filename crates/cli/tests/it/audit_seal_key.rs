//! `palisade audit seal-key`, and the verification of a trail with the first key.

use palisade_audit::{CheckpointKey, EvolvingKeyFile, FileSink};

use crate::support::Folder;

#[test]
fn a_trail_with_an_evolving_key_is_verified_with_the_first_one() {
    let folder = Folder::new();
    folder.good("audit seal-key seal.key");
    folder.good("audit key checkpoint.key");
    #[cfg(unix)]
    for name in ["seal.key", "seal.key.first"] {
        assert_eq!(folder.mode(name), 0o600);
    }
    let sink = FileSink::builder(folder.path("audit.jsonl"))
        .evolving_key(EvolvingKeyFile::open(folder.path("seal.key")).unwrap())
        .checkpoint_key(CheckpointKey::from_file(folder.path("checkpoint.key")).unwrap());
    crate::audit::write(sink);
    let verify = "audit verify audit.jsonl --checkpoint-key checkpoint.key.pub --key";
    let output = folder.good(&format!("{verify} seal.key.first"));
    assert!(output.starts_with("intact: "), "{output}");
    // What the service has is not enough.
    let error = folder.bad(&format!("{verify} seal.key"));
    assert!(error.contains("another key"), "{error}");
    let error = folder.bad("audit seal-key seal.key");
    assert!(error.contains("exists"), "{error}");
}
