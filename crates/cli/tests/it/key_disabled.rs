//! `palisade key disable` and `enable`.

use http::StatusCode;

use crate::{
    key::{LIST, NEW, id, status},
    support::Folder,
};

#[test]
fn a_disabled_key_opens_nothing_until_it_is_enabled() {
    let folder = Folder::new();
    let (key, other) = (folder.good(NEW), folder.good(NEW));
    let change = |verb: &str| format!("key {verb} --store keys.toml {}", id(&key));
    let ran = folder.run(&change("disable"));
    assert_eq!(ran.err, format!("disabled {}\n", id(&key)));
    assert_eq!(status(&folder, &key), StatusCode::UNAUTHORIZED);
    assert_eq!(status(&folder, &other), StatusCode::OK);
    let all = folder.json(LIST);
    let mut all = all.as_array().unwrap().iter();
    let listed = all.find(|listed| listed["id"] == id(&key)).unwrap();
    assert_eq!(listed["status"], "disabled");
    assert!(listed["disabled"].is_string());
    folder.good(&change("enable"));
    assert_eq!(status(&folder, &key), StatusCode::OK);
    folder.good(&change("revoke"));
    let problem = folder.bad(&change("enable"));
    assert!(problem.contains("is revoked and stays so"), "{problem}");
    assert_eq!(status(&folder, &key), StatusCode::UNAUTHORIZED);
}

#[test]
fn one_unknown_id_keeps_all_from_being_disabled() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    folder.bad(&format!(
        "key disable --store keys.toml {} 000000000000",
        id(&key)
    ));
    assert_eq!(status(&folder, &key), StatusCode::OK);
}
