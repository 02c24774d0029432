//! Runs every ```` ```console ```` block of the README and the chapters exactly as a reader types it, and compares.
//!
//! Each document gets a scratch copy of the checkout with certificates of its own and `./server` running. It is one terminal,
//! one bash that is given all commands in order, until the text says "another terminal"; what runs in a background goes on.
//! `...` alone on a line stands for any lines, `[..]` for any text within a line, and a line `? 60` below the output for a
//! non-zero exit status.
//! The blocks name real ports, so all of this happens in a network namespace of its own where that is allowed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/cases.rs"]
mod cases;
mod common;

use cases::is_here;
use common::{PATIENCE, bin, checkout, good, scratch, tracked, wait};
use libtest_mimic::{Arguments, Failed, Trial};
use snapbox::{
    Data,
    filter::NormalizeToExpected,
    report::{Palette, write_diff},
};
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Set once this program runs in a namespace of its own.
const INSIDE: &str = "PADLOCK_CONSOLE_INSIDE";

/// Tools that a block may use, but that not every machine has.
const TOOLS: [&str; 9] = ["openssl", "curl", "node", "python3", "tshark", "jq", "nc", "ss", "certutil"];

fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_none() {
        move_into_a_namespace();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1); // the ports are real
    let documents = tracked().into_iter().filter(|file| is_document(file));
    let trials = documents.filter_map(|file| {
        let terminals = terminals(&fs::read_to_string(checkout().join(&file)).unwrap());
        let used = |name| terminals.iter().flatten().any(|step| uses(&step.command, name));
        let missing = TOOLS.iter().any(|name| used(name) && !is_here(name));
        let name = file.display().to_string();
        (!terminals.is_empty()).then(|| Trial::test(name, move || play(&file, &terminals)).with_ignored_flag(missing))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn is_document(file: &Path) -> bool {
    let folder = file.parent().unwrap();
    file.extension().is_some_and(|e| e == "md") && ["", "docs", "certs"].iter().any(|known| folder == Path::new(known))
}

/// Starts this program again where all ports are free, if the machine lets us; otherwise just returns.
fn move_into_a_namespace() {
    for how in [vec!["--net"], vec!["--user", "--map-root-user", "--net"]] {
        let allowed = Command::new("unshare").args(&how).args(["ip", "link", "set", "lo", "up"]).stderr(Stdio::null()).status();
        if allowed.is_ok_and(|status| status.success()) {
            let mut command = Command::new("unshare");
            command.args(how).args(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]).args(std::env::args_os());
            let error = command.env(INSIDE, "1").exec();
            panic!("unshare: {error}");
        }
    }
    eprintln!("console: no network namespace here, so the real ports are used");
}

/// A command, what should come of it, and where it stands.
struct Step {
    line: usize,
    command: String,
    output: String,
    status: i32,
}

/// The commands of a document, terminal by terminal. A block that stands inside another fence is only being shown.
fn terminals(document: &str) -> Vec<Vec<Step>> {
    let mut terminals = vec![Vec::new()];
    let mut opened: Option<&str> = None;
    for (number, line) in document.lines().enumerate() {
        let fence = &line[..line.len() - line.trim_start_matches('`').len()];
        match opened {
            None if fence.len() >= 3 => opened = Some(line),
            None if line.contains("another terminal") => terminals.push(Vec::new()),
            Some(fenced) if fenced.starts_with(line) && !fence.is_empty() => opened = None,
            Some("```console") => read_line(terminals.last_mut().unwrap(), number + 1, line),
            _ => {}
        }
    }
    terminals.retain(|steps| !steps.is_empty());
    terminals
}

/// A command, more of it, its exit status, or a line of its output.
fn read_line(steps: &mut Vec<Step>, number: usize, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        steps.push(Step { line: number, command: command.into(), output: String::new(), status: 0 });
    } else if let Some(step) = steps.last_mut() {
        match (line.strip_prefix("> "), line.strip_prefix("? ").and_then(|status| status.parse().ok())) {
            (Some(more), _) if step.output.is_empty() => write!(step.command, "\n{more}").unwrap(),
            (_, Some(status)) => step.status = status,
            _ => writeln!(step.output, "{line}").unwrap(),
        }
    }
}

fn uses(command: &str, tool: &str) -> bool {
    command.split(|c: char| c.is_whitespace() || "|;&(){}$`\"'".contains(c)).any(|word| word == tool)
}

/// Plays one document from top to bottom; every step that does not match is reported.
fn play(document: &Path, terminals: &[Vec<Step>]) -> Result<(), Failed> {
    let folder = scratch();
    let home = folder.path().join("padlock");
    copy_checkout(&home);
    good(shell(&home).arg("make --silent certs"));
    // The README is for someone who has started nothing yet.
    let _server = (document != Path::new("README.md")).then(|| Group(start_server(&home)));
    let mut report = String::new();
    let mut open = Vec::new(); // they stay open: what runs in their background goes on
    for steps in terminals {
        let mut terminal = Terminal::open(&home, steps);
        for step in steps {
            let (output, status) = terminal.next()?;
            let output = output.replace(&*home.to_string_lossy(), "~/padlock");
            let expected = Data::text(&step.output);
            let actual = NormalizeToExpected::new().redact().normalize(Data::text(&output), &expected);
            if actual != expected || status != step.status {
                writeln!(report, "\n{}:{}: $ {}", document.display(), step.line, step.command)?;
                writeln!(report, "exit status {status}, {} in the document", step.status)?;
                write_diff(&mut report, &expected, &actual, Some(&"in the document"), Some(&"as run"), Palette::plain())?;
            }
        }
        open.push(terminal);
    }
    if report.is_empty() { Ok(()) } else { Err(report.into()) }
}

/// What git tracks, as it stands now, and nothing else: a fresh clone.
fn copy_checkout(home: &Path) {
    for file in tracked() {
        let to = home.join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(checkout().join(&file), to).unwrap();
    }
}

/// `bash -c` in the scratch checkout, with the programs as built and an environment that is the same everywhere.
fn shell(home: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg("-c").current_dir(home).process_group(0).stdin(Stdio::null()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.parent().unwrap());
    command.env("PADLOCK_BIN", bin()).env("LC_ALL", "C.UTF-8").env("TERM", "dumb").env("COLUMNS", "100");
    command
}

/// `./server` on its real ports, once it answers.
fn start_server(home: &Path) -> Child {
    let log = fs::File::create(home.parent().unwrap().join("server.log")).unwrap();
    let output = log.try_clone().unwrap();
    let mut server = shell(home).arg("exec ./server").stdout(output).stderr(log).spawn().unwrap();
    let start = Instant::now();
    while TcpStream::connect("127.0.0.1:1234").is_err() {
        if start.elapsed() > PATIENCE || server.try_wait().unwrap().is_some() {
            let log = fs::read_to_string(home.parent().unwrap().join("server.log")).unwrap();
            let _ = wait(&mut server);
            panic!("./server does not answer on port 1234:\n{log}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    server
}

/// A process and all that it started, gone at the end.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "KILL", "--", &format!("-{}", self.0.id())]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// One bash that plays commands and marks where the output of each one ends.
struct Terminal {
    bash: Group,
    lines: mpsc::Receiver<String>,
}

/// Starts the line that follows a command's output. No program prints it.
const MARK: &str = "\u{1}end of step";

impl Terminal {
    fn open(home: &Path, steps: &[Step]) -> Terminal {
        let mut script = String::from("exec 2>&1\n");
        for step in steps {
            let quoted = step.command.replace('\'', r"'\''");
            writeln!(script, "eval '{quoted}' </dev/null; printf '\\n{MARK} %s\\n' $?").unwrap();
        }
        let mut bash = Group(shell(home).arg(script).stdout(Stdio::piped()).spawn().unwrap());
        let output = BufReader::new(bash.0.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.split(b'\n').map_while(Result::ok) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Terminal { bash, lines }
    }

    /// The output and the exit status of the next command.
    fn next(&mut self) -> Result<(String, i32), Failed> {
        let mut output = String::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.strip_prefix(MARK) {
                    Some(status) => return Ok((ended(output), status.trim().parse()?)),
                    None => writeln!(output, "{line}")?,
                },
                Err(_) => return Err(format!("bash ({}) ended or fell silent after\n{output}", self.bash.0.id()).into()),
            }
        }
    }
}

/// The mark begins on a fresh line: takes back the line end that this cost.
fn ended(mut output: String) -> String {
    output.pop();
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    output
}
