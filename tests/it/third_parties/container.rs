//! The compose file, checked against the schema of its specification and the needs of this service.

use std::fs;

use super::program::{in_checkout, python};

/// The findings about a compose file; `None` when Python with the validators is not installed.
fn findings(compose: &str) -> Option<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("docker-compose.yml");
    fs::write(&file, compose).unwrap();
    let mut command = python(&["yaml", "jsonschema"])?;
    let output = command
        .arg(in_checkout("tests/python/container.py"))
        .arg(&file)
        .arg(in_checkout("tests/container/compose-spec.json"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[test]
fn the_compose_file_is_valid_and_waits_only_for_services_with_a_health_check() {
    let compose = fs::read_to_string(in_checkout("docker-compose.yml")).unwrap();
    let Some((is_good, said)) = findings(&compose) else {
        return;
    };
    assert!(is_good, "{said}");
    assert_eq!(said, "");
    for (from, to, finding) in [
        (
            "    healthcheck:\n",
            "    x-healthcheck:\n",
            "no health check of its own",
        ),
        (
            "condition: service_healthy",
            "condition: service_started",
            "without service_healthy",
        ),
        (
            "restart: always",
            "restart: unless-stopped",
            "restart is not always",
        ),
        ("driver: local", "driver: json-file", "not rotated"),
        (
            "stop_grace_period: 30s",
            "stop_grace_period: 5s",
            "stop_grace_period is not 30s",
        ),
        ("journal:/data", "./data:/data", "not a named one"),
        ("127.0.0.1:8080:8080", "8080:8080", "open to other machines"),
        ("read_only: true", "read_only: 7", "schema: "),
        ("    mem_limit:", "    memory_limit:", "schema: "),
    ] {
        assert!(compose.contains(from), "{from}");
        let (is_good, said) = findings(&compose.replace(from, to)).unwrap();
        assert!(!is_good && said.contains(finding), "{to}: {said}");
    }
}
