//! How the driver of the browser is started.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

use crate::support::Chromedriver;

/// Prints what chromedriver prints when its port is in use on IPv4.
const PORT_IN_USE: &str = "echo 'IPv4 port not available. Exiting...'; exit 1";

/// A shell script in the place of chromedriver.
fn script(folder: &TempDir, lines: &str) -> PathBuf {
    let path = folder.path().join("chromedriver");
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("chromedriver");
    assert!(Chromedriver::start_program(missing).await.is_none());
}

#[tokio::test]
async fn a_driver_whose_port_is_in_use_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join("second");
    let second = second.display();
    let lines = format!(
        "test -e {second} || {{ touch {second}; {PORT_IN_USE}; }}\n\
         echo 'ChromeDriver was started successfully on port 4711.'; exec sleep 60"
    );
    let driver = Chromedriver::start_program(script(&folder, &lines)).await;
    assert_eq!(driver.unwrap().address.to_string(), "127.0.0.1:4711");
}

#[tokio::test]
#[should_panic(expected = "ended 5 times before it listened:\nIPv4 port not available")]
async fn a_driver_that_never_listens_fails_with_its_output() {
    let folder = tempfile::tempdir().unwrap();
    Chromedriver::start_program(script(&folder, PORT_IN_USE)).await;
}
