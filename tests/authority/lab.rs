//! A folder of a test's own, with `ca` and OpenSSL working in it.

use crate::common::{good, program, run, scratch, text};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub struct Lab {
    folder: TempDir,
}

impl Lab {
    /// An empty folder.
    pub fn empty() -> Lab {
        Lab { folder: scratch() }
    }

    /// A folder with an authority in `certs/`.
    pub fn founded() -> Lab {
        let lab = Lab::empty();
        lab.ca(&["found"]);
        lab
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `ca` as typed in the folder, with `certs/` there.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program("ca", Path::new("certs"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    /// Runs `ca`, which must succeed; gives stdout.
    pub fn ca(&self, args: &[&str]) -> String {
        good(&mut self.command(args))
    }

    /// Runs `ca`, which must refuse in two lines and with this status; gives them.
    pub fn refused(&self, status: i32, args: &[&str]) -> String {
        refusal(&run(&mut self.command(args)), status)
    }

    /// Runs anything else in the folder, which must succeed; gives stdout and stderr.
    pub fn run(&self, words: &[impl AsRef<OsStr>]) -> String {
        let out = run(Command::new(&words[0]).args(&words[1..]).current_dir(self.folder.path()));
        let said = text(&out.stdout) + &text(&out.stderr);
        assert!(out.status.success(), "{:?}: {}\n{said}", words[0].as_ref(), out.status);
        said
    }

    /// Runs a line of openssl, which must succeed.
    pub fn openssl(&self, line: &str) -> String {
        self.run(&["sh", "-c", &format!("openssl {line}")])
    }

    /// How many certificates the intermediate's ledger knows, each line of it being whole.
    pub fn ledger(&self) -> Vec<padlock::authority::Entry> {
        padlock::authority::Ledger::load(&self.path("certs/ca/intermediate")).unwrap().entries
    }
}

/// A refusal: the status, a cause and a hint, nothing else, nothing on stdout.
pub fn refusal(out: &Output, status: i32) -> String {
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(status), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("openssl: ")).collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ca: ") && lines[1].starts_with("ca: hint: "), "not two lines: {said}");
    assert!(out.stdout.is_empty(), "{}", text(&out.stdout));
    lines.join("\n")
}
