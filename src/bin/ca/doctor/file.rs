//! One file by itself: what it is, and what is wrong with what is in it.

use super::object;
use padlock::error::Error;
use padlock::file;
use padlock::key::pem::Item;
use padlock::key::{MARK, What, what};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// So many objects of a file are looked into. A chain has three, a system's bundle of authorities 150.
const LOOKED_INTO: usize = 1000;

pub struct File {
    pub path: PathBuf,
    /// For people: `a certificate (PEM): CN=localhost, signed by itself`.
    pub is: String,
    /// For scripts: `certificate`, `chain`, `key`, `empty`, …
    pub kind: &'static str,
    pub items: Vec<Item>,
    pub faults: Vec<Error>,
}

impl File {
    /// Reads a file and says all that can be said of it alone. A file that can't be read is one more thing to say.
    pub fn examine(path: &Path) -> File {
        let mut file = File { path: path.to_path_buf(), is: String::new(), kind: "unreadable", items: Vec::new(), faults: Vec::new() };
        match file::read(path) {
            Ok(bytes) => file.recognise(&bytes),
            Err(error) => {
                (file.is, file.kind) = match error.code {
                    "is-a-directory" => ("a directory".into(), "directory"),
                    "file-missing" => ("not there".into(), "missing"),
                    "file-too-large" => ("too large".into(), "too-large"),
                    _ => ("not to be read".into(), "unreadable"),
                };
                file.faults.push(error);
            }
        }
        file
    }

    fn recognise(&mut self, bytes: &[u8]) {
        let mut found = what(bytes);
        if found == What::ByteOrderMark {
            self.faults.push(unusable(&found, &self.path));
            found = what(&bytes[MARK.len()..]); // what follows may have faults of its own
        }
        self.kind = found.code();
        self.is = found.is();
        match found {
            What::Pem(items) => self.look_into(items, "PEM"),
            What::Der(item) => {
                // A list is published in DER (RFC 5280 4.2.1.13), everything else is wanted in PEM.
                if !matches!(item, Item::Crl(_)) {
                    self.faults.push(unusable(&What::Der(item.copy()), &self.path));
                }
                self.look_into(vec![item], "DER");
            }
            other => self.faults.push(unusable(&other, &self.path)),
        }
    }

    fn look_into(&mut self, mut items: Vec<Item>, form: &str) {
        if items.len() > LOOKED_INTO {
            let cause = format!("it holds {} objects, of which the first {LOOKED_INTO} were looked into", items.len());
            self.faults.push(
                Error::new("too-many", cause).hint("a chain is a leaf and a few authorities: keep to each file what belongs together"),
            );
            items.truncate(LOOKED_INTO);
        }
        (self.kind, self.is) = object::described(&items, form);
        let now = OffsetDateTime::now_utc();
        for item in &items {
            self.faults.extend(object::faults(item, now));
        }
        if items.iter().filter(|item| matches!(item, Item::Key(_))).count() > 1 {
            self.faults.push(
                Error::new("several-keys", "it holds more than one private key")
                    .hint("keep one key to a file, so that it is clear which one is meant"),
            );
        }
        if items.iter().any(|item| matches!(item, Item::Key(_))) {
            self.faults.extend(exposed(&self.path));
        }
        self.items = items;
    }
}

/// Why what it is can't be used as it lies there.
fn unusable(found: &What, path: &Path) -> Error {
    let cause = match found {
        What::Empty => "there is nothing in it".into(),
        What::Locked(_) => "servers and clients can't ask anybody for its passphrase".into(),
        What::ByteOrderMark => format!("it is {}", found.is()),
        What::Damaged(line) => format!("nobody can read it: it breaks off, or is no base64, at line {line}"),
        What::Html | What::OtherPem(_) | What::Unknown => "there is no key, certificate, request or list in it that can be read".into(),
        _ => "servers and clients want plain PEM".into(),
    };
    Error::new(found.code(), cause).hint(found.cure(path))
}

/// Others must not read a private key: whoever can is whoever it names.
fn exposed(path: &Path) -> Option<Error> {
    const GROUP_AND_OTHERS_READ: u32 = 0o044;
    let mode = std::fs::metadata(path).ok()?.mode();
    (mode & GROUP_AND_OTHERS_READ != 0).then(|| {
        Error::new("exposed-key", format!("other users may read this private key (mode {:04o})", mode & 0o7777))
            .hint(format!("chmod 600 {0}; next time (umask 077; openssl genpkey …), or ./ca key, which makes it so", path.display()))
    })
}
