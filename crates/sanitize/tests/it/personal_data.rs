//! Personal data in a labelled corpus: precision and recall of each kind.

use std::collections::BTreeMap;
use std::ops::Range;

use palisade_sanitize::{PersonalData, PersonalDataKind, Placeholders, Sanitizer};

/// What is right, wrong and missed of one kind.
#[derive(Clone, Copy, Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn precision(self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    fn recall(self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }
}

/// Takes the labels out of a sentence: the text, and kind and place of each.
pub(crate) fn unlabelled(line: &str) -> (String, Vec<(&str, Range<usize>)>) {
    let (mut text, mut labels, mut rest) = (String::new(), Vec::new(), line);
    while let Some((before, after)) = rest.split_once('‹') {
        let (label, behind) = after.split_once('›').unwrap();
        let (kind, data) = label.split_once(':').unwrap();
        text.push_str(before);
        labels.push((kind, text.len()..text.len() + data.len()));
        text.push_str(data);
        rest = behind;
    }
    text.push_str(rest);
    (text, labels)
}

fn corpus() -> impl Iterator<Item = &'static str> {
    let all = include_str!("../vectors/personal_data.txt").lines();
    all.filter(|line| !line.starts_with("# "))
}

/// Data is right if it is found whole and of its kind. A country code in front may be left out.
fn measure(finder: &PersonalData) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for line in corpus() {
        let (text, labels) = unlabelled(line);
        let found = finder.find(&text);
        let same = |kind: &str, label: &Range<usize>, name: &str, place: &Range<usize>| {
            let plus = place.start - label.start.min(place.start);
            kind == name && place.end == label.end && label.start <= place.start && plus <= 1
        };
        for finding in &found {
            let mut labels = labels.iter();
            let right =
                labels.any(|(kind, label)| same(kind, label, finding.name(), &finding.range()));
            let score = scores.entry(finding.name().to_owned()).or_default();
            score.right += usize::from(right);
            score.wrong += usize::from(!right);
            if !right {
                eprintln!("wrong {} at {:?}: {text}", finding.name(), finding.range());
            }
        }
        for (kind, label) in &labels {
            let hit = found
                .iter()
                .any(|finding| same(kind, label, finding.name(), &finding.range()));
            if !hit {
                scores.entry((*kind).to_owned()).or_default().missed += 1;
                eprintln!("missed {kind} at {label:?}: {text}");
            }
        }
    }
    scores
}

#[test]
fn precision_and_recall_of_each_kind_on_the_corpus() {
    assert!(corpus().count() >= 600);
    let scores = measure(&PersonalData::new());
    for kind in PersonalDataKind::ALL {
        let score = scores[kind.name()];
        let (precision, recall) = (score.precision(), score.recall());
        eprintln!(
            "| `{kind}` | {} | {precision:.2} | {recall:.2} |",
            score.right + score.missed
        );
        assert!(
            precision >= 0.9 && recall >= 0.9,
            "{kind}: {precision} {recall}"
        );
    }
}

#[test]
fn a_sanitizer_masks_labels_and_counts_by_kind() {
    let rule = PersonalData::new().rule();
    let text = "手机13800138000，邮箱a@example.com";
    let masked = Sanitizer::builder().rule(rule.clone()).build().unwrap();
    let clean = masked.clean(text).unwrap();
    assert_eq!(clean.text(), "手机***********，邮箱*************");
    let counts: Vec<_> = clean.report().personal_data().collect();
    assert_eq!(counts, [("phone", 1), ("email", 1)]);

    let labelled = Sanitizer::builder()
        .rule(rule.clone().label())
        .build()
        .unwrap();
    assert_eq!(
        labelled.clean(text).unwrap().text(),
        "手机[PHONE]，邮箱[EMAIL]"
    );

    let flagged = Sanitizer::builder()
        .rule(rule.clone().flag())
        .build()
        .unwrap();
    let clean = flagged.clean("\u{200b}手机13800138000").unwrap();
    assert_eq!(clean.text(), "手机13800138000");
    assert_eq!(
        clean.report().personal_data().collect::<Vec<_>>(),
        [("phone", 1)]
    );

    let refusing = Sanitizer::builder().rule(rule.refuse()).build().unwrap();
    refusing.clean(text).unwrap_err();
    assert_eq!(refusing.clean("你好").unwrap().text(), "你好");
}

#[test]
fn placeholders_of_a_conversation_are_restored() {
    let finder = PersonalData::new();
    let mut placeholders = Placeholders::new();
    for line in corpus() {
        let (text, _) = unlabelled(line);
        let replaced = finder.replace_with_placeholders(&text, &mut placeholders);
        assert_eq!(placeholders.restore(&replaced), text);
        assert!(
            finder.find(&text).is_empty() == (replaced == text),
            "{text}"
        );
    }
    let asked = finder.replace_with_placeholders("手机13800138000", &mut placeholders);
    assert_eq!(
        finder.replace_with_placeholders("手机13800138000", &mut placeholders),
        asked
    );
}

/// What is kept for a text grows with the text, not with its square: candidates overlap, and each
/// is bounded in length.
#[test]
fn hostile_texts_take_memory_in_proportion_to_their_length() {
    let finder = PersonalData::new();
    for piece in [
        "1",
        "1 ",
        "123456 ",
        "@",
        "a@",
        "a@b.",
        "-----BEGIN ",
        "-----BEGIN A PRIVATE KEY-----",
        "eyJ.",
        "京A",
        "京A12345",
        "::",
        "1.",
        "A1",
        "GB29 ",
        "‹",
        "手机13800138000 ",
        "卡",
        "4111 ",
    ] {
        let bytes = |size: usize| {
            let text = piece.repeat(size / piece.len());
            allocation_counter::measure(|| drop(finder.find(&text))).bytes_total
        };
        let (small, large) = (bytes(4_000), bytes(32_000));
        // Eight times the text; its square would be 64 times. Growing lists double.
        assert!(
            large <= 16 * small,
            "{piece:?}: {small} bytes, then {large}"
        );
    }
}

#[test]
fn secrets_of_many_issuers_are_found_and_names_are_not() {
    let find = |text: &str| {
        let found = PersonalData::new().find(text);
        found.iter().any(|one| one.name() == "secret")
    };
    let letters = "abcdefghijklmnopqRSTUVWXYZabcdefgh";
    for secret in [
        format!("hf_{letters}"),
        format!("gsk_{letters}0123456789"),
        format!("xapp-1-A0123456789-{letters}"),
        format!("SG.{}.{letters}abcdef012", &letters[..22]),
        format!("dop_v1_{}", "0123456789abcdef".repeat(4)),
        format!("AKID{}", "z8krbsJ5yKBZQpn74WFkmLPx3gnPhESA"),
        format!("GOCSPX-{}", &letters[..28]),
        format!("whsec_{letters}"),
    ] {
        assert!(find(&format!("token: {secret}")), "{secret}");
    }
    for name in [
        "sk-learn-contrib-and-friends",
        "hf_transformers_library_for_inference",
        "SG.",
        "dapi",
        "gsk_the_library_of_somebody_and_its_documentation",
    ] {
        assert!(!find(name), "{name}");
    }
}

#[test]
fn numbers_and_addresses_as_chinese_keyboards_and_banks_write_them_are_found() {
    let names = |text: &str| {
        let found = PersonalData::new().find(text);
        found
            .iter()
            .map(|one| one.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("手机壹叁捌零零壹叁捌零零零"), ["phone"]);
    assert_eq!(names("手机幺三八零零幺三八零零零"), ["phone"]);
    assert_eq!(names("电话🄂🄄🄉🄁🄁🄂🄄🄉🄁🄁🄁"), ["phone"]);
    assert_eq!(names("写信到li@qq。com谢谢"), ["email"]);
    assert!(names("陆先生和伍小姐各付叁佰元").is_empty());
}
