//! `./client register`: a password that is typed and not seen, or piped.

use crate::{
    cases,
    common::{certs, good, program, run, text},
    desk::{auth_alone, sign_in},
};
use std::{
    fs,
    process::{Command, Output, Stdio},
};

cases! {
    ["curl"] register_makes_an_account_with_a_password_from_a_pipe,
    ["python3", "curl"] a_typed_password_is_asked_for_twice_and_never_shown,
    ["python3"] a_signal_at_the_prompt_leaves_the_terminal_as_it_was,
    [] register_says_what_is_wrong_before_it_asks_for_anything,
}

/// `./client register` with these arguments, and this on standard input.
fn register(args: &[&str], input: &str) -> Output {
    let folder = crate::common::scratch();
    let file = folder.path().join("input");
    fs::write(&file, input).unwrap();
    run(program("client", certs()).arg("register").args(args).stdin(Stdio::from(fs::File::open(file).unwrap())))
}

fn register_makes_an_account_with_a_password_from_a_pipe() {
    let server = auth_alone(&[]);
    let auth = format!("https://localhost:{}", server.port("auth"));
    let first = register(&["alice", "--auth", &auth, "--password-stdin"], "correct horse\r\nmore\n");
    assert_eq!((first.status.code(), text(&first.stdout).as_str()), (Some(0), "registered alice\n"), "{}", text(&first.stderr));
    assert_eq!(sign_in(&server, "alice", "correct horse").status, 200);
    let again = register(&["alice", "--auth", &auth, "--password-stdin"], "correct horse\n");
    assert_eq!(again.status.code(), Some(22));
    assert_eq!(text(&again.stderr), "client: there is an account alice already\nclient: hint: choose another name\n");
    let json = register(&["bob", "--auth", &auth, "--password-stdin", "--json"], "short\n");
    assert!(json.status.code() == Some(22) && text(&json.stdout).contains("\"code\":\"bad-password\""), "{}", text(&json.stdout));
}

fn register_says_what_is_wrong_before_it_asks_for_anything() {
    for (args, status, said) in [
        (&["Alice"][..], 1, "can't be a user's"),
        (&["alice"], 2, "typed at a terminal"),
        (&["alice", "--auth", "http://localhost:1", "--password-stdin"], 2, "must not travel in the clear"),
        (&["alice", "--auth", "https://localhost:1", "--password-stdin"], 7, "hint: start the auth service: ./server"),
    ] {
        let out = register(args, "correct horse\n");
        assert_eq!(out.status.code(), Some(status), "{args:?}: {}", text(&out.stderr));
        assert!(text(&out.stderr).contains(said), "{args:?}: {}", text(&out.stderr));
    }
}

/// Runs `register` on a terminal of its own, types when it is asked, and prints what the terminal shows, then the status.
const TERMINAL: &str = r#"
import os, pty, sys
typed = [line.encode() for line in sys.argv[1].split("|")]
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        piece = os.read(terminal, 1000)
    except OSError:
        break
    shown += piece
    if piece.endswith(b": ") and typed:
        os.write(terminal, typed.pop(0))
_, status = os.waitpid(child, 0)
print(shown.decode().replace("\r", ""), end="")
print(os.waitstatus_to_exitcode(status))
"#;

fn a_typed_password_is_asked_for_twice_and_never_shown() {
    let server = auth_alone(&[]);
    let auth = format!("https://localhost:{}", server.port("auth"));
    let on_terminal = |typed: &str| {
        let mut python = Command::new("python3");
        python.args(["-c", TERMINAL, typed]).arg(crate::common::bin().join("client"));
        good(python.args(["register", "alice", "--auth", &auth]).env("PADLOCK_CERTS", certs()))
    };
    let asked = "New password for alice: \nThe same again: \n";
    assert!(on_terminal("one sentence\r|another sentence\r").starts_with(&format!("{asked}client: the two passwords differ")));
    assert_eq!(on_terminal("correct\u{15}correct hosä\u{7f}\u{7f}rse\r|correct horse\r"), format!("{asked}registered alice\n0\n"));
    assert_eq!(sign_in(&server, "alice", "correct horse").status, 200);
    assert_eq!(on_terminal("corr\u{3}"), "New password for alice: \nclient: no password was given\n130\n");
}

/// Ends `register` by each signal while it waits for a password; says whether the terminal was mute, is as before, and the status.
const SIGNALLED: &str = r#"
import os, pty, signal, subprocess, sys, termios
for how in sys.argv[3:]:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    child = subprocess.Popen([sys.argv[1], "register", "alice", "--auth", sys.argv[2]], stdin=slave, stdout=slave, stderr=slave)
    shown = b""
    while b"alice: " not in shown:
        shown += os.read(master, 1000)
    mute = termios.tcgetattr(slave) != before
    child.send_signal(getattr(signal, how))
    status = child.wait()
    print(mute, termios.tcgetattr(slave) == before, status)
"#;

fn a_signal_at_the_prompt_leaves_the_terminal_as_it_was() {
    let server = auth_alone(&[]);
    let auth = format!("https://localhost:{}", server.port("auth"));
    let mut python = Command::new("python3");
    python
        .args(["-c", SIGNALLED])
        .arg(crate::common::bin().join("client"))
        .arg(auth)
        .args(["SIGTERM", "SIGINT"])
        .env("PADLOCK_CERTS", certs());
    assert_eq!(good(&mut python), "True True -15\nTrue True -2\n");
}
