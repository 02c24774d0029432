//! Other people's programs judge the server: OpenSSL, curl, Node, Python, Chromium, Firefox, Wireshark's tshark.
//!
//! None of them is told to ignore an error. Each is given the lab's root, or not given it and expected to refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browsers;
#[path = "../common/mod.rs"]
mod common;
mod languages;
mod tools;
mod wireshark;

use common::{checkout, tool};
use libtest_mimic::{Arguments, Trial};
use std::process::{Command, ExitCode, Stdio};

/// A test, and what must be installed for it: programs, `npm:` packages in tests/browser, `python:` modules.
struct Case {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(),
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = [tools::CASES, languages::CASES, browsers::CASES, wireshark::CASES].into_iter().flatten();
    let trials = cases.map(|case| {
        let missing = !case.needs.iter().all(|need| is_here(need));
        let run = case.run;
        let trial = Trial::test(case.name, move || {
            run();
            Ok(())
        });
        trial.with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn is_here(need: &str) -> bool {
    let found = match need.split_once(':') {
        None => return tool(need).is_some(),
        Some(("npm", package)) => checkout().join("tests/browser/node_modules").join(package).is_dir(),
        Some((_, module)) => {
            let import = Command::new("python3").args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
            import.is_ok_and(|status| status.success())
        }
    };
    assert!(found || std::env::var_os("PADLOCK_REQUIRE_TOOLS").is_none(), "{need} is not installed, and PADLOCK_REQUIRE_TOOLS is set");
    if !found {
        eprintln!("skipped: {need} is not installed");
    }
    found
}
