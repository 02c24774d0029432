//! What went wrong, in two lines: the cause, then what to type.
//!
//! Every word returns this one error. It speaks in the reader's terms, so a program only has to print it and end with
//! its exit status. The statuses are curl's where a peer is involved, so that scripts may treat `./client` like curl.

use serde_json::Value;
use std::path::Path;
use std::{fmt, io};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Exit statuses. Nothing that was refused ever ends in 0.
pub mod exit {
    /// Anything without a better number.
    pub const FAILED: u8 = 1;
    /// The command line itself is wrong.
    pub const USAGE: u8 = 2;
    /// The host's name has no address.
    pub const RESOLVE: u8 = 6;
    /// Nobody listens there.
    pub const CONNECT: u8 = 7;
    /// The HTTP answer was an error, or the WebSocket upgrade was refused.
    pub const UPGRADE: u8 = 22;
    /// It took too long.
    pub const TIMEOUT: u8 = 28;
    /// The TLS handshake failed for another reason than the peer's certificate.
    pub const HANDSHAKE: u8 = 35;
    /// The peer closed without a word.
    pub const EMPTY: u8 = 52;
    /// The peer refused us, or vanished, after we believed to be connected.
    pub const RECEIVE: u8 = 56;
    /// Our own certificate or key can't be used.
    pub const OWN_CERTIFICATE: u8 = 58;
    /// The peer's certificate was refused.
    pub const VERIFY: u8 = 60;
    /// The file of authorities can't be read.
    pub const CA_FILE: u8 = 77;
    /// The revocation list can't be read or used.
    pub const CRL_FILE: u8 = 82;
}

/// A failure as a lesson: `cause` says what happened and to what, `hint` says who must change what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Stable and short, for scripts: `wrong-name`, `port-busy`.
    pub code: &'static str,
    /// What happened, to which file or certificate. Lower case, no full stop.
    pub cause: String,
    /// What to type. Empty when there is nothing to add.
    pub hint: String,
    /// The exit status that a program ends with: one of [`exit`].
    pub exit: u8,
    /// What the two lines speak of, one by one, for scripts and for who wants it all: `file`, `certificate`, `names`.
    pub facts: Vec<(&'static str, Value)>,
}

impl Error {
    pub fn new(code: &'static str, cause: impl Into<String>) -> Error {
        Error { code, cause: cause.into(), hint: String::new(), exit: exit::FAILED, facts: Vec::new() }
    }

    /// Adds the cure.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = hint.into();
        self
    }

    /// Sets the status that a program ends with.
    pub fn exit(mut self, status: u8) -> Error {
        self.exit = status;
        self
    }

    /// Adds what the lines speak of. Said twice, the later one holds.
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Error {
        self.facts.retain(|(known, _)| *known != name);
        self.facts.push((name, value.into()));
        self
    }

    /// Names the file at fault, as a fact of its own.
    pub fn in_file(self, file: &Path) -> Error {
        self.fact("file", file.display().to_string())
    }

    /// The two lines as `who` prints them: `client: cause`, `client: hint: cure`. Whatever a name in them holds, they stay two.
    pub fn lines(&self, who: &str) -> String {
        let (cause, hint) = (escape(&self.cause), escape(&self.hint));
        if hint.is_empty() { format!("{who}: {cause}") } else { format!("{who}: {cause}\n{who}: hint: {hint}") }
    }
}

/// What the system says about a file or a socket, as part of a cause: `permission denied`, without its number.
pub fn of_system(error: &io::Error) -> String {
    let said = error.to_string();
    let words = said.split(" (os error").next().unwrap_or(&said);
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.cause))
    }
}

impl std::error::Error for Error {}

/// So much of a stranger's text is shown.
const SHOWN: usize = 200;

/// A stranger's text on one line, with nothing in it that a terminal would take for a command.
pub fn printable(text: &str) -> String {
    let mut shown = escape(&text.chars().take(SHOWN).collect::<String>());
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// The same, at full length: the characters that a terminal obeys, and those that reorder or hide what stands around them, are
/// written out.
pub fn escape(text: &str) -> String {
    let obeyed =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}
