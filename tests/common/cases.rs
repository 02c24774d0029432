//! Tests that need other people's programs. Where one is missing, its tests are said to be ignored, never to have passed.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::common::{checkout, stop_all};
use libtest_mimic::{Arguments, Trial};
use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::Mutex,
};

/// In CI every tool has to be here.
const REQUIRED: &str = "PADLOCK_REQUIRE_TOOLS";

/// Most tests wait for programs, so twice as many as CI has cores.
const THREADS: usize = 4;

/// What was said to be missing: once is enough.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A test, and what must be installed for it: programs, `npm:` packages in tests/browser, `python:` modules;
/// `root` stands for running as root.
pub struct Case {
    pub name: &'static str,
    pub needs: &'static [&'static str],
    pub run: fn(),
}

/// `cases!([curl] a_test, [] another)`: the tests of a file, each with what it needs.
#[macro_export]
macro_rules! cases {
    ($([$($need:literal),*] $name:ident),* $(,)?) => {
        pub const CASES: &[$crate::cases::Case] =
            &[$($crate::cases::Case { name: stringify!($name), needs: &[$($need),*], run: $name }),*];
    };
}

/// Runs the cases as `cargo test` wants them run.
pub fn conduct(groups: &[&'static [Case]]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let trials = groups.iter().copied().flatten().map(|case| {
        let missing = !case.needs.iter().all(|need| is_here(need));
        let run = case.run;
        let trial = Trial::test(case.name, move || {
            run();
            Ok(())
        });
        trial.with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    stop_all();
    conclusion.exit_code()
}

/// Where a program is.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).map(|d| d.join(name)).find(|f| f.is_file())
}

/// Whether something that a test needs is installed. Says aloud when it is not, and fails where it has to be.
pub fn is_here(need: &str) -> bool {
    let found = match need.split_once(':') {
        None if need == "root" => rustix::process::geteuid().is_root(),
        None => tool(need).is_some(),
        Some(("npm", package)) => checkout().join("tests/browser/node_modules").join(package).is_dir(),
        Some((_, module)) => {
            let import = Command::new("python3").args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
            import.is_ok_and(|status| status.success())
        }
    };
    assert!(found || std::env::var_os(REQUIRED).is_none(), "{need} is not installed, and {REQUIRED} is set");
    if !found && !SAID.lock().unwrap().iter().any(|said| said == need) {
        SAID.lock().unwrap().push(need.to_owned());
        eprintln!("skipped: what needs {need}, which is not {}", if need == "root" { "who runs this" } else { "installed" });
    }
    found
}
