//! What OpenSSL, curl and Node say, each run as one would run it, none told to ignore anything.

use super::{Entry, Verdict, list};
use crate::options::Options;
use padlock::error::{Result, printable};
use padlock::file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// A program that judges.
pub struct Program {
    /// As the gallery's columns have it.
    pub name: &'static str,
    /// Without its name: `3.0.17`.
    pub version: String,
    judge: Judge,
}

/// One verdict for each that is asked about, in order.
type Judge = fn(&Believed, &[Asked]) -> Vec<Verdict>;

/// Where to go and which name to ask for, with a list of revoked certificates or without.
struct Asked {
    host: String,
    port: u16,
    crl: Option<PathBuf>,
}

/// Whom they are to believe: files.
struct Believed {
    root: PathBuf,
    /// The root's own list. curl and Node want one of every authority in the chain.
    root_crl: PathBuf,
}

/// Those that are installed. Says which are not.
pub fn present(options: &Options) -> Result<Vec<Program>> {
    let all: [(&str, &[&str], Judge); 3] =
        [("OpenSSL", &["openssl", "version"], openssl), ("curl", &["curl", "--version"], curl), ("Node", &["node", "--version"], node)];
    let mut found = Vec::new();
    for (name, command, judge) in all {
        match Command::new(command[0]).args(&command[1..]).stderr(Stdio::null()).output() {
            Ok(said) if said.status.success() => {
                let text = String::from_utf8_lossy(&said.stdout).into_owned();
                let version = text
                    .split_whitespace()
                    .map(|word| word.trim_start_matches('v'))
                    .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
                found.push(Program { name, version: printable(version.unwrap_or_default()), judge });
            }
            _ => crate::output::note(options, &format!("{name} is not here, and is not asked")),
        }
    }
    Ok(found)
}

/// For each entry what each program says of it. Each program has a thread, since most of the time is spent in starting them.
pub fn judge(programs: &[Program], options: &Options, entries: &[Entry]) -> Vec<Vec<Verdict>> {
    let places = options.places();
    let root = options.cacert.clone().unwrap_or_else(|| places.root_certificate());
    let believed = Believed { root, root_crl: places.crl("root") };
    let asked: Vec<Asked> = entries
        .iter()
        .map(|entry| {
            let (host, port) = entry.place().unwrap_or_default();
            Asked { host, port, crl: list(options, entry).map(PathBuf::from) }
        })
        .collect();
    let columns: Vec<Vec<Verdict>> = thread::scope(|scope| {
        let running: Vec<_> = programs.iter().map(|program| scope.spawn(|| (program.judge)(&believed, &asked))).collect();
        running.into_iter().map(|column| column.join().unwrap_or_default()).collect()
    });
    (0..entries.len()).map(|row| columns.iter().filter_map(|column| column.get(row).cloned()).collect()).collect()
}

/// `openssl s_client`. By itself it goes on whatever it thinks of a certificate, and looks at no name; two flags make it judge.
fn openssl(believed: &Believed, asked: &[Asked]) -> Vec<Verdict> {
    let one = |asked: &Asked| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &format!("127.0.0.1:{}", asked.port), "-servername", &asked.host]);
        command.args([
            "-verify_return_error",
            "-verify_hostname",
            &asked.host,
            "-ign_eof",
            "-brief",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
        ]);
        command.arg(&believed.root);
        if let Some(crl) = &asked.crl {
            command.args(["-crl_check", "-CRL"]).arg(crl);
        }
        let said = run(&mut command, request(&asked.host).as_bytes());
        let errors = String::from_utf8_lossy(&said.stderr).into_owned();
        // `verify error:num=10:certificate has expired`, or the alert as the last part of an error's line.
        let refused = errors.lines().find_map(|line| line.split_once("verify error:num=")).map(|(_, why)| why.replacen(':', " ", 1));
        let alert =
            || errors.lines().find(|line| line.contains(":SSL routines:")).and_then(|line| line.split(':').nth(5)).map(str::to_string);
        verdict(is_page(&said), refused.or_else(alert).unwrap_or_default())
    };
    asked.iter().map(one).collect()
}

fn curl(believed: &Believed, asked: &[Asked]) -> Vec<Verdict> {
    let one = |asked: &Asked| {
        let url = format!("https://{}:{}/", asked.host, asked.port);
        let mut command = Command::new("curl");
        // -q: nobody's .curlrc has a say.
        command.args([
            "-q",
            "-sS",
            "-i",
            "--max-time",
            "30",
            "--noproxy",
            "*",
            "--resolve",
            &format!("{}:{}:127.0.0.1", asked.host, asked.port),
        ]);
        command.arg("--cacert").arg(&believed.root);
        let lists = asked.crl.as_ref().and_then(|crl| together(crl, &believed.root_crl));
        if let Some(lists) = &lists {
            command.arg("--crlfile").arg(lists.path());
        }
        let said = run(command.arg(&url), b"");
        // `curl: (60) SSL certificate problem: certificate has expired`, and then advice.
        let errors = String::from_utf8_lossy(&said.stderr).into_owned();
        let why = errors.lines().find_map(|line| line.strip_prefix("curl: (")).map(|why| why.replacen(')', "", 1)).unwrap_or_default();
        verdict(is_page(&said), why.replace(&asked.host, "NAME"))
    };
    asked.iter().map(one).collect()
}

/// One run for all: starting Node takes longer than its work.
fn node(believed: &Believed, asked: &[Asked]) -> Vec<Verdict> {
    let told: Vec<_> = asked.iter().map(|a| serde_json::json!({"host": a.host, "port": a.port, "crl": a.crl})).collect();
    let told = serde_json::json!({"root": believed.root, "rootCrl": believed.root_crl, "asked": told});
    let mut command = Command::new("node");
    for variable in ["NODE_TLS_REJECT_UNAUTHORIZED", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"] {
        command.env_remove(variable);
    }
    let said = run(command.args(["--input-type=module", "--eval", include_str!("visit.mjs")]), told.to_string().as_bytes());
    #[derive(Deserialize)]
    struct Said {
        accepts: bool,
        says: String,
    }
    let all: Vec<Said> = serde_json::from_slice(&said.stdout).unwrap_or_default();
    all.into_iter().map(|one| verdict(one.accepts, one.says)).collect()
}

fn request(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

fn is_page(said: &Output) -> bool {
    said.stdout.starts_with(b"HTTP/1.1 200 ")
}

fn verdict(accepts: bool, says: String) -> Verdict {
    Verdict { accepts, says: if accepts { String::new() } else { printable(&says) } }
}

/// Runs to the end. All of them end: the server closes after one answer, and has a deadline for everything else.
fn run(command: &mut Command, input: &[u8]) -> Output {
    let nothing = Output { status: Default::default(), stdout: Vec::new(), stderr: Vec::new() };
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = started else { return nothing };
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input); // who has refused reads no more
    }
    child.wait_with_output().unwrap_or(nothing)
}

/// Two lists in one file.
fn together(one: &Path, other: &Path) -> Option<tempfile::NamedTempFile> {
    let mut both = tempfile::NamedTempFile::new().ok()?;
    both.write_all(&[file::read(one).ok()?, file::read(other).ok()?].concat()).ok()?;
    Some(both)
}

/// Which version of a program was asked, by its name.
pub fn versions(programs: &[Program]) -> BTreeMap<&str, &str> {
    programs.iter().map(|program| (program.name, program.version.as_str())).collect()
}
