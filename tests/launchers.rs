//! `./server`, `./client`, `./ca`: a checkout in which they are pasted, linked to, read-only, or broken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/cases.rs"]
mod cases;
mod common;

use common::{checkout, good, run, scratch, text};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};
use tempfile::TempDir;

/// A checkout with the launchers, a `cargo` that says what it was asked for, and stand-ins for the programs.
fn fake_checkout() -> TempDir {
    let folder = scratch();
    let home = folder.path().join("a checkout");
    fs::create_dir_all(home.join("src/bin")).unwrap();
    for name in ["server", "client", "ca", "src/bin/launch.sh"] {
        fs::copy(checkout().join(name), home.join(name)).unwrap();
    }
    fs::write(home.join("Cargo.toml"), "").unwrap();
    let build = "echo \"cargo $*\" >&2; [ ! -e broken ] || exit 101
        mkdir -p target/release; for n in server client ca; do cp stand-in target/release/$n; done\n";
    script(&folder.path().join("path/cargo"), build);
    fs::create_dir(folder.path().join("tools")).unwrap(); // the machine's own cargo must not be found
    for tool in ["basename", "cp", "dirname", "find", "mkdir", "readlink", "sh"] {
        symlink(cases::tool(tool).unwrap(), folder.path().join("tools").join(tool)).unwrap();
    }
    script(&home.join("stand-in"), "printf '%s|' \"$(basename \"$0\")\" \"$PADLOCK_CERTS\" \"$@\"\n");
    folder
}

fn script(file: &Path, body: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("#!/bin/sh\n{body}")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn launch(folder: &TempDir, what: &Path) -> Command {
    let mut command = Command::new(what);
    let path = format!("{0}/path:{0}/tools", folder.path().display());
    command.env("PATH", path).current_dir(std::env::temp_dir());
    for variable in ["PADLOCK_BIN", "PADLOCK_CERTS", "CARGO_TARGET_DIR"] {
        command.env_remove(variable);
    }
    command
}

#[test]
fn a_launcher_builds_as_make_does_and_hands_over_its_arguments_untouched() {
    let folder = fake_checkout();
    let home = folder.path().join("a checkout");
    let out = run(launch(&folder, &home.join("client")).args(["wss://localhost/a b", "", "*"]));
    assert_eq!(text(&out.stdout), format!("client|{}/certs|wss://localhost/a b||*|", home.display()));
    let said = text(&out.stderr);
    let (first, cargo) = said.split_once('\n').unwrap();
    assert_eq!((first, cargo), ("client: is built first; that takes a few minutes, once", "cargo build --release --locked\n"));
    let mut make = Command::new("make");
    make.args(["--dry-run", "build"]).current_dir(checkout());
    for variable in ["CARGO", "MAKEFLAGS", "MAKELEVEL", "PADLOCK_BIN"] {
        make.env_remove(variable);
    }
    assert_eq!(good(&mut make), cargo, "make must build what the launchers build");
}

#[test]
fn a_launcher_works_through_a_link_from_any_folder() {
    let folder = fake_checkout();
    let link = folder.path().join("path/padlock-client");
    symlink("../a checkout/client", &link).unwrap();
    assert!(good(&mut launch(&folder, &link)).starts_with("client|"));
    assert!(good(launch(&folder, "padlock-client".as_ref()).current_dir("/")).starts_with("client|"));
}

#[test]
fn a_launcher_ends_when_the_build_fails() {
    let folder = fake_checkout();
    let home = folder.path().join("a checkout");
    good(&mut launch(&folder, &home.join("server")));
    fs::write(home.join("broken"), "").unwrap();
    let out = run(&mut launch(&folder, &home.join("server")));
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(101), String::new()), "an old program must not run in place of a broken one");
}

#[test]
fn a_launcher_keeps_cargo_quiet_only_when_nothing_has_changed() {
    let folder = fake_checkout();
    let home = folder.path().join("a checkout");
    good(&mut launch(&folder, &home.join("server")));
    let quiet = "cargo build --release --locked --quiet\n";
    assert_eq!(text(&run(&mut launch(&folder, &home.join("server"))).stderr), quiet);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    fs::File::create(home.join("src/lib.rs")).unwrap().set_modified(later).unwrap();
    assert_ne!(text(&run(&mut launch(&folder, &home.join("server"))).stderr), quiet);
}

#[test]
fn a_launcher_runs_what_is_built_where_nothing_can_be_built() {
    let folder = fake_checkout();
    let home = folder.path().join("a checkout");
    let without_cargo = |command: &mut Command| run(command.env("PATH", folder.path().join("tools")));
    let out = without_cargo(&mut launch(&folder, &home.join("ca")));
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("rustup.rs"), "{out:?}");
    good(&mut launch(&folder, &home.join("ca")));
    assert!(without_cargo(&mut launch(&folder, &home.join("ca"))).status.success());
}

#[test]
fn padlock_bin_and_padlock_certs_name_other_places() {
    let folder = fake_checkout();
    let home = folder.path().join("a checkout");
    script(&folder.path().join("other/server"), "echo other $PADLOCK_CERTS\n");
    let mut command = launch(&folder, &home.join("server"));
    command.env("PADLOCK_BIN", folder.path().join("other")).env("PADLOCK_CERTS", "/elsewhere");
    let out = run(&mut command);
    assert_eq!((text(&out.stdout), text(&out.stderr)), ("other /elsewhere\n".into(), String::new()));
}
