//! Both sides prove a name: our hello service beside `openssl s_server`, with the same keys, chains, group and suite.

use crate::{
    line,
    load::{self, Group, Sample},
    process::{Kind, Lab, Process},
    table,
};
use padlock::certificate::Identity;
use rustls::{ClientConfig, client::Resumption};
use std::{
    io::{self, ErrorKind, Read, Write},
    process::{Command, Stdio},
    sync::Arc,
};

pub const NAME: &str = "mutual handshake X25519";

/// Prints the row, or why there is none. Gives whether all went well.
pub fn row(lab: &Lab, rounds: usize) -> bool {
    let found = Command::new("openssl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("\n{NAME}: skipped, openssl is not installed");
        return true;
    }
    let servers = [Kind::Hello, Kind::OpenSsl].map(|kind| Process::start(kind, lab));
    let config = config(lab, &Identity::load(&lab.alice().0, &lab.alice().1).unwrap());
    let mut samples = [Sample::default(); 2];
    for _ in 0..rounds {
        for (server, sample) in servers.iter().zip(&mut samples) {
            // One at a time: s_server has no more hands than that.
            sample.add(&load::turn(server, 1, || Box::new(|| Sample::of(greet(server, &config)))));
        }
    }
    table::beside_openssl(NAME, &samples);
    samples[0].failed == 0
}

/// Shakes hands, says a line and hears it again: in TLS 1.3 nobody else knows whether the server has accepted us.
fn greet(server: &Process, config: &Arc<ClientConfig>) -> io::Result<()> {
    let mut tls = line::secure(line::connect(server.web)?, config)?;
    tls.write_all(b"a\n")?;
    let (mut heard, mut piece) = (Vec::new(), [0; 256]);
    while !heard.ends_with(b"a\n") {
        match tls.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => heard.extend_from_slice(&piece[..n]),
        }
    }
    line::part(tls)
}

fn config(lab: &Lab, who: &Identity) -> Arc<ClientConfig> {
    let mut config = load::builder(lab, Group::X25519).with_client_auth_cert(who.chain.clone(), who.key.clone_key()).unwrap();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
