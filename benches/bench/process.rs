//! The servers as processes: started, asked what they have used, and stopped.

use padlock::{authority::Places, certificate::Identity, trust::Trust};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Who is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Padlock,
    Naive,
    Raw,
    /// Our lines over bare TLS.
    Hello,
    /// The same done by OpenSSL: it reverses lines, and serves one at a time.
    OpenSsl,
    /// Our WebSockets that begin with a ticket, and the port of the auth service that is asked about it.
    Ticket {
        auth: u16,
    },
    /// Our directory of a chat.
    Chat,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Padlock, Kind::Naive, Kind::Raw];
}

/// Certificates of an authority of its own, and the files that are fetched.
pub struct Lab {
    folder: TempDir,
    pub trust: Trust,
}

impl Lab {
    pub fn new() -> Lab {
        let folder = tempfile::Builder::new().prefix("padlock-bench-").tempdir().unwrap();
        let certs = folder.path().join("certs");
        let services = ["auth", "ticket"].map(|name| ["sign", "service", name]);
        let others = [&["found"][..], &["sign", "server", "localhost"], &["sign", "user", "alice"]];
        for verb in others.into_iter().chain(services.iter().map(|verb| &verb[..])) {
            ca(&certs, verb);
        }
        let files = folder.path().join("files");
        fs::create_dir(&files).unwrap();
        for size in [1024, 1024 * 1024] {
            fs::write(files.join(size.to_string()), vec![b'x'; size]).unwrap();
        }
        let trust = Trust::lab(&Places::new(certs)).unwrap();
        Lab { folder, trust }
    }

    /// A client's chain and key.
    pub fn alice(&self) -> (PathBuf, PathBuf) {
        Places::new(self.path("certs")).user("alice")
    }

    /// Somebody's own certificate.
    pub fn user(&self, name: &str) -> Identity {
        ca(&self.path("certs"), &["sign", "user", name]);
        let (chain, key) = self.places().user(name);
        Identity::load(&chain, &key).unwrap()
    }

    pub fn places(&self) -> Places {
        Places::new(self.path("certs"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A server on ports that the system picked. It is stopped when this goes out of scope.
pub struct Process {
    pub kind: Kind,
    /// The port of HTTPS, or of the only service.
    pub web: u16,
    /// The port of wss.
    pub wss: u16,
    child: Child,
}

impl Process {
    pub fn start(kind: Kind, lab: &Lab) -> Process {
        let mut command = match kind {
            Kind::Padlock | Kind::Hello | Kind::Ticket { .. } | Kind::Chat => command(env!("CARGO_BIN_EXE_server")),
            Kind::OpenSsl => command("openssl"),
            Kind::Naive | Kind::Raw => command(std::env::current_exe().unwrap()),
        };
        match kind {
            Kind::Padlock => command
                .args(["web", "--port", "0", "--json", "--quiet", "--max-message", "16m", "--certs"])
                .arg(lab.path("certs"))
                .arg("--root")
                .arg(lab.path("files")),
            Kind::Naive => {
                let (chain, key) = Places::new(lab.path("certs")).server("localhost");
                command.arg("--serve-naive").args([chain, key, lab.path("files")])
            }
            Kind::Raw => command.arg("--serve-raw"),
            Kind::Hello => command.args(["hello", "--port", "0", "--json", "--quiet", "--certs"]).arg(lab.path("certs")),
            Kind::Chat => {
                command.args(["chat", "--port", "0", "--json", "--quiet", "--max-users", "250", "--certs"]).arg(lab.path("certs"))
            }
            Kind::Ticket { auth } => command
                .args([
                    "ticket",
                    "--port",
                    "0",
                    "--ssl",
                    "1",
                    "--json",
                    "--quiet",
                    "--auth",
                    &format!("https://localhost:{auth}"),
                    "--certs",
                ])
                .arg(lab.path("certs")),
            Kind::OpenSsl => s_server(&mut command, &Places::new(lab.path("certs"))),
        };
        let mut child = on_the_last_core(|| command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = |line: &String| line.contains('{') || line.contains("ACCEPT");
        let ports = lines.by_ref().find(ready).unwrap_or_else(|| panic!("{command:?} said no port"));
        thread::spawn(move || lines.for_each(drop)); // whoever goes on talking is not to be stopped by it
        let (web, wss) = ports_of(&ports).unwrap_or_else(|| panic!("{command:?} said {ports:?}"));
        Process { kind, web, wss, child }
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("this bench reads /proc, so it needs Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What it has computed so far.
    pub fn cpu(&self) -> Cpu {
        Cpu::of(&self.proc(""))
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

/// `{"web":1,"wss":2}` or `ACCEPT 127.0.0.1:1`.
fn ports_of(line: &str) -> Option<(u16, u16)> {
    if let Some((_, port)) = line.strip_prefix("ACCEPT").and_then(|rest| rest.rsplit_once(':')) {
        let port = port.trim().parse().ok()?;
        return Some((port, port));
    }
    let ports: serde_json::Value = serde_json::from_str(line).ok()?;
    let port = |name: &str| ports[name].as_u64().map(|port| port as u16);
    let first = port("web").or(port("hello")).or(port("ticket")).or(port("chat"))?;
    Some((first, port("wss").unwrap_or(first)))
}

fn s_server<'a>(command: &'a mut Command, places: &Places) -> &'a mut Command {
    let (chain, key) = places.server("localhost");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-tls1_3", "-rev", "-Verify", "3", "-verify_return_error"]).stderr(Stdio::null());
    command.arg("-cert").arg(&chain).arg("-cert_chain").arg(&chain).arg("-key").arg(key).arg("-CAfile").arg(places.root_certificate())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time by the kernel's two ways of counting.
pub struct Cpu {
    /// Of all threads there ever were, in ticks of a hundredth of a second.
    all: Duration,
    /// Of those that live now, in nanoseconds.
    living: Duration,
}

impl Cpu {
    /// Of the bench itself.
    pub fn own() -> Cpu {
        Cpu::of(Path::new("/proc/self"))
    }

    fn of(process: &Path) -> Cpu {
        let stat = fs::read_to_string(process.join("stat")).expect("this bench reads /proc, so it needs Linux");
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum(); // utime, stime
        let threads = fs::read_dir(process.join("task")).unwrap().map_while(Result::ok);
        let living = threads.filter_map(|thread| run_time(&thread.path().join("schedstat"))).sum();
        Cpu { all: Duration::from_secs(ticks) / rustix::param::clock_ticks_per_second() as u32, living: Duration::from_nanos(living) }
    }

    /// Used since `then`: by the finer count, unless threads have ended meanwhile and took theirs with them.
    pub fn since(&self, then: &Cpu) -> Duration {
        const TICKS: Duration = Duration::from_millis(20); // utime and stime are each cut to whole ticks
        let (all, living) = (self.all - then.all, self.living.saturating_sub(then.living));
        if all > living + TICKS { all } else { living }
    }
}

/// As many descriptors as the system lets us have: a thousand connections are more than the usual 1,024 leave room for.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Starts a server on a core of its own, and leaves the others to the generator; it may use no others afterwards. When both
/// share a core, whether a thread is woken or found working decides over half of what a short message costs.
#[cfg(target_os = "linux")]
fn on_the_last_core<T>(start: impl FnOnce() -> T) -> T {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    use std::sync::OnceLock;
    static MINE: OnceLock<CpuSet> = OnceLock::new();
    let mine = MINE.get_or_init(|| sched_getaffinity(None).unwrap());
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| mine.is_set(*cpu)).collect();
    let [others @ .., last] = &cores[..] else { return start() };
    let set = |cores: &[usize]| {
        let mut chosen = CpuSet::new();
        cores.iter().for_each(|core| chosen.set(*core));
        let _ = sched_setaffinity(None, &chosen); // refused for no cores: then there is just one for all
    };
    set(&[*last]);
    let started = start();
    set(others);
    started
}

/// Elsewhere the bench compiles, and says that it needs Linux.
#[cfg(not(target_os = "linux"))]
fn on_the_last_core<T>(start: impl FnOnce() -> T) -> T {
    start()
}

/// A program that takes nothing from the caller's environment but where to find things.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for variable in ["PADLOCK_CERTS", "CAROOT", "RUST_LOG", "SSLKEYLOGFILE"] {
        command.env_remove(variable);
    }
    command
}

fn ca(certs: &Path, verb: &[&str]) {
    let status = command(env!("CARGO_BIN_EXE_ca")).args(["--quiet", "--certs"]).arg(certs).args(verb).status().unwrap();
    assert!(status.success(), "ca {verb:?}: {status}");
}

/// The first number of `schedstat`: nanoseconds on a CPU. None when the thread is gone, or the kernel does not count.
fn run_time(schedstat: &Path) -> Option<u64> {
    fs::read_to_string(schedstat).ok()?.split(' ').next()?.parse().ok()
}
