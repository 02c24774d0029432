//! The program `ca`, and OpenSSL as the second witness to all that it makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod disk;
mod graph;
mod lab;
mod verbs;
mod witness;

use cases::tool;
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

/// A test, and the programs that must be installed for it; `root` stands for running as root.
struct Case {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(),
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = [verbs::CASES, witness::CASES, crowd::CASES, disk::CASES, graph::CASES].into_iter().flatten();
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
    if need != "root" {
        return tool(need).is_some();
    }
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: not root");
    }
    root
}
