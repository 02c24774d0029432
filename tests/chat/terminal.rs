//! The prompt, at a terminal of its own.

use super::{
    cases,
    common::{bin, good},
    person::Lab,
};
use std::process::Command;

cases! {
    ["python3"] whichever_way_a_chat_ends_the_terminal_is_as_before,
}

/// For each NAME=HOW: runs the client until it shows its prompt, ends it that way, and says whether the terminal was changed
/// meanwhile, and whether it is as before.
const TERMINAL: &str = r#"
import os, pty, signal, subprocess, sys, termios
client, directory = sys.argv[1:3]
for name, how in (argument.split("=") for argument in sys.argv[3:]):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    child = subprocess.Popen([client, "chat", name, "--directory", directory], stdin=slave, stdout=slave, stderr=slave)
    shown = b""
    while b">> " not in shown:
        shown += os.read(master, 1000)
    changed = termios.tcgetattr(slave) != before
    if how.startswith("SIG"):
        child.send_signal(getattr(signal, how))
    else:
        os.write(master, how.encode() + b"\r")
    child.wait()
    print(how, changed, termios.tcgetattr(slave) == before)
"#;

fn whichever_way_a_chat_ends_the_terminal_is_as_before() {
    let lab = Lab::of(&["alice", "bob", "carol", "dave"]);
    let directory = lab.directory(&[]);
    let mut python = Command::new("python3");
    python.args(["-c", TERMINAL]).arg(bin().join("client")).arg(format!("tls://localhost:{}", directory.port("chat")));
    python.args(["alice=logout", "bob=SIGTERM", "carol=SIGINT", "dave=SIGHUP"]).env("PADLOCK_CERTS", &lab.certs);
    let said = good(&mut python);
    assert_eq!(said, "logout True True\nSIGTERM True True\nSIGINT True True\nSIGHUP True True\n");
}
