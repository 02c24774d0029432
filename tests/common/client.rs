//! The client as its users run it: typed to, piped into, listened to.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::common::{self, PATIENCE, Server, certs, pki, program, text};
use padlock::certificate::Identity;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Instant,
};

pub fn client(args: &[&str]) -> Command {
    let mut command = program("client", certs());
    command.args(args);
    command
}

/// What the client says, and how it ends, when this comes through a pipe.
pub fn piped(args: &[&str], input: &str) -> Output {
    let mut talk = Talk::start(&mut client(args));
    talk.typed(input);
    talk.end()
}

pub fn url(server: &Server, scheme: &str, rest: &str) -> String {
    let service = if ["http", "ws"].contains(&scheme) { "plain" } else { "web" };
    format!("{scheme}://localhost:{}{rest}", server.port(service))
}

/// Asserts how it ended, and that it said this on standard error.
pub fn ended(output: &Output, status: i32, said: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}{}", text(&output.stdout));
    for part in said {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
    if status != 0 && status != 2 {
        assert!(stderr.contains("\nclient: hint: "), "no hint in {stderr}");
    }
}

/// A client that is typed to while it runs.
pub struct Talk {
    child: Child,
    pub stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Talk {
    pub fn start(command: &mut Command) -> Talk {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Talk { stdin: child.stdin.take(), child, stdout, stderr }
    }

    /// A client that has ended already, refused, reads no more: what it said then is what counts.
    pub fn typed(&mut self, text: &str) {
        let _ = self.stdin.as_mut().unwrap().write_all(text.as_bytes());
    }

    /// Waits for this line on standard output.
    pub fn says(&self, line: &str) {
        wait_for(&self.stdout, line);
    }

    pub fn remarks(&self, part: &str) {
        wait_for(&self.stderr, part);
    }

    pub fn signal(&self) {
        common::good(Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]));
    }

    /// Waits for the end, without typing more or ending the input.
    pub fn wait(&mut self) -> ExitStatus {
        common::wait(&mut self.child).expect("the client did not end")
    }

    /// Ends the input, and waits for the end.
    pub fn end(mut self) -> Output {
        drop(self.stdin.take());
        let status = self.wait();
        let all = |from: &Receiver<String>| from.iter().map(|line| line + "\n").collect::<String>().into_bytes();
        Output { status, stdout: all(&self.stdout), stderr: all(&self.stderr) }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    receive
}

pub fn wait_for(from: &Receiver<String>, part: &str) {
    let start = Instant::now();
    let mut seen = Vec::new();
    while let Ok(line) = from.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
        if line.contains(part) {
            return;
        }
        seen.push(line);
    }
    panic!("no {part:?} in {seen:?}");
}

/// Somebody else's server, stopped at the end of the test.
pub struct Foreign {
    child: Child,
    pub port: u16,
}

impl Foreign {
    /// Starts it, and takes the port from the first line with `mark` in it: the digits at its end.
    pub fn start(command: &mut Command, mark: &str) -> Foreign {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = stdout.by_ref().map_while(Result::ok).find(|line| line.contains(mark)).expect("it did not start");
        std::thread::spawn(move || stdout.for_each(drop));
        Foreign { child, port: line.rsplit(':').next().unwrap().trim().parse().unwrap() }
    }

    /// `openssl s_server` with this identity.
    pub fn openssl(who: &Identity, more: &[&str]) -> Foreign {
        let folder = common::scratch();
        let (cert, key) = files(folder.path(), who);
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert", &cert, "-key", &key, "-cert_chain", &cert]).args(more);
        Foreign::start(&mut command, "ACCEPT")
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Chain and key as PEM files.
pub fn files(folder: &Path, who: &Identity) -> (String, String) {
    let chain: Vec<&[u8]> = who.chain.iter().map(|der| &**der).collect();
    let key = pki::pem(who.key.secret_der()).replace("CERTIFICATE", "PRIVATE KEY");
    let file = folder.join("who.key");
    fs::write(&file, key).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (pem(folder, "who.crt", &chain), file.to_str().unwrap().to_string())
}

pub fn pem(folder: &Path, name: &str, certificates: &[&[u8]]) -> String {
    let file: PathBuf = folder.join(name);
    fs::write(&file, certificates.iter().map(|der| pki::pem(der)).collect::<String>()).unwrap();
    file.to_str().unwrap().to_string()
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
