//! What was done to a trail is found, and named.

use palisade_audit::{
    Anchor, AuditKey, Finding, FindingReason, VerifyError, VerifyOptions, VerifyReport, verify,
};
use tempfile::tempdir;

use crate::support::{close, serve, written};

/// A trail of an opening record, eight requests and a closing one, as lines with their ends.
async fn lines() -> Vec<Vec<u8>> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    written(&path, 8).await;
    split(&std::fs::read(path).unwrap())
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

async fn keyed(key: &AuditKey) -> Vec<Vec<u8>> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = palisade_audit::FileSink::builder(&path)
        .key(key.clone())
        .open()
        .unwrap();
    serve(&sink, 8).await;
    close(&sink).await;
    split(&std::fs::read(path).unwrap())
}

fn verify_lines(lines: &[Vec<u8>], options: &VerifyOptions) -> Result<VerifyReport, VerifyError> {
    verify(&*lines.concat(), options)
}

fn finding(lines: &[Vec<u8>], options: &VerifyOptions) -> Finding {
    match verify_lines(lines, options) {
        Ok(mut report) => report.findings.remove(0),
        Err(VerifyError::Unverifiable(finding)) => finding,
        other => panic!("{other:?}"),
    }
}

/// Does something to the lines of a trail, and tells where and how it was found.
async fn found(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (u64, FindingReason) {
    let mut lines = lines().await;
    change(&mut lines);
    let finding = finding(&lines, &VerifyOptions::new());
    (finding.line, finding.reason)
}

async fn anchor() -> (Vec<Vec<u8>>, Anchor) {
    let lines = lines().await;
    let last = verify_lines(&lines, &VerifyOptions::new()).unwrap().last;
    (lines, last)
}

#[tokio::test]
async fn an_untouched_trail_verifies() {
    let report = verify_lines(&lines().await, &VerifyOptions::new()).unwrap();
    assert_eq!((report.records, report.requests), (10, 8));
    assert_eq!((report.first, report.last.sequence()), (1, 10));
    assert_eq!(
        (report.lost, report.unfinished, report.recoveries),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_flipped_bit_is_found() {
    let found = found(|lines| lines[4][30] ^= 1).await;
    assert!(
        matches!(
            found,
            (5, FindingReason::Altered | FindingReason::Malformed)
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn another_status_is_found() {
    let change = |lines: &mut Vec<Vec<u8>>| {
        let line = String::from_utf8(lines[4].clone()).unwrap();
        lines[4] = line
            .replace("\"status\":200", "\"status\":404")
            .into_bytes();
    };
    assert_eq!(found(change).await, (5, FindingReason::Altered));
}

#[tokio::test]
async fn a_deleted_line_is_found() {
    let found = found(|lines| drop(lines.remove(4))).await;
    assert_eq!(found, (5, FindingReason::Missing { found: 6 }));
}

#[tokio::test]
async fn a_doubled_line_is_found() {
    let found = found(|lines| lines.insert(4, lines[3].clone())).await;
    assert_eq!(found, (5, FindingReason::Repeated { found: 4 }));
}

#[tokio::test]
async fn swapped_lines_are_found() {
    let found = found(|lines| lines.swap(4, 5)).await;
    assert_eq!(found, (5, FindingReason::Missing { found: 6 }));
}

#[tokio::test]
async fn a_deleted_beginning_is_found() {
    let found = found(|lines| drop(lines.drain(..3))).await;
    assert_eq!(found, (1, FindingReason::NotOpened));
}

#[tokio::test]
async fn a_forged_line_at_the_end_is_found() {
    let forged = |lines: &mut Vec<Vec<u8>>| {
        let last = String::from_utf8(lines[9].clone()).unwrap();
        lines.push(last.replace("\"seq\":10", "\"seq\":11").into_bytes());
    };
    assert_eq!(found(forged).await, (11, FindingReason::Altered));
    let plain = |lines: &mut Vec<Vec<u8>>| lines.push(b"{\"status\":200}\n".to_vec());
    assert_eq!(found(plain).await, (11, FindingReason::Malformed));
}

#[tokio::test]
async fn a_line_without_end_is_torn() {
    let cut = |lines: &mut Vec<Vec<u8>>| lines[9].truncate(20);
    assert_eq!(found(cut).await, (10, FindingReason::Torn { bytes: 20 }));
    let whole = |lines: &mut Vec<Vec<u8>>| {
        lines[9].pop();
    };
    assert!(matches!(
        found(whole).await,
        (10, FindingReason::Torn { .. })
    ));
}

#[tokio::test]
async fn other_spellings_of_the_same_record_are_found() {
    let windows = |lines: &mut Vec<Vec<u8>>| {
        let end = lines[4].len() - 1;
        lines[4].insert(end, b'\r');
    };
    assert_eq!(found(windows).await, (5, FindingReason::Malformed));
    let space = |lines: &mut Vec<Vec<u8>>| lines[4].insert(0, b' ');
    assert_eq!(found(space).await, (5, FindingReason::Altered));
    let empty = |lines: &mut Vec<Vec<u8>>| lines.insert(4, b"\n".to_vec());
    assert_eq!(found(empty).await, (5, FindingReason::Malformed));
    let zero = |lines: &mut Vec<Vec<u8>>| {
        let line = String::from_utf8(lines[4].clone()).unwrap();
        lines[4] = line.replace("\"seq\":5", "\"seq\":05").into_bytes();
    };
    assert_eq!(found(zero).await, (5, FindingReason::Malformed));
}

#[tokio::test]
async fn a_line_that_never_ends_is_not_read_into_memory() {
    let endless = |lines: &mut Vec<Vec<u8>>| {
        lines.insert(4, vec![b'x'; 1 << 20]);
        lines[4].push(b'\n');
    };
    assert_eq!(found(endless).await, (5, FindingReason::Malformed));
}

#[tokio::test]
async fn records_of_another_trail_do_not_fit_in() {
    let mut lines = lines().await;
    let other = self::lines().await;
    lines[4] = other[4].clone();
    let finding = finding(&lines, &VerifyOptions::new());
    assert_eq!((finding.line, finding.reason), (5, FindingReason::Altered));
}

#[tokio::test]
async fn a_cut_tail_is_found_by_its_anchor_and_only_by_it() {
    let (mut lines, anchor) = anchor().await;
    lines.truncate(7);
    assert!(
        verify_lines(&lines, &VerifyOptions::new())
            .unwrap()
            .is_intact()
    );
    let finding = finding(&lines, &VerifyOptions::new().anchor(anchor));
    assert_eq!(finding.reason, FindingReason::CutShort { anchored: 10 });
    assert_eq!((finding.line, finding.sequence), (8, 8));
}

#[tokio::test]
async fn a_trail_written_anew_is_found_by_its_anchor() {
    let (_, anchor) = anchor().await;
    let again = lines().await;
    assert!(
        verify_lines(&again, &VerifyOptions::new())
            .unwrap()
            .is_intact()
    );
    let finding = finding(&again, &VerifyOptions::new().anchor(anchor));
    assert_eq!(finding.reason, FindingReason::Rewritten);
}

#[tokio::test]
async fn a_file_does_not_open_twice() {
    let opened = |lines: &mut Vec<Vec<u8>>| lines.insert(5, lines[0].clone());
    assert_eq!(found(opened).await, (6, FindingReason::NotOpened));
}

#[tokio::test]
async fn a_trail_that_grew_since_its_anchor_verifies() {
    let lines = lines().await;
    let early = verify_lines(&lines[..5], &VerifyOptions::new())
        .unwrap()
        .last;
    assert_eq!(early.sequence(), 5);
    assert!(
        verify_lines(&lines, &VerifyOptions::new().anchor(early))
            .unwrap()
            .is_intact()
    );
}

#[tokio::test]
async fn a_key_makes_rewriting_impossible_without_it() {
    let key = AuditKey::generate().unwrap();
    let options = || VerifyOptions::new().key(key.clone());
    let trail = keyed(&key).await;
    let report = verify_lines(&trail, &options()).unwrap();
    assert_eq!(report.key, Some(key.id()));

    // Written again without a key, and with another one.
    let again = lines().await;
    assert_eq!(finding(&again, &options()).reason, FindingReason::NotKeyed);
    let other = AuditKey::generate().unwrap();
    let forged = keyed(&other).await;
    assert_eq!(finding(&forged, &options()).reason, FindingReason::OtherKey);
    // The name of the key is easily forged, its codes are not.
    let named = forged.concat();
    let named = String::from_utf8(named)
        .unwrap()
        .replace(&other.id(), &key.id());
    let finding = finding(&split(named.as_bytes()), &options());
    assert_eq!((finding.line, finding.reason), (1, FindingReason::Altered));
}

#[tokio::test]
async fn a_trail_with_a_key_does_not_verify_without_it() {
    let trail = keyed(&AuditKey::generate().unwrap()).await;
    assert_eq!(
        finding(&trail, &VerifyOptions::new()).reason,
        FindingReason::NeedsKey
    );
}

#[test]
fn nothing_is_no_trail() {
    assert_eq!(
        finding(&[], &VerifyOptions::new()).reason,
        FindingReason::NotOpened
    );
}

#[tokio::test]
async fn a_finding_reads_as_a_sentence() {
    let mut lines = lines().await;
    lines.remove(4);
    let text = finding(&lines, &VerifyOptions::new()).to_string();
    assert_eq!(text, "line 5, record 5: missing: record 6 is next");
}
