//! What the tests share: the programs, a lab of their own, a server that has said it is ready, tools that may be missing.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod pki;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Condvar, Mutex, OnceLock},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};
use tempfile::TempDir;

/// How long anything may take on a slow, busy machine before a test gives up. Never waited for when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The options that say where a service listens.
pub const PORTS: [&str; 7] = ["--port", "--hello-port", "--ticket-port", "--ticket-ws-port", "--auth-port", "--chat-port", "--plain-port"];

/// Every service on a port that the system picks.
pub fn any_ports() -> impl Iterator<Item = &'static str> {
    PORTS.into_iter().flat_map(|option| [option, "0"])
}

/// The checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the programs that cargo built for this very run.
pub fn bin() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_server")).parent().unwrap()
}

/// `ca`, `server` or `client`, ready to be given arguments; nothing of the caller's environment decides whom it trusts.
pub fn program(name: &str, certs: &Path) -> Command {
    let mut command = Command::new(bin().join(name));
    for variable in ["SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CAROOT", "RUST_LOG", "PADLOCK_BIN", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.env("PADLOCK_CERTS", certs).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// A folder that goes away with the test.
pub fn scratch() -> TempDir {
    tempfile::Builder::new().prefix("padlock-").tempdir().unwrap()
}

/// Runs to the end and gives what was said. A program that does not end within [`PATIENCE`] fails the test.
pub fn run(command: &mut Command) -> Output {
    let described = format!("{command:?}");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{described}: {e}"));
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    let status = wait(&mut child).unwrap_or_else(|| panic!("{described} did not end within {PATIENCE:?}"));
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// As [`run`], but anything else than exit status 0 fails the test; gives stdout as text.
pub fn good(command: &mut Command) -> String {
    let out = run(command);
    assert!(out.status.success(), "{command:?}: {}\n{}{}", out.status, text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn drain(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all);
        all
    })
}

/// Waits for the end of `child`, kills it when it does not come.
pub fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Certificates as `make certs` makes them. All tests share them, in `target/tmp`: copy before changing ([`own_certs`]).
pub fn certs() -> &'static Path {
    static CERTS: OnceLock<PathBuf> = OnceLock::new();
    CERTS.get_or_init(|| {
        // Another build of the program makes other certificates.
        let built = fs::metadata(bin().join("ca")).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let certs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certs-{}", built.as_nanos()));
        for old in fs::read_dir(certs.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()) {
            if old != certs && old.file_name().unwrap().to_string_lossy().starts_with("certs-") {
                let _ = fs::remove_dir_all(old);
            }
        }
        let lock = fs::File::create(certs.with_file_name("certs.lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap(); // against another `cargo test` at the same time
        make_certs(&certs);
        certs
    })
}

/// Runs `make certs` with the programs as built, into `certs`.
pub fn make_certs(certs: &Path) {
    good(
        Command::new("make")
            .args(["--silent", "--no-print-directory", "-C"])
            .arg(checkout())
            .arg("certs")
            .env("PADLOCK_BIN", bin())
            .env("PADLOCK_CERTS", certs)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL"),
    );
}

/// A copy of [`certs`] that a test may break.
pub fn own_certs() -> (TempDir, PathBuf) {
    let folder = scratch();
    let own = folder.path().join("certs");
    good(Command::new("cp").arg("-a").arg(certs()).arg(&own));
    (folder, own)
}

/// Servers that have not been stopped.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Stops what lives in a `static`, which is never dropped.
pub fn stop_all() {
    for pid in RUNNING.lock().unwrap().drain(..) {
        let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
    }
}

/// A running server on ports that the system picked. It is stopped when this goes out of scope.
pub struct Server {
    child: Child,
    ports: serde_json::Value,
    log: Arc<Log>,
    /// Each has its own, though they share their certificates.
    _accounts: TempDir,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Server {
    /// Starts `./server --json` with ports of its own on the shared lab's certificates, and waits until it listens.
    pub fn start(args: &[&str]) -> Server {
        Server::start_with(certs(), |command| command.args(args))
    }

    /// As [`Server::start`], with the certificates of `certs` and anything else that `more` changes on the command.
    pub fn start_with(certs: &Path, more: impl FnOnce(&mut Command) -> &mut Command) -> Server {
        let mut command = program("server", certs);
        more(command.arg("--json"));
        for port in PORTS {
            if !command.get_args().any(|argument| argument == port) {
                command.args([port, "0"]);
            }
        }
        let accounts = scratch();
        if !command.get_args().any(|argument| argument == "--accounts") {
            command.arg("--accounts").arg(accounts.path().join("accounts"));
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Log::default());
        collect(child.stderr.take().unwrap(), &log);
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        drain(stdout);
        let ports = serde_json::from_str(&first).unwrap_or_else(|e| {
            let status = wait(&mut child);
            panic!("{command:?} said {first:?} ({e}), ended with {status:?}\n{}", log.lines.lock().unwrap().join("\n"))
        });
        RUNNING.lock().unwrap().push(child.id());
        Server { child, ports, log, _accounts: accounts }
    }

    /// The port of a service: `web`, `hello`, `auth`, `plain`.
    pub fn port(&self, service: &str) -> u16 {
        let port = self.ports.get(service).and_then(serde_json::Value::as_u64);
        port.unwrap_or_else(|| panic!("no port of {service} in {}", self.ports)) as u16
    }

    /// The names of what it has started.
    pub fn services(&self) -> Vec<String> {
        self.ports.as_object().unwrap().keys().cloned().collect()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that the server has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// Waits for a line with `what` in it, and gives it.
    pub fn logged(&self, what: &str) -> String {
        let has = |lines: &mut Vec<String>| !lines.iter().any(|line| line.contains(what));
        let (lines, _) = self.log.more.wait_timeout_while(self.log.lines.lock().unwrap(), PATIENCE, has).unwrap();
        match lines.iter().find(|line| line.contains(what)) {
            Some(line) => line.clone(),
            None => panic!("the server never logged {what:?}, only\n{}", lines.join("\n")),
        }
    }

    /// Sends a signal: `TERM`, `INT`, `HUP`.
    pub fn signal(&self, name: &str) {
        good(Command::new("kill").args(["-s", name, &self.pid().to_string()]));
    }

    /// Ends it as `kill` does, and gives its exit status.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        wait(&mut self.child).expect("the server did not end after SIGTERM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        RUNNING.lock().unwrap().retain(|pid| *pid != self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, log: &Arc<Log>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            log.lines.lock().unwrap().push(line);
            log.more.notify_all();
        }
    });
}

/// Every file that git tracks, or would track (new and not ignored), relative to the checkout.
pub fn tracked() -> Vec<PathBuf> {
    let listed = good(Command::new("git").arg("-C").arg(checkout()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]));
    listed.split('\0').filter(|name| !name.is_empty() && checkout().join(name).exists()).map(PathBuf::from).collect()
}

/// The tracked files below `folder` with this extension, and what they say.
pub fn sources(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let wanted = |file: &PathBuf| file.starts_with(folder) && file.extension() == Some(OsStr::new(extension));
    tracked().into_iter().filter(wanted).map(|file| (file.clone(), fs::read_to_string(checkout().join(&file)).unwrap())).collect()
}
