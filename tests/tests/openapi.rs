//! The OpenAPI document, held against a server by a program that nobody here wrote: schemathesis makes requests from it, and finds no
//! fault of the server and no answer that the document doesn't describe.
#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use modeltrail_tests::process::{run, run_ok};
use modeltrail_tests::skip::{Missing, or_skip};
use modeltrail_tests::{Daemon, bin, foreign, workspace_root};
use serde_json::{Value, json};

/// The whole story, played and served.
const PLAY_LIMIT: Duration = Duration::from_secs(180);
/// The views of a story of some hundred entries.
const FOLD_LIMIT: Duration = Duration::from_secs(60);
/// How long requests are made.
const SECONDS: &str = "60";
/// Until the last answer is judged, on a busy machine.
const RUN_LIMIT: Duration = Duration::from_secs(400);
/// What every answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
/// Subjects of the story that parameters are filled with, besides made-up ones.
const SUBJECTS: usize = 200;

/// schemathesis, in the Python environment of the other checkers.
fn schemathesis() -> Result<PathBuf, Missing> {
    let program = foreign::python()?.with_file_name("schemathesis");
    if program.is_file() { Ok(program) } else { Err(Missing::new(format!("{} is missing", program.display()))) }
}

fn get(url: &str) -> Value {
    let body = ureq::get(url).call().unwrap().into_body().read_to_vec().unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Says of every object that its members are all that it may have: then an answer that has another one is found.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Lets parameters that are subjects be subjects that are there, as well as any others.
fn fill(document: &mut Value, subjects: &[Value]) {
    let operations = document["paths"].as_object_mut().unwrap().values_mut();
    let operations = operations.flat_map(|path| path.as_object_mut().unwrap().values_mut());
    let mut filled = 0;
    for operation in operations {
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            let schema = &mut parameter["schema"];
            if schema["pattern"]
                .as_str()
                .is_some_and(|pattern| pattern.contains("|model|") || pattern.contains("(model|"))
            {
                *schema = json!({"anyOf": [{"type": "string", "enum": subjects}, schema.take()]});
                filled += 1;
            }
        }
    }
    assert!(filled > 20, "only {filled} parameters are subjects");
}

#[test]
fn the_document_is_true() {
    let Some(schemathesis) = or_skip("OpenAPI by schemathesis", schemathesis()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let demo = dir.path().join("demo");
    run_ok(Command::new(bin("modeltraild").unwrap()).args(["demo", "--once", "--dir"]).arg(&demo), PLAY_LIMIT).unwrap();
    let config = demo.join("config.toml");
    let daemon = Daemon::start(["serve", "--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()]).unwrap();
    let url = daemon.url();
    let until = Instant::now() + FOLD_LIMIT;
    while get(&format!("{url}/v1/views"))["behind"] != 0 {
        assert!(Instant::now() < until, "the views stay behind: {}", daemon.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }

    let mut document = get(&format!("{url}/v1/openapi.json"));
    close(&mut document["components"]["schemas"]);
    close(&mut document["paths"]);
    let subjects = get(&format!("{url}/v1/subjects?limit={SUBJECTS}"));
    fill(&mut document, subjects["items"].as_array().unwrap());
    let file = dir.path().join("openapi.json");
    fs::write(&file, document.to_string()).unwrap();

    let mut command = Command::new(schemathesis);
    command.current_dir(dir.path()).args(["--no-color", "run"]).arg(&file).args(["--url", url, "--checks", CHECKS]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-time", SECONDS, "--seed", "1", "--warnings", "off"]);
    command.args(["--suppress-health-check", "all", "--request-timeout", "30", "--continue-on-failure"]);
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    command.env("PYTHONPATH", workspace_root().join("tests/foreign/py")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run(&mut command, RUN_LIMIT).unwrap();
    assert!(output.status.success(), "{}\nand the daemon said:\n{}", output.text(), daemon.stderr());
    daemon.stop().unwrap();
}
