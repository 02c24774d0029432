//! `./wiretap`: whatever passes is passed on unchanged, and what anybody could read is shown.

use super::{
    cases,
    client::{Talk, ended, lines, piped, url, wait_for},
    common::{self, PATIENCE, Server, certs, own_certs, program, run, scratch, text},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

cases! {
    [] any_bytes_are_passed_on_unchanged_and_so_is_an_end,
    [] of_ws_every_word_is_seen,
    [] of_wss_the_name_and_the_sizes_are_seen_and_no_word,
    ["tshark"] a_capture_on_the_path_holds_the_true_bytes,
    [] three_lies_are_refused_and_nothing_is_said_to_the_liar,
    [] an_attacker_whose_authority_was_imported_reads_every_word,
    [] the_attackers_authority_is_kept_for_its_owner_alone,
    [] a_lab_attacks_nobody_else,
}

/// A running wiretap; what it prints comes line by line.
pub struct Wiretap {
    child: Child,
    pub port: u16,
    pub shown: Receiver<String>,
}

impl Wiretap {
    pub fn start(certs: &Path, target: u16, more: &[&str]) -> Wiretap {
        let (mut tap, stdout) = Wiretap::unread(certs, target, more);
        tap.shown = lines(stdout);
        tap
    }

    /// One whose output nobody reads, until somebody does.
    pub fn unread(certs: &Path, target: u16, more: &[&str]) -> (Wiretap, ChildStdout) {
        let mut command = program("wiretap", certs);
        command.args(["0", &format!("localhost:{target}")]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        thread::spawn(move || said.for_each(drop));
        let address = first.split("listening on ").nth(1).unwrap_or_else(|| panic!("{first}"));
        let port = address.split([',', ' ']).next().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        let stdout = child.stdout.take().unwrap();
        (Wiretap { shown: channel().1, child, port }, stdout)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as Ctrl-C does, and gives what it has shown.
    pub fn stop(mut self) -> String {
        common::good(Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]));
        common::wait(&mut self.child).expect("it did not end");
        self.shown.iter().map(|line| line + "\n").collect()
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn url_at(port: u16, scheme: &str, path: &str) -> String {
    format!("{scheme}://localhost:{port}{path}")
}

/// Bytes that look like the beginnings of everything, and like nothing.
fn noise(first: &[u8], seed: u32) -> Vec<u8> {
    let mut state = seed;
    let rest = (0..700_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    first.iter().copied().chain(rest).collect()
}

fn any_bytes_are_passed_on_unchanged_and_so_is_an_end() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = Wiretap::start(certs(), server.local_addr().unwrap().port(), &[]);
    let starts: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n\r\n", &[22, 3, 1, 0xff, 0xff], &[22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff], b"\0"];
    for (n, first) in starts.into_iter().enumerate() {
        let (there, back) = (noise(first, n as u32), noise(b"HTTP/1.1 101 \r\n\r\n\x81\x7f\xff", 7 + n as u32));
        let client = TcpStream::connect(("127.0.0.1", tap.port)).unwrap();
        let (served, _) = server.accept().unwrap();
        for end in [&client, &served] {
            end.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                (&client).write_all(&there).unwrap();
                client.shutdown(Shutdown::Write).unwrap();
            });
            let mut heard = Vec::new();
            (&served).read_to_end(&mut heard).unwrap();
            assert!(heard == there, "the server got something else");
            // The client has ended, and still hears all of the answer.
            scope.spawn(|| {
                (&served).write_all(&back).unwrap();
                served.shutdown(Shutdown::Write).unwrap();
            });
            let mut heard = Vec::new();
            (&client).read_to_end(&mut heard).unwrap();
            assert!(heard == back, "the client got something else");
        });
    }
}

fn of_ws_every_word_is_seen() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = Wiretap::start(certs(), server.local_addr().unwrap().port(), &[]);
    let serving = thread::spawn(move || {
        let mut socket = tungstenite::accept(server.accept().unwrap().0).unwrap();
        socket.send("welcome".into()).unwrap();
        while let Ok(message) = socket.read() {
            let _ = socket.send(message);
        }
    });
    let mut talk = Talk::start(&mut super::client::client(&[&url_at(tap.port, "ws", "/?ticket=open-sesame")]));
    talk.typed("the password is swordfish\n");
    assert!(talk.end().status.success());
    serving.join().unwrap();
    let shown = tap.stop();
    let (left, right): (Vec<&str>, Vec<&str>) = shown.lines().partition(|line| !line.starts_with(' '));
    assert!(left.contains(&"1 GET /?ticket=open-sesame HTTP/1.1"), "{shown}");
    assert!(left.contains(&"1 \"the password is swordfish\""), "{shown}");
    let right: Vec<&str> = right.iter().map(|line| line.trim()).collect();
    assert!(right.contains(&"1 HTTP/1.1 101 Switching Protocols") && right.contains(&"1 \"welcome\""), "{shown}");
}

fn of_wss_the_name_and_the_sizes_are_seen_and_no_word() {
    let server = Server::start(&[]);
    let tap = Wiretap::start(certs(), server.port("web"), &["--times"]);
    assert!(piped(&[&url_at(tap.port, "wss", "/?ticket=open-sesame")], "swordfish\n").status.success());
    let shown = tap.stop().split_whitespace().collect::<Vec<_>>().join(" "); // long lines are cut
    for part in ["ClientHello (", "for localhost", "X25519MLKEM768", "TLS_AES_256_GCM_SHA384", "sealed: "] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    for word in ["swordfish", "sesame", "welcome", "GET", "Certificate"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
    let time = shown.split_whitespace().nth(1).unwrap();
    assert!(time.starts_with("0.") && time.len() == 8, "{time}");
}

fn a_capture_on_the_path_holds_the_true_bytes() {
    let server = Server::start(&[]);
    let folder = scratch();
    let file = folder.path().join("path.pcapng");
    let tap = Wiretap::start(certs(), server.port("web"), &["--capture", file.to_str().unwrap()]);
    assert!(piped(&[&url_at(tap.port, "wss", "/")], "swordfish\n").status.success());
    tap.stop();
    let fields = ["-Y", "tls.handshake.type == 2", "-T", "fields", "-e", "tls.handshake.extensions.supported_version"];
    assert_eq!(super::capture::tshark(&file, &fields), "0x0304\n");
    let ports = super::capture::tshark(&file, &["-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0", "-T", "fields", "-e", "tcp.dstport"]);
    assert_eq!(ports.trim(), server.port("web").to_string());
}

fn three_lies_are_refused_and_nothing_is_said_to_the_liar() {
    let (server, (_folder, certs)) = (Server::start(&[]), own_certs());
    for (how, why) in
        [("own-authority", "whom you don't trust"), ("stolen-name", "the signature of O=Padlock"), ("self-signed", "self-signed: ")]
    {
        let tap = Wiretap::start(&certs, server.port("web"), &["--mitm", how]);
        let refused = piped(&[&url_at(tap.port, "wss", "/")], "swordfish\n");
        ended(&refused, 60, &["certificate refused: ", why]);
        let shown = tap.stop();
        assert!(shown.contains("(the client refused us: ") && !shown.contains("swordfish"), "{how}: {shown}");
    }
}

fn an_attacker_whose_authority_was_imported_reads_every_word() {
    let (server, (_folder, certs)) = (Server::start(&[]), own_certs());
    let tap = Wiretap::start(&certs, server.port("web"), &["--mitm", "trusted"]);
    let root = certs.join("attacker/root.crt");
    let fell = piped(&["--cacert", root.to_str().unwrap(), &url_at(tap.port, "wss", "/")], "swordfish\n");
    assert!(fell.status.success(), "{}", text(&fell.stderr));
    assert!(text(&fell.stdout).contains("counter: 1"), "the victim notices nothing");
    wait_for(&tap.shown, "\"swordfish\"");
    ended(&piped(&[&url_at(tap.port, "wss", "/")], ""), 60, &["whom you don't trust"]);
    let honest = piped(&["--cacert", root.to_str().unwrap(), &url(&server, "wss", "/")], "");
    ended(&honest, 60, &["certificate refused"]);
}

fn the_attackers_authority_is_kept_for_its_owner_alone() {
    let (_folder, certs) = own_certs();
    let key = certs.join("attacker/secret.key");
    Wiretap::start(&certs, 1, &["--mitm", "trusted"]).stop();
    let first = std::fs::read(&key).unwrap();
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    Wiretap::start(&certs, 1, &["--mitm", "trusted"]).stop();
    assert_eq!(std::fs::read(&key).unwrap(), first, "who imported it has imported it still");
    let shown = common::good(program("ca", &certs).arg("show").arg(certs.join("attacker/root.crt")));
    assert!(shown.contains("localhost") && shown.contains("127.0.0.0"), "name constraints: {shown}");
}

fn a_lab_attacks_nobody_else() {
    let wiretap = |args: &[&str]| run(program("wiretap", certs()).args(args));
    for args in [
        &["0", "192.0.2.1:443", "--mitm", "trusted"][..],
        &["0", "localhost:1", "--mitm", "trusted", "--listen", "0.0.0.0"],
        &["0", "localhost:1", "--listen", "0.0.0.0"],
        &["0", "https://localhost:1/"],
    ] {
        let refused = wiretap(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("\nwiretap: hint: "), "{args:?}");
    }
}
