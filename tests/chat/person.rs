//! A person with a client, who types and reads; and the lab where people live.

use super::common::{PATIENCE, Server, good, own_certs, program, scratch, wait};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
};
use tempfile::TempDir;

/// Certificates for these people, and a directory that knows the same authority.
pub struct Lab {
    pub certs: PathBuf,
    _folder: TempDir,
}

impl Lab {
    pub fn of(people: &[&str]) -> Lab {
        let (folder, certs) = own_certs();
        for name in people {
            good(program("ca", &certs).args(["-q", "sign", "user", name]));
        }
        Lab { certs, _folder: folder }
    }

    pub fn directory(&self, more: &[&str]) -> Server {
        Server::start_with(&self.certs, |command| command.arg("chat").args(more))
    }

    pub fn person(&self, name: &str, directory: u16, more: &[&str]) -> Person {
        self.person_in(Arc::new(scratch()), name, directory, more)
    }

    /// Somebody in a folder that was there before, or that others are in as well.
    pub fn person_in(&self, folder: Arc<TempDir>, name: &str, directory: u16, more: &[&str]) -> Person {
        Person::start(&self.certs, folder, name, directory, more)
    }

    pub fn ca(&self, args: &[&str]) {
        good(program("ca", &self.certs).arg("-q").args(args));
    }
}

/// `./client chat NAME`, in a folder of its own.
pub struct Person {
    pub folder: Arc<TempDir>,
    child: Child,
    types: ChildStdin,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    /// What was said, and up to where a test has looked.
    lines: Mutex<(Vec<String>, usize)>,
    more: Condvar,
}

impl Person {
    fn start(certs: &Path, folder: Arc<TempDir>, name: &str, directory: u16, more: &[&str]) -> Person {
        let mut command = program("client", certs);
        command.args(["chat", name, "--directory", &format!("tls://localhost:{directory}")]).args(more).current_dir(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let heard = Arc::new(Heard::default());
        let outputs: [Box<dyn std::io::Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let heard = heard.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    heard.lines.lock().unwrap().0.push(line);
                    heard.more.notify_all();
                }
            });
        }
        Person { folder, types: child.stdin.take().unwrap(), child, heard }
    }

    pub fn types(&mut self, line: &str) {
        writeln!(self.types, "{line}").unwrap();
    }

    /// Waits for a line with `text`, after the last one that was waited for, and gives it.
    pub fn hears(&self, text: &str) -> String {
        let missing = |(lines, seen): &mut (Vec<String>, usize)| match lines[*seen..].iter().position(|line| line.contains(text)) {
            Some(at) => {
                *seen += at + 1;
                false
            }
            None => true,
        };
        let (lines, waited) = self.heard.more.wait_timeout_while(self.heard.lines.lock().unwrap(), PATIENCE, missing).unwrap();
        assert!(!waited.timed_out(), "nobody said {text:?}, only\n{}", lines.0.join("\n"));
        lines.0[lines.1 - 1].clone()
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<String> {
        self.heard.lines.lock().unwrap().0.clone()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn ends(mut self) -> ExitStatus {
        wait(&mut self.child).expect("the client did not end")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two people who have come as far as talking.
pub fn connect(one: &mut Person, one_name: &str, other: &mut Person, other_name: &str) {
    one.types(&format!("chat {other_name}"));
    other.hears(&format!("chat request from: {one_name}"));
    other.types(&format!("accept {one_name}"));
    one.hears(&format!("{other_name} has accepted"));
    one.types(&format!("connect {other_name}"));
    one.hears(&format!("{other_name} certificate successfully VERIFIED."));
    other.hears(&format!("{one_name} certificate successfully VERIFIED."));
}
