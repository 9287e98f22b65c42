//! Keys from a file that changes, breaks and goes away.

use std::{fs, path::PathBuf, time::Duration};

use palisade_core::ManualClock;
use palisade_jwt::{
    Algorithm, Issuer, JwksFile, JwksFileBuilder, JwtBuildError, JwtLayer, Verifier,
    mint::SigningKey,
};
use tempfile::TempDir;

use crate::{
    jwks_server::set,
    secrets::Captured,
    support::{AUDIENCE, ISSUER, clock, signed, status},
};

struct Bench {
    folder: TempDir,
    clock: ManualClock,
}

impl Bench {
    fn new(keys: &[&SigningKey]) -> Self {
        let this = Self {
            folder: TempDir::new().unwrap(),
            clock: clock(),
        };
        this.write(&set(keys));
        this
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }

    /// Replaces the file as a deployment does.
    fn write(&self, text: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, self.path()).unwrap();
    }

    fn open(&self, change: fn(JwksFileBuilder) -> JwksFileBuilder) -> JwksFile {
        let builder = JwksFile::builder(self.path()).clock(self.clock.shared());
        change(builder).unwatched().open().unwrap()
    }
}

fn layer(file: &JwksFile) -> JwtLayer {
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, file.clone()))
        .clock(clock().shared())
        .build()
        .unwrap();
    JwtLayer::new(verifier)
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_kid(kid)
}

#[tokio::test]
async fn a_key_added_to_the_file_counts_and_one_taken_out_does_not() {
    let (a, b) = (key("a"), key("b"));
    let bench = Bench::new(&[&a]);
    let file = bench.open(|builder| builder);
    let layer = layer(&file);
    assert_eq!(status(&layer, &signed(&a)).await, 200);
    assert_eq!(status(&layer, &signed(&b)).await, 401);
    bench.write(&set(&[&b]));
    assert!(file.refresh().unwrap());
    assert_eq!(
        status(&layer, &signed(&a)).await,
        401,
        "remembered, but its key is gone"
    );
    assert_eq!(status(&layer, &signed(&b)).await, 200);
}

#[test]
fn the_watch_notices_a_new_set_by_itself() {
    let (a, b) = (key("a"), key("b"));
    let bench = Bench::new(&[&a]);
    let file = JwksFile::builder(bench.path())
        .interval(Duration::from_millis(5))
        .open()
        .unwrap();
    bench.write(&set(&[&a, &b]));
    while file.known().keys().len() < 2 {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn keys_of_a_broken_file_end_after_a_quarter_of_an_hour_with_503() {
    let a = key("a");
    let bench = Bench::new(&[&a]);
    let file = bench.open(|builder| builder);
    let layer = layer(&file);
    let good = set(&[&a]);
    for broken in ["", r#"{"keys":[]}"#] {
        bench.write(broken);
        assert!(file.refresh().is_err());
        bench.clock.advance(Duration::from_secs(899));
        assert_eq!(status(&layer, &signed(&a)).await, 200);
        bench.clock.advance(Duration::from_secs(1));
        assert_eq!(status(&layer, &signed(&a)).await, 503);
        bench.write(&good);
        assert!(file.refresh().unwrap());
        assert_eq!(status(&layer, &signed(&a)).await, 200);
    }
}

#[tokio::test]
async fn an_empty_file_set_revokes_where_the_operator_says_so() {
    let a = key("a");
    let bench = Bench::new(&[&a]);
    let file = bench.open(|builder| builder.empty_set_revokes(true));
    let layer = layer(&file);
    bench.write(r#"{"keys":[]}"#);
    assert!(file.refresh().unwrap());
    assert_eq!(status(&layer, &signed(&a)).await, 401);
}

#[test]
fn each_problem_of_the_file_is_logged_once() {
    let a = key("a");
    let bench = Bench::new(&[&a]);
    let file = bench.open(|builder| builder);
    let log = Captured::log_of(|| {
        for text in ["", "", "{}", r#"{"keys":[]}"#, "{}"] {
            bench.write(text);
            assert!(file.refresh().is_err());
        }
        fs::remove_file(bench.path()).unwrap();
        assert!(file.refresh().is_err());
    });
    assert_eq!(log.lines().count(), 3, "{log}");
    for problem in ["not a JSON Web Key Set", "no usable key", "No such file"] {
        assert!(log.contains(problem), "{problem}: {log}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_set_file_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(&[&key("a")]);
    fs::set_permissions(bench.path(), fs::Permissions::from_mode(0o666)).unwrap();
    let problem = JwksFile::open(bench.path()).unwrap_err();
    assert!(matches!(problem, JwtBuildError::Read(..)), "{problem}");
    assert!(problem.to_string().contains("0600"), "{problem}");
}
