//! The man in the middle, against other people's clients too: as it was recorded, so it is.

use super::{
    cases,
    common::{bin, checkout, good, own_certs},
};
use std::{fs, process::Command};

cases! {
    ["openssl", "curl", "node"] who_notices_a_man_in_the_middle_is_as_recorded,
}

/// Way, client, verdict: the words change with the versions.
fn verdicts(table: &str) -> Vec<String> {
    table.lines().map(|line| line.split(" | ").take(3).collect::<Vec<_>>().join(" | ")).collect()
}

fn who_notices_a_man_in_the_middle_is_as_recorded() {
    let (_folder, certs) = own_certs();
    let mut script = Command::new(checkout().join("tests/mitm.sh"));
    let found = good(script.arg("--quick").env("PADLOCK_BIN", bin()).env("PADLOCK_CERTS", certs).env_remove("SSLKEYLOGFILE"));
    let recorded = verdicts(&fs::read_to_string(checkout().join("tests/mitm.txt")).unwrap());
    let found = verdicts(&found);
    assert_eq!(found.len(), 1 + 4 * 4, "{found:?}");
    let other: Vec<&String> = found.iter().filter(|line| !recorded.contains(line)).collect();
    assert!(other.is_empty(), "not as in tests/mitm.txt: {other:?}");
}
