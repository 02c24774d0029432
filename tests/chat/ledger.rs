//! The ledger of `./ca serve`, whatever happens to the process and the disk.

use super::{
    auth::Auth,
    cases,
    common::{PATIENCE, bin, good, program, run, text},
    person::Lab,
};
use padlock::{
    authority::{self, Enrolled, Ledger, Places, Proof, Status},
    certificate::summary,
    key::{Key, Kind},
    request::{self, Request, Subject},
    tls::{self, Settings},
    trust::Trust,
};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use time::OffsetDateTime;

cases! {
    ["openssl"] killed_at_any_moment_it_leaves_a_ledger_that_openssl_reads,
    ["root", "unshare", "mount"] a_full_disk_signs_nothing_and_loses_nothing,
    [] an_old_certificate_renews_itself_and_one_that_was_taken_back_does_not,
}

/// `./ca serve`, which believes a stand-in for the auth service.
struct Desk {
    certs: PathBuf,
    auth: Arc<Auth>,
    child: Child,
    port: u16,
}

impl Desk {
    fn open(lab: &Lab, auth: &Arc<Auth>) -> Desk {
        let mut command = program("ca", &lab.certs);
        command.args(["serve", "--port", "0", "--auth", &format!("https://localhost:{}", auth.port)]);
        Desk::start(lab, auth, &mut command)
    }

    fn start(lab: &Lab, auth: &Arc<Auth>, command: &mut Command) -> Desk {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split_whitespace().next().and_then(|url| url.rsplit(':').next()).and_then(|port| port.parse().ok());
        Desk { certs: lab.certs.clone(), auth: auth.clone(), child, port: port.unwrap_or_else(|| panic!("{line:?}")) }
    }

    /// Asks for `name`, with a ticket and a key of its own. Gives status and answer; fails when the authority is gone.
    fn ask(&self, name: &str) -> io::Result<(u16, String)> {
        let config = tls::client(None, &Trust::lab(&Places::new(&self.certs)).unwrap(), Default::default(), &Settings::default());
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut tls = tls::connect(socket, ServerName::try_from("localhost").unwrap(), &config.unwrap())
            .map_err(|(failure, _)| io::Error::from(failure))?;
        let (ticket, request) = (self.auth.ticket(name, Ipv4Addr::LOCALHOST), asks(&Key::generate(Kind::P256).unwrap(), name));
        let head = format!("POST /certificates HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {ticket}");
        write!(tls, "{head}\r\nContent-Length: {}\r\n\r\n{request}", request.len())?;
        let mut answer = String::new();
        tls.read_to_string(&mut answer)?;
        let status = answer.get(9..12).and_then(|status| status.parse().ok());
        status.map(|status| (status, answer)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// As [`Desk::ask`], where only the end of the process may prevent success. Gives the serial.
    fn enrol(&self, name: &str) -> Option<String> {
        let (status, answer) = self.ask(name).ok()?;
        assert_eq!(status, 201, "{answer}");
        let leaf = CertificateDer::from_pem_slice(answer.as_bytes()).ok()?;
        Some(summary(&leaf).unwrap().serial)
    }

    fn kill(&self) {
        good(Command::new("kill").args(["-s", "KILL", &self.child.id().to_string()]));
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn asks(key: &Key, name: &str) -> String {
    request::make(key, &Subject { common_name: name, country: Some("DE"), organisation: Some("Padlock") }, &[]).unwrap()
}

fn ledger(certs: &Path) -> Ledger {
    Ledger::load(&certs.join("ca/intermediate")).unwrap()
}

fn killed_at_any_moment_it_leaves_a_ledger_that_openssl_reads() {
    const ROUNDS: usize = 8;
    const CLIENTS: usize = 3;
    let lab = Lab::of(&[]);
    let auth = Auth::start(&Places::new(&lab.certs));
    let (mut got, mut revoked) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let desk = Desk::open(&lab, &auth);
        let (tells, told) = mpsc::channel();
        let enrols = |client: usize, tells: mpsc::Sender<String>| {
            let names = (0..).map(|n| format!("p{round}-{client}-{n}"));
            names.map_while(|name| desk.enrol(&name)).for_each(|serial| tells.send(serial).unwrap());
        };
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (enrols, tells) = (&enrols, tells.clone());
                scope.spawn(move || enrols(client, tells));
            }
            let first = told.recv_timeout(PATIENCE).unwrap();
            revoked.push(first.clone());
            let revokes = scope.spawn({
                let (lab, first) = (&lab, first.clone());
                move || lab.ca(&["revoke", &first])
            });
            // Any moment will do, as long as it is another one each time.
            let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_micros() % 40_000;
            thread::sleep(Duration::from_micros(moment.into()));
            desk.kill();
            revokes.join().unwrap();
            got.push(first);
        });
        drop(tells);
        got.extend(told);
        check_ledger(&lab, &got, &revoked);
    }
}

/// Nothing that anybody has is missing, no serial is there twice, and OpenSSL goes on with it.
fn check_ledger(lab: &Lab, got: &[String], revoked: &[String]) {
    let ours = ledger(&lab.certs);
    let serials: BTreeSet<_> = ours.entries.iter().map(|entry| &entry.serial).collect();
    assert_eq!(serials.len(), ours.entries.len(), "a serial was used twice");
    assert!(got.iter().all(|serial| serials.contains(serial)), "somebody has a certificate that is not in the ledger");
    let taken_back: BTreeSet<_> = ours.revoked().map(|(entry, _, _)| &entry.serial).collect();
    assert!(revoked.iter().all(|serial| taken_back.contains(serial)), "a revocation is lost");
    let openssl = |more: &[&str]| {
        let config = lab.certs.join("ca/intermediate/openssl.cnf");
        good(Command::new("openssl").args(["ca", "-config"]).arg(config).args(more));
    };
    openssl(&["-updatedb"]);
    openssl(&["-gencrl", "-out", lab.certs.join("theirs.crl").to_str().unwrap()]);
    let theirs = good(Command::new("openssl").args(["crl", "-noout", "-text", "-in"]).arg(lab.certs.join("theirs.crl")));
    assert!(revoked.iter().all(|serial| theirs.contains(serial)), "{theirs}");
}

fn a_full_disk_signs_nothing_and_loses_nothing() {
    let lab = Lab::of(&[]);
    let auth = Auth::start(&Places::new(&lab.certs));
    // A disk of 1 MiB that only this process sees; from outside it is below /proc/PID/root.
    let script = format!(
        "set -e
        mkdir small && mount -t tmpfs -o size=1m none small && cp -a certs small/ && cd small
        exec $CA serve --port 0 --auth https://localhost:{}",
        auth.port
    );
    let folder = lab.certs.parent().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).env("CA", bin().join("ca")).env("PADLOCK_CERTS", "certs").current_dir(folder);
    let mut desk = Desk::start(&lab, &auth, &mut command);
    let disk = PathBuf::from(format!("/proc/{}/root{}/small", desk.child.id(), folder.canonicalize().unwrap().display()));
    assert!(desk.enrol("first").is_some());
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[0; 512]).is_ok() {}
    let before = ledger(&disk.join("certs"));
    let (status, answer) = desk.ask("second").unwrap();
    assert_eq!(status, 500, "{answer}");
    assert!(answer.contains("the authority can't sign at the moment") && !answer.contains("CERTIFICATE"), "{answer}");
    assert_eq!(ledger(&disk.join("certs")), before);
    fs::remove_file(disk.join("filler")).unwrap();
    drop(filler);
    assert!(desk.enrol("second").is_some(), "it goes on when there is room again");
    desk.kill();
    let mut log = String::new();
    desk.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("no room is left on the disk") && log.contains("df -h"), "{log}");
}

/// Somebody whose certificate was signed so many days ago. They last 90.
fn enrolled(lab: &Lab, name: &str, days_ago: i64) -> String {
    let places = Places::new(&lab.certs);
    let (chain, key_file) = places.user(name);
    fs::create_dir_all(chain.parent().unwrap()).unwrap();
    let key = Key::generate(Kind::P256).unwrap();
    key.save(&key_file).unwrap();
    let request: Request = request::only(asks(&key, name).as_bytes()).unwrap();
    let then = OffsetDateTime::now_utc() - time::Duration::days(days_ago);
    match authority::enrol(&places, name, &request, &Proof::Account, then).unwrap() {
        Enrolled::Issued { chain: pem, leaf, .. } => {
            fs::write(chain, pem).unwrap();
            leaf.serial
        }
        other => panic!("{other:?}"),
    }
}

fn an_old_certificate_renews_itself_and_one_that_was_taken_back_does_not() {
    let lab = Lab::of(&[]);
    let desk = Desk::open(&lab, &Auth::start(&Places::new(&lab.certs)));
    let old = ["alice", "bob", "carol"].map(|name| enrolled(&lab, name, if name == "carol" { 50 } else { 80 }));
    lab.ca(&["revoke", "bob"]);
    let there = format!("https://localhost:{}", desk.port);
    // Nobody is asked for a password: the certificate proves the name.
    let enrol = |name: &str| {
        run(program("client", &lab.certs).args(["enrol", name, "--country", "DE", "--organisation", "Padlock", "--authority", &there]))
    };
    let out = enrol("alice");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let now = fs::read(Places::new(&lab.certs).user("alice").0).unwrap();
    let now = summary(&CertificateDer::from_pem_slice(&now).unwrap()).unwrap().serial;
    let mut ours = ledger(&lab.certs);
    assert_eq!(ours.find(&now).unwrap().status, Status::Valid);
    let replaced = ours.find(&old[0]).unwrap();
    assert!(matches!(&replaced.status, Status::Revoked { reason: Some(reason), .. } if reason == "superseded"), "{replaced}");
    for (name, why) in [
        ("alice", "Certificate already exists and is not expired."),
        ("bob", "the certificate that was shown is not the one that is valid for this name"),
        ("carol", "Certificate already exists and is not expired."),
    ] {
        let out = enrol(name);
        assert_eq!(out.status.code(), Some(22), "{name}");
        assert!(text(&out.stderr).contains(why), "{}", text(&out.stderr));
    }
    assert_eq!(ledger(&lab.certs), ours, "nothing more was signed");
}
