//! Disks and folders that say no: full, read-only, somebody else's.

use crate::cases;
use crate::common::{PATIENCE, run, text};
use crate::lab::{Lab, refusal};
use std::fs;
use std::process::Command;

cases! {
    ["root", "unshare", "mount"] a_full_disk_is_said_and_loses_nothing,
    ["root", "unshare", "mount"] a_read_only_disk_is_said,
    ["root", "setpriv"] somebody_elses_folder_is_said,
    ["root", "setpriv"] a_key_that_may_not_be_read_is_said,
    [] keys_are_private_whatever_the_umask,
    ["flock"] a_stuck_holder_of_the_lock_is_named,
}

fn ca() -> String {
    crate::common::bin().join("ca").display().to_string()
}

/// Runs a script in the folder, in a mount namespace of its own.
fn inside(lab: &Lab, script: &str) -> std::process::Output {
    run(Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .env("CA", ca())
        .env("PADLOCK_CERTS", "certs")
        .current_dir(lab.path("")))
}

fn a_full_disk_is_said_and_loses_nothing() {
    let lab = Lab::founded();
    // A disk of 1 MiB with a working authority; then it fills up, and signing goes on until it must fail.
    let out = inside(
        &lab,
        "set -e
        mkdir small && mount -t tmpfs -o size=1m none small && cp -a certs small/ && cd small
        $CA -q sign user first
        cp certs/ca/intermediate/index.txt before; mkdir ../kept
        dd if=/dev/zero of=filler bs=1k 2>/dev/null || :
        status=0; $CA -q sign user second || status=$?
        cp -a certs before ../kept/
        rm filler
        $CA -q sign user third
        cp -a certs/ca ../kept/after
        exit $status",
    );
    let said = refusal(&out, 1);
    assert!(said.contains("no room is left on the disk"), "{said}");
    assert!(said.contains("df -h"), "{said}");
    let (before, full) = (lab.read("kept/before"), lab.read("kept/certs/ca/intermediate/index.txt"));
    assert!(full.starts_with(&before), "{full}");
    assert!(!lab.path("kept/certs/users/second/fullchain.pem").exists());
    let after = padlock::authority::Ledger::load(&lab.path("kept/after/intermediate")).unwrap();
    assert!(after.entries.iter().any(|entry| entry.subject == "/CN=third"), "it goes on when there is room again");
    let keys =
        fs::read_dir(lab.path("kept/certs/users/second")).map(|all| all.map(|e| e.unwrap().path()).collect::<Vec<_>>()).unwrap_or_default();
    for file in keys {
        assert!(fs::metadata(&file).unwrap().len() > 0, "{} is half-written", file.display());
    }
}

fn a_read_only_disk_is_said() {
    let lab = Lab::founded();
    for verb in ["sign user alice", "crl", "revoke 00112233445566778899", "key certs/private/x.key"] {
        let out = inside(&lab, &format!("mount --bind certs certs && mount -o remount,ro,bind certs && exec $CA {verb}"));
        assert!(refusal(&out, 1).contains("read-only"), "{verb}: {}", text(&out.stderr));
    }
    let empty = Lab::empty();
    fs::create_dir(empty.path("certs")).unwrap();
    let out = inside(&empty, "mount --bind certs certs && mount -o remount,ro,bind certs && exec $CA found");
    assert!(refusal(&out, 1).contains("read-only"));
}

/// Another user than root: mode bits stop nobody as root.
fn as_nobody(lab: &Lab, args: &[&str]) -> std::process::Output {
    // The folder of cargo's programs may not be open to others, so nobody gets a copy.
    let copy = lab.path("ca-program");
    if !copy.exists() {
        fs::copy(ca(), &copy).unwrap();
    }
    lab.run(&["chmod", "755", "."]);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(copy).args(args);
    run(command.env("PADLOCK_CERTS", "certs").env_remove("RUST_LOG").env_remove("CAROOT").current_dir(lab.path("")))
}

fn somebody_elses_folder_is_said() {
    let lab = Lab::founded();
    for verb in [&["sign", "user", "alice"][..], &["crl"], &["key", "certs/private/x.key"], &["list"]] {
        let out = as_nobody(&lab, verb);
        assert!(refusal(&out, 1).contains("may not"), "{verb:?}: {}", text(&out.stderr));
    }
    let empty = Lab::empty();
    assert!(refusal(&as_nobody(&empty, &["found"]), 1).contains("certs"));
}

fn a_key_that_may_not_be_read_is_said() {
    let lab = Lab::empty();
    lab.ca(&["key", "k.key"]);
    let said = refusal(&as_nobody(&lab, &["request", "--key", "k.key", "--name", "localhost"]), 58);
    assert!(said.contains("can't read k.key: this user may not"), "{said}");
}

fn keys_are_private_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::empty();
    let script = "umask 000; $CA -q found && $CA -q sign server localhost && $CA -q sign user alice && $CA -q crl";
    let out = run(Command::new("sh")
        .args(["-c", script])
        .env("CA", ca())
        .env("PADLOCK_CERTS", "certs")
        .env_remove("CAROOT")
        .current_dir(lab.path("")));
    assert!(out.status.success(), "{}", text(&out.stderr));
    let mode = |name: &str| fs::metadata(lab.path(name)).unwrap().permissions().mode() & 0o777;
    for key in [
        "certs/ca/root/root.key",
        "certs/ca/intermediate/intermediate.key",
        "certs/private/localhost.key",
        "certs/users/alice/alice.key",
        "certs/ca/intermediate/index.txt",
    ] {
        assert_eq!(mode(key), 0o600, "{key}");
    }
    for directory in ["certs/ca/root", "certs/ca/intermediate", "certs/private", "certs/users/alice"] {
        assert_eq!(mode(directory), 0o700, "{directory}");
    }
    for public in ["certs/ca/root.crt", "certs/server/localhost.fullchain.pem", "certs/crl/intermediate.crl"] {
        assert_eq!(mode(public), 0o644, "{public}");
    }
}

fn a_stuck_holder_of_the_lock_is_named() {
    let lab = Lab::founded();
    let mut holder =
        Command::new("flock").args(["certs/ca/.lock", "sleep", &PATIENCE.as_secs().to_string()]).current_dir(lab.path("")).spawn().unwrap();
    // Until the holder has it, signing succeeds.
    while run(Command::new("flock").args(["-n", "certs/ca/.lock", "true"]).current_dir(lab.path(""))).status.success() {}
    let said = lab.refused(1, &["sign", "user", "alice"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(said.contains("another process") && said.contains("fuser"), "{said}");
}
