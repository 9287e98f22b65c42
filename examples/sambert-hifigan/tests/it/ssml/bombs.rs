//! Documents made to do harm.

use sambert_hifigan::SsmlProblem;

use super::{plan, problem};

#[test]
fn entities_are_never_expanded() {
    let laughs = r#"<!DOCTYPE speak [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><speak>&b;</speak>"#;
    let external =
        r#"<!DOCTYPE speak [<!ENTITY x SYSTEM "file:///etc/passwd">]><speak>&x;</speak>"#;
    let parameter =
        r#"<!DOCTYPE speak [<!ENTITY % x SYSTEM "http://example.org/x.dtd">%x;]><speak>好</speak>"#;
    for document in [
        laughs,
        external,
        parameter,
        "<!DOCTYPE speak><speak>好</speak>",
    ] {
        assert_eq!(
            problem(document),
            SsmlProblem::Markup {
                kind: "a document type"
            }
        );
    }
    let name = "b".to_owned();
    assert_eq!(
        problem("<speak>&b;</speak>"),
        SsmlProblem::Entity { name: name.clone() }
    );
    assert_eq!(
        problem("<speak><sub alias='&b;'>x</sub></speak>"),
        SsmlProblem::Entity { name }
    );
}

#[test]
fn other_kinds_of_markup_are_refused() {
    for (document, kind) in [
        ("<speak><![CDATA[好]]></speak>", "a CDATA section"),
        (
            "<speak><?php echo 1 ?>好</speak>",
            "a processing instruction",
        ),
        (
            "<?xml-stylesheet href='x'?><speak>好</speak>",
            "a processing instruction",
        ),
        (
            "<speak><?xml version='1.0'?>好</speak>",
            "a second XML declaration",
        ),
    ] {
        assert_eq!(problem(document), SsmlProblem::Markup { kind });
    }
}

#[test]
fn nesting_elements_readings_and_silence_are_bounded() {
    let much = |document: &str| match problem(document) {
        SsmlProblem::TooMuch { what, limit } => (what, limit),
        other => panic!("{other:?}"),
    };
    let nested = |depth: usize| {
        let inside = r#"<prosody rate="medium">"#.repeat(depth);
        format!("<speak>{inside}好{}</speak>", "</prosody>".repeat(depth))
    };
    assert!(plan(&nested(15)).is_ok());
    assert_eq!(much(&nested(16)), ("elements in each other", 16));
    assert_eq!(much(&nested(100_000)), ("elements in each other", 16));
    let many = format!("<speak>{}好</speak>", "<break/>".repeat(100_000));
    assert_eq!(much(&many), ("elements", 2000));
    let silence = |seconds: usize| {
        format!(
            "<speak>好{}</speak>",
            r#"<break time="10s"/>"#.repeat(seconds / 10)
        )
    };
    assert!(plan(&silence(60)).is_ok());
    assert_eq!(much(&silence(70)), ("seconds of silence", 60));
    let readings = format!(
        r#"<speak><phoneme ph="{}"/></speak>"#,
        "ma1 ".repeat(70_000)
    );
    assert_eq!(much(&readings), ("readings in one stretch", 65_534));
}

#[test]
fn huge_attributes_and_names_take_time_and_errors_no_longer_than_themselves() {
    let huge = "x".repeat(1_000_000);
    for document in [
        format!("<speak><break time='{huge}'/></speak>"),
        format!("<speak><break {huge}='1s'/></speak>"),
        format!("<speak><{huge}/></speak>"),
        format!("<speak>&{huge};</speak>"),
        format!("<speak><phoneme ph='{huge}'>好</phoneme></speak>"),
        format!("<speak><say-as interpret-as='digits'>{huge}</say-as></speak>"),
        format!("<speak></{huge}></speak>"),
        format!("<speak {}>好</speak>", "version='1.0' ".repeat(50_000)),
    ] {
        let error = plan(&document).unwrap_err().to_string();
        assert!(error.len() < 1000, "{}", error.len());
    }
}
