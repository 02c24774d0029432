//! For whoever reads the socket by themselves, because others write to it meanwhile.

use super::Failure;
use rustls::Connection;
use std::io::{ErrorKind, Read};

/// What is in these records (`bytes`, as they came), and whether the peer has ended the session with close_notify. rustls takes no
/// more than it has room for, so it is emptied again and again. What stands behind close_notify is nobody's (RFC 9846 6.1).
///
/// # Errors
/// A rule was broken: the alert about it is in the session, ready to be sent.
pub fn open(session: &mut Connection, mut bytes: &[u8]) -> Result<(Vec<u8>, bool), Failure> {
    let mut plain = Vec::new();
    loop {
        match session.reader().read_to_end(&mut plain) {
            Ok(_) => return Ok((plain, true)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(Failure::Io(e)),
        }
        if bytes.is_empty() {
            return Ok((plain, false));
        }
        session.read_tls(&mut bytes).map_err(Failure::Io)?;
        session.process_new_packets().map_err(Failure::Tls)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        certificate::{Identity, Name},
        tls::{self, Settings, Tls},
        trust::Trust,
    };
    use rustls::pki_types::ServerName;
    use std::{io::Write, os::unix::net::UnixStream, thread};

    fn two() -> (Tls<UnixStream>, Tls<UnixStream>) {
        let who = Identity::self_signed(&[Name::Dns("localhost".into())]).unwrap();
        let server = tls::server(&who, None, &Settings::default()).unwrap();
        let trust = Trust::certificates("this one", &who.chain).unwrap();
        let client = tls::client(None, &trust, Default::default(), &Settings::default()).unwrap();
        let (here, there) = UnixStream::pair().unwrap();
        let server = thread::spawn(move || tls::accept(there, &server).map_err(|(failure, _)| failure).unwrap());
        let name = ServerName::try_from("localhost").unwrap();
        let client = tls::connect(here, name, &client).map_err(|(failure, _)| failure).unwrap();
        (client, server.join().unwrap())
    }

    #[test]
    fn many_small_records_at_once_are_opened_and_what_stands_behind_the_end_is_nobodys() {
        let (mut client, mut server) = two();
        let writes = thread::spawn(move || {
            for _ in 0..500 {
                server.write_all(&[7; 100]).unwrap();
            }
            server.close().unwrap();
            server.stream.write_all(&[23, 3, 3, 0, 20]).unwrap();
        });
        let mut bytes = Vec::new();
        client.stream.read_to_end(&mut bytes).unwrap();
        writes.join().unwrap();
        let (plain, over) = open(&mut client.session, &bytes).unwrap();
        assert!(over);
        assert_eq!(plain, [7; 50_000]);
    }
}
