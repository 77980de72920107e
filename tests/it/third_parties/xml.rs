//! xmllint reads every XML answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answers;
use super::program::{Ended, Program, in_checkout, installed};

/// The presets that always answer in XML.
const PRESETS: [&str; 5] = [
    "freeswitch-httapi",
    "plivo",
    "twilio-messaging",
    "twilio-voice",
    "voicexml",
];

/// The maximum number of files in one call, so that its arguments fit.
const FILES_MAX: usize = 1_000;

/// Writes documents to files of their own.
fn write(folder: &Path, documents: &[String]) -> Vec<PathBuf> {
    let paths = documents.iter().enumerate().map(|(number, document)| {
        let path = folder.join(format!("{number}.xml"));
        fs::write(&path, document).unwrap();
        path
    });
    paths.collect()
}

/// Has xmllint read documents, against a schema if one is given; `None` when xmllint is not
/// installed.
async fn lint(documents: &[String], schema: Option<&str>) -> Option<Vec<Ended>> {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for paths in write(folder.path(), documents).chunks(FILES_MAX) {
        let mut command = installed("xmllint")?;
        command.args(["--noout", "--nonet", "--pedantic"]);
        if let Some(schema) = schema {
            command.arg("--relaxng").arg(in_checkout(schema));
        }
        command.args(paths);
        let mut program = Program::start(command, "");
        all.push(program.ended(Duration::from_secs(60)).await);
    }
    Some(all)
}

#[tokio::test]
async fn xmllint_reads_every_xml_answer_of_every_preset() {
    assert_eq!(answers::presets_that_write("xml"), PRESETS);
    for preset in PRESETS {
        let all = answers::of(preset);
        assert!(all.len() > 100, "{preset} has only {} answers", all.len());
        let documents: Vec<String> = all
            .into_iter()
            .map(|(content_type, body)| {
                assert!(content_type.contains("xml"), "{preset}: {content_type}");
                body
            })
            .collect();
        let Some(all) = lint(&documents, None).await else {
            return;
        };
        for ended in all {
            let wrong: String = ended.stderr.chars().take(4_000).collect();
            assert!(ended.success && wrong.is_empty(), "{preset}: {wrong}");
        }
    }
}

#[tokio::test]
async fn xmllint_refuses_malformed_xml() {
    for wrong in [
        "",
        "<Response>",
        "<Response><Say>a & b</Say></Response>",
        "<Response><Say>\u{7}</Say></Response>",
        "<Response/><Response/>",
    ] {
        let Some(all) = lint(&[wrong.to_owned()], None).await else {
            return;
        };
        assert!(all.iter().all(|ended| !ended.success), "{wrong}");
    }
}

/// The subset of VoiceXML 2.1 that the preset may use.
const VOICEXML: &str = "tests/it/third_parties/voicexml.rng";

#[tokio::test]
async fn every_document_for_a_voicexml_browser_is_voicexml() {
    let documents: Vec<String> = answers::of("voicexml")
        .into_iter()
        .filter(|(content_type, _)| content_type.contains("voicexml"))
        .map(|(_, body)| body)
        .collect();
    assert!(
        documents
            .iter()
            .any(|document| document.contains("<grammar"))
    );
    let Some(all) = lint(&documents, Some(VOICEXML)).await else {
        return;
    };
    for ended in all {
        // xmllint reports a valid document on stderr, too.
        let mut wrong = ended
            .stderr
            .lines()
            .filter(|line| !line.ends_with(" validates"));
        let first: Vec<&str> = wrong.by_ref().take(10).collect();
        assert!(ended.success && first.is_empty(), "{}", first.join("\n"));
    }
}

#[tokio::test]
async fn invalid_voicexml_is_refused() {
    let document = |inside: &str| {
        format!(
            "<vxml version=\"2.1\" xmlns=\"http://www.w3.org/2001/vxml\" xml:lang=\"pt-BR\">{inside}</vxml>"
        )
    };
    for wrong in [
        document(""),
        document("<form><prompt>Oi</prompt></form>"),
        document("<form><block><prompt><block/></prompt></block></form>"),
        document("<form><var expr=\"1\"/></form>"),
        document(
            "<form><field name=\"keyed\"><grammar xmlns=\"http://www.w3.org/2001/06/grammar\"/></field></form>",
        ),
        document("<form/>").replace("2001/vxml", "2002/vxml"),
    ] {
        let Some(all) = lint(std::slice::from_ref(&wrong), Some(VOICEXML)).await else {
            return;
        };
        assert!(all.iter().all(|ended| !ended.success), "{wrong}");
    }
}
