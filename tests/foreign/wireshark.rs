//! `make capture`: what a stranger on the wire sees, and what the key log lets its owner see.

use super::{
    cases,
    common::{bin, certs, checkout, good, program, run, scratch, text},
};
use std::{path::Path, process::Command};

cases! {
    ["tshark", "editcap"] a_capture_proves_tls_1_3_and_opens_with_its_secrets,
}

fn tshark(file: &Path, more: &[&str]) -> String {
    good(Command::new("tshark").arg("-r").arg(file).args(more))
}

fn a_capture_proves_tls_1_3_and_opens_with_its_secrets() {
    let folder = scratch();
    let mut command = Command::new(checkout().join("tests/capture.sh"));
    command.arg(folder.path()).env("PADLOCK_BIN", bin()).env("PADLOCK_CERTS", certs());
    let out = run(&mut command);
    let (said, log) = (text(&out.stdout), text(&out.stderr));
    if !out.status.success() && log.contains("can't listen on lo") && std::env::var_os("PADLOCK_REQUIRE_TOOLS").is_none() {
        return eprintln!("skipped: {log}");
    }
    assert!(out.status.success() && said.lines().count() == 1, "{said}{log}");
    assert!(
        said.starts_with(
            "ServerHello: supported_versions TLS 1.3 (0x0304), cipher suite TLS_AES_256_GCM_SHA384 (0x1302), key share group X25519MLKEM768"
        ),
        "{said}"
    );

    let file = folder.path().join("padlock.pcapng");
    let hello = tshark(&file, &["-Y", "tls.handshake.type == 2", "-T", "fields", "-e", "tls.handshake.extensions.supported_version"]);
    assert_eq!(hello.trim(), "0x0304");
    let messages = tshark(&file, &["-Y", "websocket.payload.text", "-T", "fields", "-e", "websocket.payload.text"]);
    for message in ["welcome", "hello", "counter: 1"] {
        assert!(messages.contains(message), "{message} is not readable with the secrets in the file: {messages}");
    }
    let raw = std::fs::read(&file).unwrap();
    let clear = |needle: &[u8]| raw.windows(needle.len()).any(|window| window == needle);
    assert!(clear(b"CLIENT_TRAFFIC_SECRET_0") && !clear(b"counter: 1"), "the packets themselves stay sealed");

    // Our own reader opens what dumpcap wrote, in its own format and in the classic one.
    let decrypt = |args: &[&str]| run(program("client", certs()).arg("decrypt").args(args).current_dir(folder.path()));
    good(Command::new("editcap").args(["-F", "pcap", "stranger.pcapng", "classic.pcap"]).current_dir(folder.path()));
    for args in [&["padlock.pcapng"][..], &["--keylog", "padlock.keylog", "classic.pcap"]] {
        let listed = text(&decrypt(args).stdout);
        assert!(listed.contains("EncryptedExtensions, Certificate, CertificateVerify, Finished (s hs traffic, number 0)"), "{listed}");
        assert!(!listed.contains("no secret opens it"), "{listed}");
    }
    let stranger = decrypt(&["stranger.pcapng", "--record", "4"]);
    assert_eq!(stranger.status.code(), Some(1), "{}", text(&stranger.stderr));
    assert!(text(&stranger.stderr).contains("record 4 stays sealed"), "{}", text(&stranger.stderr));
}
