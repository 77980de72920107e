//! Every XML answer is read by xmllint.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answers;
use super::program::{Ended, Program, installed};

/// The presets that answer in XML, whatever the request.
const PRESETS: [&str; 5] = [
    "freeswitch-httapi",
    "plivo",
    "twilio-messaging",
    "twilio-voice",
    "voicexml",
];

/// The most files of one call, so that its arguments fit.
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

/// Has documents read; none when there is no xmllint here.
async fn lint(documents: &[String]) -> Option<Vec<Ended>> {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for paths in write(folder.path(), documents).chunks(FILES_MAX) {
        let mut command = installed("xmllint")?;
        command
            .args(["--noout", "--nonet", "--pedantic"])
            .args(paths);
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
        let Some(all) = lint(&documents).await else {
            return;
        };
        for ended in all {
            let wrong: String = ended.stderr.chars().take(4_000).collect();
            assert!(ended.success && wrong.is_empty(), "{preset}: {wrong}");
        }
    }
}

#[tokio::test]
async fn xmllint_refuses_what_is_no_xml() {
    for wrong in [
        "",
        "<Response>",
        "<Response><Say>a & b</Say></Response>",
        "<Response><Say>\u{7}</Say></Response>",
        "<Response/><Response/>",
    ] {
        let Some(all) = lint(&[wrong.to_owned()]).await else {
            return;
        };
        assert!(all.iter().all(|ended| !ended.success), "{wrong}");
    }
}
