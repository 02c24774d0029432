//! Long chains, from a leaf to a root far away.

use super::{
    cases,
    common::{Server, any_ports, certs, good, program, run, scratch, text},
    talk::{client, piped},
};
use padlock::{
    certificate::{load_chain, parse, summary},
    error::exit,
};
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

cases! {
    ["openssl"] openssl_follows_the_chain_strictly,
    [] a_chain_counts_down_to_its_leaf_and_no_two_serials_are_alike,
    [] the_authorities_keys_are_not_kept_and_the_others_are_private,
    [] a_chain_is_never_made_over_another,
    [] the_root_alone_is_enough_to_believe_both_sides,
    [] a_missing_intermediate_is_refused_by_the_client_with_the_reason,
    [] a_reversed_file_is_refused_before_the_server_starts,
    [] a_gap_in_the_file_is_refused_before_the_server_starts,
    [] more_authorities_than_a_client_follows_are_refused_with_the_reason,
}

struct Long {
    folder: TempDir,
}

impl Long {
    fn new(levels: &str) -> Long {
        let long = Long { folder: scratch() };
        good(&mut long.ca(levels));
        long
    }

    fn ca(&self, levels: &str) -> Command {
        let mut command = program("ca", certs());
        command.args(["chain", "--levels", levels, "--out"]).arg(self.path("chain"));
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.path("chain").join(name).to_str().unwrap().to_owned()
    }

    /// Its PEM blocks, leaf first.
    fn blocks(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("chain.pem")).unwrap();
        text.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned).collect()
    }

    fn write(&self, name: &str, blocks: &[String]) -> String {
        fs::write(self.path(name), blocks.concat()).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A server that shows this file.
    fn server(&self, chain: &str) -> Server {
        let (key, cacert) = (self.file("leaf.key"), self.file("root.crt"));
        Server::start_with(certs(), |command| command.args(["--cert", chain, "--key", &key, "--cacert", &cacert]))
    }

    /// A server that does not start with this file.
    fn refused(&self, chain: &str) -> String {
        let out = run(program("server", certs()).args(any_ports()).args(["--cert", chain, "--key", &self.file("leaf.key")]));
        assert_eq!(out.status.code(), Some(i32::from(exit::OWN_CERTIFICATE)), "{}", text(&out.stderr));
        text(&out.stderr)
    }

    fn fetch(&self, server: &Server) -> Output {
        run(&mut client(&[&format!("https://localhost:{}/healthz", server.port("web")), "--cacert", &self.file("root.crt")]))
    }
}

fn openssl_follows_the_chain_strictly() {
    let long = Long::new("4");
    for (file, purpose) in [("chain.pem", "sslserver"), ("client.pem", "sslclient")] {
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-show_chain", "-purpose", purpose, "-CAfile", &long.file("root.crt")]);
        let out = good(command.args(["-untrusted", &long.file(file), &long.file(file)]));
        assert!(out.contains(": OK") && out.contains("depth=5"), "{out}");
    }
}

fn a_chain_counts_down_to_its_leaf_and_no_two_serials_are_alike() {
    let long = Long::new("4");
    let root = load_chain(Path::new(&long.file("root.crt"))).unwrap();
    let mut all = load_chain(Path::new(&long.file("chain.pem"))).unwrap();
    assert_eq!(all.len(), 5, "a leaf and four authorities: the root is not sent");
    all.extend(root);
    all.push(load_chain(Path::new(&long.file("client.pem"))).unwrap().swap_remove(0));
    let allowed: Vec<_> = all
        .iter()
        .map(|der| parse(der).unwrap().basic_constraints().unwrap().and_then(|constraints| constraints.value.path_len_constraint))
        .collect();
    assert_eq!(allowed, [None, Some(0), Some(1), Some(2), Some(3), Some(4), None]);
    let constrained = |der| parse(der).unwrap().name_constraints().unwrap().is_some_and(|constraints| constraints.critical);
    assert!(all[1..6].iter().all(constrained), "each authority is bound to the lab's names");
    let serials: HashSet<_> = all.iter().map(|der| summary(der).unwrap().serial).collect();
    assert_eq!(serials.len(), all.len());
}

fn the_authorities_keys_are_not_kept_and_the_others_are_private() {
    let long = Long::new("4");
    let mut names: Vec<_> =
        fs::read_dir(long.path("chain")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["chain.pem", "client.key", "client.pem", "leaf.key", "root.crt"]);
    for key in ["leaf.key", "client.key"] {
        assert_eq!(fs::metadata(long.file(key)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

fn a_chain_is_never_made_over_another() {
    let long = Long::new("2");
    let before = fs::read(long.file("chain.pem")).unwrap();
    let out = run(&mut long.ca("2"));
    assert!(!out.status.success() && text(&out.stderr).contains("is not replaced"), "{}", text(&out.stderr));
    assert_eq!(fs::read(long.file("chain.pem")).unwrap(), before);
}

fn the_root_alone_is_enough_to_believe_both_sides() {
    let long = Long::new("4");
    let server = long.server(&long.file("chain.pem"));
    let url = format!("tls://localhost:{}", server.port("hello"));
    let (root, cert, key) = (long.file("root.crt"), long.file("client.pem"), long.file("client.key"));
    let out = piped(&[&url, "--quiet", "--cacert", &root, "--cert", &cert, "--key", &key], "far\n");
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).ends_with("hello client\nfar\n"), "{}", text(&out.stdout));
    assert!(long.fetch(&server).status.success());
}

fn a_missing_intermediate_is_refused_by_the_client_with_the_reason() {
    let long = Long::new("4");
    for sent in 1..5 {
        let server = long.server(&long.write("short.pem", &long.blocks()[..sent]));
        let out = long.fetch(&server);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(60), "{said}");
        let missing = format!("CN=Chain Level {} ", 5 - sent);
        assert!(said.contains(&missing) && said.contains("left out an intermediate"), "{said}");
    }
}

fn a_reversed_file_is_refused_before_the_server_starts() {
    let long = Long::new("4");
    let reversed: Vec<_> = long.blocks().into_iter().rev().collect();
    let said = long.refused(&long.write("reversed.pem", &reversed));
    assert!(said.contains("out of order: the key belongs to certificate 5 of 5, and the leaf must come first"), "{said}");
}

fn a_gap_in_the_file_is_refused_before_the_server_starts() {
    let long = Long::new("4");
    let mut blocks = long.blocks();
    blocks.remove(2);
    let said = long.refused(&long.write("gap.pem", &blocks));
    assert!(said.contains("certificate 2 was signed by") && said.contains("but then comes"), "{said}");
}

fn more_authorities_than_a_client_follows_are_refused_with_the_reason() {
    let long = Long::new("6");
    assert!(long.fetch(&long.server(&long.file("chain.pem"))).status.success());
    let longer = Long::new("7");
    let out = longer.fetch(&longer.server(&longer.file("chain.pem")));
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(60), "{said}");
    assert!(said.contains("more authorities than"), "{said}");
}
