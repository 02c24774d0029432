//! Chromium or Firefox, driven by tests/browser/drive.mjs. Whom it believes is what its fresh profile says, and nothing is overridden.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    cases::tool,
    common::{checkout, good, scratch, wait},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// A browser with a fresh profile.
pub struct Browser {
    node: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; `root` is imported as an authority for websites, and nothing else.
    pub fn start(program: &str, root: Option<&Path>) -> Browser {
        let home = scratch();
        let profile = home.path().join("profile");
        fs::create_dir(&profile).unwrap();
        let store = if program == "chromium" { home.path().join(".pki/nssdb") } else { profile.clone() };
        fs::create_dir_all(&store).unwrap();
        let certutil = || {
            let mut command = Command::new(tool("certutil").unwrap());
            command.arg("-d").arg(format!("sql:{}", store.display()));
            command
        };
        good(certutil().args(["-N", "--empty-password"]));
        if let Some(root) = root {
            good(certutil().args(["-A", "-n", "the lab", "-t", "C,,", "-i"]).arg(root));
        }
        let kind = program.trim_end_matches("-esr");
        let mut command = Command::new("node");
        command.arg(checkout().join("tests/browser/drive.mjs")).arg(kind).arg(tool(program).unwrap()).arg(&profile);
        command.env("HOME", home.path()).env_remove("DISPLAY").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.spawn().unwrap();
        let (commands, answers) = (node.stdin.take(), BufReader::new(node.stdout.take().unwrap()));
        let mut browser = Browser { node, commands, answers, _profile: home };
        assert_eq!(browser.answer(), Ok(json!("ready")));
        browser
    }

    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("the browser said {line:?}: {e}"));
        answer.get("error").map_or_else(|| Ok(answer["value"].clone()), |error| Err(error.as_str().unwrap().to_owned()))
    }

    pub fn ask(&mut self, command: Value) -> Result<Value, String> {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        self.answer()
    }

    pub fn open(&mut self, url: &str) -> Result<Value, String> {
        self.ask(json!({ "command": "open", "url": url }))
    }

    /// Waits until a JavaScript expression holds in the page.
    pub fn until(&mut self, script: &str) -> Value {
        self.ask(json!({ "command": "until", "script": script })).unwrap()
    }

    /// Presses a key at this element, as somebody without a mouse does. A click would miss what is still moving.
    pub fn press(&mut self, selector: &str, key: &str) {
        self.until(&format!("document.querySelector({}).focus() === undefined", json!(selector)));
        self.ask(json!({ "command": "press", "key": key })).unwrap();
    }

    /// Waits until the page shows this text.
    pub fn shows(&mut self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text)));
    }

    pub fn problems(&mut self) -> Value {
        self.ask(json!({ "command": "problems" })).unwrap()
    }
}

impl Drop for Browser {
    /// The end of its input tells the driver to close the browser.
    fn drop(&mut self) {
        self.commands.take();
        let _ = wait(&mut self.node);
    }
}
