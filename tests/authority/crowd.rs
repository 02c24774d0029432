//! Many at once, and killed in the middle: serials are unique, and the ledger is whole.

use crate::cases;
use crate::common::{run, text};
use crate::lab::Lab;
use std::collections::HashSet;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

cases! {
    [] of_many_founders_one_founds,
    [] many_signers_at_once_lose_nothing,
    ["openssl"] killed_in_the_middle_the_ledger_is_whole,
    [] a_founder_killed_in_the_middle_is_finished_by_the_next,
}

fn start(lab: &Lab, args: &[&str]) -> Child {
    lab.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn of_many_founders_one_founds() {
    let lab = Lab::empty();
    let founders: Vec<Child> = (0..6).map(|_| start(&lab, &["found"])).collect();
    let mut founded = 0;
    for founder in founders {
        let out = founder.wait_with_output().unwrap();
        if out.status.success() {
            founded += 1;
        } else {
            assert!(text(&out.stderr).contains("there is an authority already"), "{}", text(&out.stderr));
        }
    }
    assert_eq!(founded, 1);
    lab.ca(&["sign", "server", "localhost"]);
}

fn many_signers_at_once_lose_nothing() {
    let lab = Lab::founded();
    let signers: Vec<Child> = (0..24).map(|n| start(&lab, &["sign", "user", &format!("user-{n}")])).collect();
    for signer in signers {
        let out = signer.wait_with_output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
    }
    let ledger = lab.ledger();
    let serials: HashSet<&str> = ledger.iter().map(|entry| entry.serial.as_str()).collect();
    let subjects: HashSet<&str> = ledger.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!((ledger.len(), serials.len(), subjects.len()), (24, 24, 24));
}

fn killed_in_the_middle_the_ledger_is_whole() {
    let lab = Lab::founded();
    let begun = Instant::now();
    lab.ca(&["sign", "user", "whole"]);
    // The moment of the kill wanders over the whole of a signing, in steps too small to miss what lies between two writes.
    let step = begun.elapsed() / 80;
    for moment in 0..100 {
        let mut signer = start(&lab, &["sign", "user", &format!("user-{moment}")]);
        sleep(step * moment);
        signer.kill().unwrap();
        signer.wait().unwrap();
        let known: HashSet<String> = lab.ledger().into_iter().map(|entry| entry.serial).collect();
        for issued in std::fs::read_dir(lab.path("certs/ca/intermediate/issued")).unwrap() {
            let name = issued.unwrap().file_name().into_string().unwrap();
            let known = name.starts_with('.') || known.contains(name.trim_end_matches(".pem"));
            assert!(known, "{name} has left without a line in the ledger");
        }
    }
    lab.openssl("ca -config certs/ca/intermediate/openssl.cnf -gencrl -out their.crl");
    lab.ca(&["sign", "user", "last"]);
    let left = std::fs::read_dir(lab.path("certs/ca/intermediate"))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with(".new-"))
        .count();
    assert_eq!(left, 0, "what killed signers left behind is swept away");
    lab.ca(&["revoke", "last"]);
}

fn a_founder_killed_in_the_middle_is_finished_by_the_next() {
    for moment in 0..20 {
        let lab = Lab::empty();
        let mut founder = start(&lab, &["found"]);
        sleep(Duration::from_micros(moment * 700));
        founder.kill().unwrap();
        founder.wait().unwrap();
        let out = run(&mut lab.command(&["found"]));
        assert!(out.status.success() || text(&out.stderr).contains("there is an authority already"), "{}", text(&out.stderr));
        lab.ca(&["sign", "server", "localhost"]);
        lab.ca(&["verify", "--cacert", "certs/ca/root.crt", "--name", "localhost", "certs/server/localhost.fullchain.pem"]);
    }
}
