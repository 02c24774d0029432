//! What the lab's own authority remembers of the certificates that it signed.

use super::file::File;
use padlock::authority::{Ledger, Places, Status, Which};
use padlock::certificate::{date, load_chain, parse, subject};
use padlock::error::{Error, printable};
use padlock::key::hex;
use padlock::key::pem::Item;
use std::collections::HashMap;

/// Looks each certificate of the lab's up in its signer's ledger: taken back, or its serial given to another.
///
/// A lab without an authority has nothing to say, nor has one whose ledger this user may not read.
pub fn look_up(files: &mut [File], places: &Places) {
    for which in [Which::Root, Which::Intermediate] {
        let Ok(chain) = load_chain(&which.certificate(places)) else { continue };
        let Some(signer) = chain.first().and_then(|der| parse(der).ok()) else { continue };
        let Ok(ledger) = Ledger::load(&which.directory(places)) else { continue };
        let mut entries: HashMap<&str, Vec<_>> = HashMap::new();
        for entry in &ledger.entries {
            entries.entry(entry.serial.as_str()).or_default().push(entry);
        }
        for file in &mut *files {
            for item in &file.items {
                let Item::Certificate(der) = item else { continue };
                let Ok(certificate) = parse(der) else { continue };
                if certificate.issuer().as_raw() != signer.subject().as_raw() {
                    continue;
                }
                let known = entries.get(hex(certificate.raw_serial()).as_str()).map(Vec::as_slice).unwrap_or_default();
                let who = printable(&subject(certificate.subject()));
                if known.len() > 1 {
                    file.faults.push(reused(&who, known.len()));
                }
                if let Some(Status::Revoked { at, reason }) = known.first().map(|entry| &entry.status) {
                    let reason = reason.as_deref().unwrap_or("no reason given");
                    file.faults.push(
                        Error::new("revoked", format!("{who} was taken back on {}: {}", date(*at), printable(reason)))
                            .hint("it never becomes good again: sign another, ./ca sign server NAME; with openssl: ca -in CSR"),
                    );
                }
            }
        }
    }
}

fn reused(who: &str, times: usize) -> Error {
    Error::new("serial-reused", format!("the serial of {who} stands {times} times in the ledger of who signed it"))
        .hint("Firefox refuses both: sign anew, ./ca sign server NAME; with openssl: leave -set_serial out, and rand_serial = yes for ca")
}
