//! People ask the authority for certificates: over HTTPS, with a name that they have proved.

use super::{
    cases,
    common::{Server, good, own_certs, program, run, scratch, text},
    peer::eventually,
};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
};
use tempfile::TempDir;

cases! {
    ["openssl"] a_person_enrols_once_and_anew_after_a_revocation,
    ["curl", "openssl"] what_is_no_honest_request_is_refused,
    ["curl", "openssl"] chain_list_and_certificates_are_for_everybody,
    [] of_many_who_ask_for_a_name_at_once_one_gets_it,
    [] who_never_received_the_certificate_gets_it_by_enrolling_again,
    ["curl"] who_asks_again_and_again_does_not_fill_the_diary,
    [] without_an_authority_nothing_is_half_written,
    [] the_authority_asks_no_auth_service_whose_certificate_it_has_taken_back,
}

/// An auth service, and `./ca serve` that believes it.
struct House {
    certs: PathBuf,
    _folder: TempDir,
    auth: Server,
    authority: Child,
    port: u16,
}

impl House {
    fn open() -> House {
        let (folder, certs) = own_certs();
        let auth = Server::start_with(&certs, |command| command.arg("auth"));
        let there = format!("https://localhost:{}", auth.port("auth"));
        let mut command = program("ca", &certs);
        let mut authority =
            command.args(["serve", "--port", "0", "--auth", &there]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(authority.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split_whitespace().next().and_then(|url| url.rsplit(':').next()).and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{line:?}"));
        House { certs, _folder: folder, auth, authority, port }
    }

    fn auth(&self) -> String {
        format!("https://localhost:{}", self.auth.port("auth"))
    }

    fn curl(&self, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.arg("-s").arg("--cacert").arg(self.certs.join("ca/root.crt")).arg(format!("https://localhost:{}{path}", self.port));
        command
    }

    fn register(&self, name: &str) {
        let out = piped(program("client", &self.certs).args(["register", name, "--password-stdin", "--auth", &self.auth()]));
        assert!(out.status.success(), "{}", text(&out.stderr));
    }

    /// `./client enrol`, with keys in `certs`.
    fn enrol(&self, certs: &Path, name: &str, organisation: &str) -> Output {
        let there = format!("https://localhost:{}", self.port);
        let root = self.certs.join("ca/root.crt");
        piped(program("client", certs).args(["enrol", name, "--password-stdin", "--country", "DE", "--organisation", organisation]).args([
            "--auth",
            &self.auth(),
            "--authority",
            &there,
            "--cacert",
            root.to_str().unwrap(),
        ]))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.authority.kill();
        let _ = self.authority.wait();
    }
}

/// With the password on standard input.
fn piped(command: &mut Command) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "correct horse battery").unwrap();
    child.wait_with_output().unwrap()
}

fn a_person_enrols_once_and_anew_after_a_revocation() {
    let house = House::open();
    house.register("alice");
    let out = house.enrol(&house.certs, "alice", "Padlock");
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("openssl req -new -key"));
    let chain = house.certs.join("users/alice/fullchain.pem");
    let first = fs::read(&chain).unwrap();
    let shown = good(
        Command::new("openssl")
            .args(["x509", "-noout", "-subject", "-ext", "subjectAltName,extendedKeyUsage,basicConstraints", "-in"])
            .arg(&chain),
    );
    for part in [
        "C = DE, O = Padlock, CN = alice",
        "DNS:alice.users.test",
        "CA:FALSE",
        "TLS Web Client Authentication, TLS Web Server Authentication",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    // Now the certificate itself proves the name; it is too early to renew it.
    let again = house.enrol(&house.certs, "alice", "Padlock");
    assert_eq!(again.status.code(), Some(22));
    assert!(text(&again.stderr).contains("Certificate already exists and is not expired."), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("not after: 20"), "{}", text(&again.stdout));
    let other = house.enrol(&house.certs, "alice", "Elsewhere");
    assert!(text(&other.stderr).contains("Try sending CSR with a valid Username."), "{}", text(&other.stderr));
    assert_eq!(fs::read(&chain).unwrap(), first);
    good(program("ca", &house.certs).args(["-q", "revoke", "alice"]));
    fs::remove_file(&chain).unwrap();
    let anew = house.enrol(&house.certs, "alice", "Padlock");
    assert!(anew.status.success(), "{}", text(&anew.stderr));
    assert_ne!(fs::read(&chain).unwrap(), first);
    let diary = fs::read_to_string(house.certs.join("ca/requests.log")).unwrap();
    assert_eq!(diary.lines().count(), 4, "{diary}");
    assert_eq!(diary.matches(" alice issued ").count(), 2, "{diary}");
    assert!(!diary.contains("PRIVATE") && !diary.contains("correct horse"));
}

/// Requests as nobody should make them, and one that is good, as files in `folder`.
fn write_requests(folder: &Path, house: &House) {
    let file = |name: &str| folder.join(name).display().to_string();
    let openssl = |args: &[&str]| good(Command::new("openssl").args(args));
    openssl(&["genrsa", "-out", &file("weak.key"), "1024"]);
    openssl(&["genrsa", "-out", &file("rsa.key"), "2048"]);
    let request = |out: &str, key: &str, subject: &str, more: &[&str]| {
        openssl(&[&["req", "-new", "-key", &file(key), "-subj", subject, "-out", &file(out)], more].concat());
    };
    let many = format!("subjectAltName={}", (0..500).map(|n| format!("DNS:a{n}.test")).collect::<Vec<_>>().join(","));
    request("weak.csr", "weak.key", "/CN=guest", &[]);
    request("sha1.csr", "rsa.key", "/CN=guest", &["-sha1"]);
    request("bob.csr", "rsa.key", "/CN=bob", &[]);
    request("nobody.csr", "rsa.key", "/", &[]);
    request("many.csr", "rsa.key", "/CN=guest", &["-addext", &many]);
    request("good.csr", "rsa.key", "/CN=guest", &[]);
    let good_one = fs::read_to_string(file("good.csr")).unwrap();
    fs::write(file("two.csr"), good_one.repeat(2)).unwrap();
    fs::write(file("broken.csr"), flipped(&good_one)).unwrap();
    fs::write(file("none.csr"), "hello").unwrap();
    fs::write(file("large.csr"), "x".repeat(100_000)).unwrap();
    fs::copy(house.certs.join("users/guest/fullchain.pem"), file("certificate.csr")).unwrap();
}

fn what_is_no_honest_request_is_refused() {
    let (house, folder) = (House::open(), scratch());
    write_requests(folder.path(), &house);
    let ask = |csr: &str, proved: bool| {
        let guest = |what: &str| house.certs.join("users/guest").join(what).display().to_string();
        let mut command = house.curl("/certificates");
        command.args(["-w", "%{http_code}", "--data-binary", &format!("@{}", folder.path().join(csr).display())]);
        if proved {
            command.args(["--cert", &guest("fullchain.pem"), "--key", &guest("guest.key")]);
        }
        good(&mut command)
    };
    let table = [
        ("good.csr", "409"),
        ("weak.csr", "400"),
        ("sha1.csr", "400"),
        ("bob.csr", "403"),
        ("nobody.csr", "403"),
        ("many.csr", "409"),
        ("two.csr", "400"),
        ("broken.csr", "400"),
        ("none.csr", "400"),
        ("certificate.csr", "400"),
        ("large.csr", "413"),
    ];
    let before = good(program("ca", &house.certs).args(["-q", "list"]));
    for (csr, status) in table {
        let answer = ask(csr, true);
        assert!(answer.ends_with(status), "{csr}: {answer}");
    }
    assert!(ask("good.csr", false).ends_with("401"));
    assert_eq!(good(program("ca", &house.certs).args(["-q", "list"])), before, "nothing was signed");
}

fn chain_list_and_certificates_are_for_everybody() {
    let house = House::open();
    let fetch = |path: &str| run(house.curl(path).arg("-f")).stdout;
    assert_eq!(text(&fetch("/chain")).matches("BEGIN CERTIFICATE").count(), 2);
    assert!(text(&fetch("/certificates/guest")).contains("BEGIN CERTIFICATE"));
    assert!(fetch("/certificates/nobody").is_empty() && fetch("/certificates/..%2f..").is_empty());
    let list = house.certs.join("list.der");
    fs::write(&list, fetch("/crl")).unwrap();
    let issuer = good(Command::new("openssl").args(["crl", "-inform", "DER", "-noout", "-issuer", "-in"]).arg(&list));
    assert!(issuer.contains("Padlock Intermediate"), "{issuer}");
}

/// The same with a bit of the signature turned.
fn flipped(pem: &str) -> String {
    let end = pem.find("\n-----END").unwrap();
    let at = end - 8;
    let other = if pem.as_bytes()[at] == b'A' { 'B' } else { 'A' };
    format!("{}{other}{}", &pem[..at], &pem[at + 1..])
}

fn of_many_who_ask_for_a_name_at_once_one_gets_it() {
    const CLIENTS: usize = 6;
    let house = House::open();
    house.register("bob");
    let outs: Vec<Output> = thread::scope(|scope| {
        let ask = || {
            let own = scratch();
            fs::create_dir_all(own.path().join("ca")).unwrap();
            house.enrol(own.path(), "bob", "Padlock")
        };
        let all: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let got = outs.iter().filter(|out| out.status.success()).count();
    let told = outs.iter().map(|out| text(&out.stderr)).collect::<Vec<_>>().join("\n");
    assert_eq!(got, 1, "{told}");
    assert_eq!(told.matches("Certificate already exists").count(), CLIENTS - 1, "{told}");
}

fn without_an_authority_nothing_is_half_written() {
    let mut house = House::open();
    house.register("carol");
    house.authority.kill().unwrap();
    house.authority.wait().unwrap();
    let out = house.enrol(&house.certs, "carol", "Padlock");
    assert_eq!(out.status.code(), Some(7), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("./ca serve"), "{}", text(&out.stderr));
    let left: Vec<_> = fs::read_dir(house.certs.join("users/carol")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "carol.key" || name == "carol.csr"), "{left:?}");
}

fn who_never_received_the_certificate_gets_it_by_enrolling_again() {
    let house = House::open();
    house.register("dave");
    assert!(house.enrol(&house.certs, "dave", "Padlock").status.success());
    let (chain, key) = (house.certs.join("users/dave/fullchain.pem"), house.certs.join("users/dave/dave.key"));
    let signed = fs::read(&chain).unwrap();
    // As a kill leaves it between the signing and the receiving.
    fs::remove_file(&chain).unwrap();
    let again = house.enrol(&house.certs, "dave", "Padlock");
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(text(&fs::read(&chain).unwrap()), text(&signed), "nothing new was signed");
    fs::remove_file(&chain).unwrap();
    fs::remove_file(&key).unwrap();
    let with_another_key = house.enrol(&house.certs, "dave", "Padlock");
    assert_eq!(with_another_key.status.code(), Some(22), "{}", text(&with_another_key.stderr));
    let diary = fs::read_to_string(house.certs.join("ca/requests.log")).unwrap();
    assert_eq!((diary.matches(" issued ").count(), diary.matches(" given again: ").count()), (1, 1), "{diary}");
}

fn who_asks_again_and_again_does_not_fill_the_diary() {
    let house = House::open();
    let told = good(house.curl("/certificates?[1-150]").args(["-d", "", "-o", "/dev/null", "-w", "%{http_code} "]));
    assert_eq!(told, "401 ".repeat(150));
    house.register("erin");
    assert!(house.enrol(&house.certs, "erin", "Padlock").status.success());
    fs::remove_file(house.certs.join("users/erin/fullchain.pem")).unwrap();
    assert!(house.enrol(&house.certs, "erin", "Padlock").status.success(), "she gets it again, as often as she likes");
    let diary = fs::read_to_string(house.certs.join("ca/requests.log")).unwrap();
    assert_eq!(diary.matches(" refused: ").count(), 100, "{diary}");
    assert_eq!(diary.lines().count(), 102, "{diary}");
    assert!(diary.lines().last().is_some_and(|line| line.contains(" erin issued ")), "{diary}");
}

fn the_authority_asks_no_auth_service_whose_certificate_it_has_taken_back() {
    let house = House::open();
    house.register("alice");
    house.register("bob");
    let first = house.enrol(&house.certs, "alice", "Padlock");
    assert!(first.status.success(), "{}", text(&first.stderr));
    good(program("ca", &house.certs).args(["-q", "revoke"]).arg(house.certs.join("services/auth/fullchain.pem")));
    // The authority learns of its own list from the kernel, a moment later. Until then it believes what it believed.
    eventually("nobody is enrolled", || {
        let _ = fs::remove_dir_all(house.certs.join("users/bob"));
        let out = house.enrol(&house.certs, "bob", "Padlock");
        text(&out.stderr).contains("taken back")
    });
}
