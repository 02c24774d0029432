//! Who speaks where: what was asked for goes to stdout, everything else to stderr.

use padlock::error::{Error, Result, escape};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::OnceLock;

static QUIET: OnceLock<bool> = OnceLock::new();

/// Sets up the log and remembers `--quiet`.
pub fn set_up(quiet: bool) {
    let _first = QUIET.set(quiet);
    let level = if quiet { log::LevelFilter::Error } else { log::LevelFilter::Info };
    env_logger::Builder::new()
        .filter_level(level)
        .parse_default_env()
        .format(|to, record| writeln!(to, "{}: {}", record.target(), escape(&record.args().to_string())))
        .init();
}

/// A fact, on stderr.
pub fn fact(text: &str) {
    if !QUIET.get().unwrap_or(&false) {
        let _ = writeln!(std::io::stderr(), "ca: {}", escape(text));
    }
}

/// The command that a reader may know already, on stderr.
pub fn openssl(line: &str) {
    if !QUIET.get().unwrap_or(&false) {
        let _ = writeln!(std::io::stderr(), "openssl: {}", escape(line));
    }
}

/// What was asked for, on stdout. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// stdout can't be written.
pub fn answer(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::new("stdout", format!("can't write to stdout: {e}"))),
        _ => Ok(()),
    }
}

/// A path as a shell takes it.
pub fn shell(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

/// A word as a shell takes it: in quotes if it needs them.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_string() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
