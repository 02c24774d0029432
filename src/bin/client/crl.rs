//! `--crl`: the lists of what was taken back, from a file or from where the authority publishes them.

use crate::answer::Incoming;
use crate::dial::Dialler;
use crate::fetch::Patient;
use crate::options::Options;
use crate::url::{Scheme, Url};
use padlock::error::{Error, Result, exit};
use padlock::file::LARGEST;
use padlock::trust::Trust;
use std::io::{Read, Write};
use std::path::Path;

/// `trust`, less what the lists of `--crl` take back.
pub fn added(options: &Options, trust: Trust) -> Result<Trust> {
    options.crl.iter().try_fold(trust, |trust, from| {
        if from.contains("://") { trust.and_revoked(&fetched(options, from)?, from) } else { trust.and_revoked_by(Path::new(from)) }
    })
}

/// Over plain HTTP: a list is signed, so that nobody on the way can change it, and https:// would ask for another list first
/// (RFC 5280 8).
fn fetched(options: &Options, from: &str) -> Result<Vec<u8>> {
    let url = Url::parse(from)?;
    if url.scheme != Scheme::Http {
        return Err(Error::new("bad-flag", format!("--crl takes a file or an http:// address, not {url}"))
            .hint("a list is signed itself, so http:// is safe: --crl http://localhost:8080/crl/intermediate.crl")
            .exit(exit::USAGE));
    }
    let of_list =
        |error: Error| Error { cause: format!("can't fetch the revocation list {url}: {}", error.cause), exit: exit::CRL_FILE, ..error };
    let mut session = Dialler::bare(options, &url)?.dial(options).map_err(of_list)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: application/pkix-crl, */*\r\nConnection: close\r\n\r\n",
        url.path,
        url.host_field()
    );
    let _ = session.write_all(request.as_bytes()); // what it answers says more
    let mut incoming = Incoming::new(Patient(&mut session).take(2 * LARGEST)); // whoever sends without end gets no more
    let answer = incoming.answer().map_err(of_list)?;
    if answer.status != 200 {
        return Err(of_list(
            Error::new("no-such-crl", format!("the server answered {}", answer.status))
                .hint("check its address: the lab's are http://localhost:8080/crl/root.crl and /crl/intermediate.crl"),
        ));
    }
    let mut list = Vec::new();
    incoming.body(&answer, false, |piece| list.extend_from_slice(piece)).map_err(of_list)?;
    if list.len() as u64 > LARGEST {
        return Err(of_list(
            Error::new("file-too-large", format!("it is larger than {} MiB", LARGEST >> 20))
                .hint("no revocation list of this lab is; check its address"),
        ));
    }
    Ok(list)
}
