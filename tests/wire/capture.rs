//! `--capture`: a file that Wireshark opens already decrypted, or as a stranger has it.

use super::{
    cases,
    client::{piped, url},
    common::{Server, certs, good, program, run, scratch, text},
};
use std::{fs, net::TcpStream, os::unix::fs::PermissionsExt, path::Path, process::Command};

cases! {
    ["tshark"] a_capture_of_the_server_opens_already_decrypted,
    ["tshark"] a_capture_of_the_client_opens_already_decrypted,
    ["tshark"] without_secrets_a_capture_is_what_a_stranger_has,
    ["tshark"] packets_are_sound,
    ["tshark"] a_capture_of_a_program_that_was_killed_can_be_read,
    ["tshark"] a_capture_in_parts_is_whole_in_each,
    [] a_full_disk_ends_the_capture_and_nothing_else,
    [] a_capture_is_for_its_owner_and_the_one_before_is_kept,
}

/// tshark with no setting but its own: no key log, no port named.
pub fn tshark(file: &Path, more: &[&str]) -> String {
    let home = scratch();
    let mut command = Command::new("tshark");
    command.env_remove("SSLKEYLOGFILE").env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
    good(command.arg("-r").arg(file).args(more))
}

fn versions(file: &Path) -> String {
    tshark(file, &["-Y", "tls.handshake.type == 2", "-T", "fields", "-e", "tls.handshake.extensions.supported_version"])
}

fn words(file: &Path) -> Vec<String> {
    let said = tshark(file, &["-Y", "websocket.payload.text", "-T", "fields", "-e", "websocket.payload.text"]);
    let mut words: Vec<String> = said.lines().flat_map(|line| line.split(',')).map(str::to_owned).collect();
    words.sort_unstable();
    words
}

fn captured(flag: &[&str]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = scratch();
    let file = folder.path().join("lesson.pcapng");
    let server = Server::start_with(certs(), |command| command.arg("--capture").arg(&file).args(flag));
    let said = piped(&[&url(&server, "wss", "/")], "knock knock\n");
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert!(piped(&[&url(&server, "https", "/healthz")], "").status.success());
    assert!(piped(&[&url(&server, "http", "/healthz")], "").status.success());
    server.stop();
    (folder, file)
}

fn a_capture_of_the_server_opens_already_decrypted() {
    let (_folder, file) = captured(&[]);
    assert_eq!(versions(&file), "0x0304\n0x0304\n");
    assert_eq!(words(&file), ["counter: 1", "knock knock", "welcome"]);
    let requests = tshark(&file, &["-Y", "http.request", "-T", "fields", "-e", "http.request.uri"]);
    assert_eq!(requests, "/\n/healthz\n/healthz\n");
}

fn a_capture_of_the_client_opens_already_decrypted() {
    let folder = scratch();
    let file = folder.path().join("lesson.pcapng");
    let server = Server::start(&[]);
    let said = piped(&["--capture", file.to_str().unwrap(), &url(&server, "wss", "/")], "who is there\n");
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert_eq!(versions(&file), "0x0304\n");
    assert_eq!(words(&file), ["counter: 1", "welcome", "who is there"]);
}

fn without_secrets_a_capture_is_what_a_stranger_has() {
    let (_folder, file) = captured(&["--no-secrets"]);
    assert_eq!(versions(&file), "0x0304\n0x0304\n", "the ServerHello is there for all");
    assert_eq!(words(&file), [""; 0]);
    let requests = tshark(&file, &["-Y", "http.request", "-T", "fields", "-e", "http.request.uri"]);
    assert_eq!(requests, "/healthz\n", "only what was said in the clear");
    let bytes = fs::read(&file).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(b"TRAFFIC_SECRET") && !holds(b"knock"));
}

fn packets_are_sound() {
    let (_folder, file) = captured(&[]);
    let checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
    let wrong = "tcp.checksum.status != 1 || ip.checksum.status != 1 || tcp.analysis.flags || _ws.malformed";
    assert_eq!(tshark(&file, &[&checks[..], &["-Y", wrong]].concat()), "");
    let ends = tshark(&file, &["-Y", "tcp.flags.fin == 1", "-T", "fields", "-e", "tcp.stream"]);
    assert_eq!(ends.lines().count(), 6, "each of three connections ends on both sides");
    let times = tshark(&file, &["-T", "fields", "-e", "frame.time_epoch"]);
    let times: Vec<f64> = times.lines().map(|time| time.parse().unwrap()).collect();
    assert!(times.is_sorted() && times.iter().any(|time| (time * 1e3).fract() > 0.0), "microseconds, in order");
}

fn a_capture_of_a_program_that_was_killed_can_be_read() {
    let folder = scratch();
    let file = folder.path().join("lesson.pcapng");
    let server = Server::start_with(certs(), |command| command.arg("--capture").arg(&file));
    assert!(piped(&[&url(&server, "wss", "/")], "last words\n").status.success());
    let written = |_| words(&file).iter().any(|word| word == "last words");
    assert!((0..100).any(written), "what was said is in the file while the server goes on");
    server.signal("KILL");
    assert_eq!(words(&file), ["counter: 1", "last words", "welcome"]);
}

fn a_capture_in_parts_is_whole_in_each() {
    let folder = scratch();
    let file = folder.path().join("lesson.pcapng");
    let server = Server::start_with(certs(), |command| command.arg("--capture").arg(&file).args(["--capture-size", "64k"]));
    let words = format!("{}\n", "x".repeat(30_000)).repeat(10);
    assert!(piped(&["-q", &url(&server, "wss", "/echo")], &words).status.success());
    server.stop();
    let earlier = folder.path().join("lesson.1.pcapng");
    assert!(!tshark(&earlier, &["-c", "1"]).is_empty());
    tshark(&file, &[]); // it may have just begun
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "one part before the last is kept");
}

fn a_full_disk_ends_the_capture_and_nothing_else() {
    let server = Server::start(&["--capture", "/dev/full"]);
    for _ in 0..2 {
        assert!(piped(&[&url(&server, "wss", "/")], "hello\n").status.success());
    }
    server.logged("capture /dev/full: no space left on device");
    assert_eq!(server.log().iter().filter(|line| line.contains("/dev/full")).count(), 1);
}

fn a_capture_is_for_its_owner_and_the_one_before_is_kept() {
    let folder = scratch();
    let file = folder.path().join("lesson.pcapng");
    fs::write(&file, "the lesson before").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let server = Server::start_with(certs(), |command| command.arg("--capture").arg(&file));
    drop(TcpStream::connect(("127.0.0.1", server.port("web"))).unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(folder.path().join("lesson.1.pcapng")).unwrap(), b"the lesson before");
    let refused = run(program("server", certs()).args(["--port", "0", "web", "--capture", "/nowhere/at/all"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).starts_with("server: capture /nowhere/at/all: no such file or directory\nserver: hint: "));
}
