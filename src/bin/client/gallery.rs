//! `./client gallery`: visits every entry of a server's gallery, and compares what is expected with what is seen. OpenSSL, curl
//! and Node judge too, when they are there.

use crate::answer::Incoming;
use crate::dial::Dialler;
use crate::fetch::Patient;
use crate::options::{self, Options};
use crate::url::Url;
use padlock::error::{Error, Result, printable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Read, Write};

#[path = "gallery/programs.rs"]
mod programs;
#[path = "gallery/table.rs"]
mod table;

use programs::Program;

/// Where the lab's server has it.
const DEFAULT: &str = "https://localhost:1234/";
/// So much of a gallery is read: ours has a tenth of it.
const LARGEST: usize = 1024 * 1024;
/// What our own column is called.
const OURS: &str = "rustls";

/// What `/gallery.json` says, as far as we need it.
#[derive(Deserialize)]
struct Gallery {
    /// With which version of each program the verdicts were recorded.
    programs: BTreeMap<String, String>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    url: String,
    /// The list of revoked certificates to bring along, below the lab's certificates.
    crl: Option<String>,
    /// How we refuse it; none when we accept.
    code: Option<String>,
    says: Option<BTreeMap<String, Verdict>>,
}

/// What a program says of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Verdict {
    accepts: bool,
    /// In its own words. Empty when there is nothing to say.
    says: String,
}

/// An entry, and what was seen of it.
struct Row<'a> {
    entry: &'a Entry,
    seen: Vec<Cell>,
}

/// What one program said of one entry, and what it should have said.
struct Cell {
    program: &'static str,
    seen: Verdict,
    differs: bool,
}

/// Visits all, prints the table, and fails when anything is not as expected.
pub fn visit(options: &Options, at: &options::Gallery) -> Result<()> {
    let url = Url::parse(at.address.as_deref().unwrap_or(DEFAULT))?;
    let gallery = fetch(options, &url)?;
    let programs = if at.alone { Vec::new() } else { programs::present(options)? };
    let others = programs::judge(&programs, options, &gallery.entries);
    let mut rows = Vec::new();
    for (entry, judged) in gallery.entries.iter().zip(others) {
        let ours = Cell { program: OURS, differs: false, seen: ourselves(options, entry) };
        let expected = entry.code.as_deref().unwrap_or_default();
        let mut seen = vec![Cell { differs: ours.seen.says != expected || ours.seen.accepts != entry.code.is_none(), ..ours }];
        let compared = programs.iter().zip(judged).map(|(program, seen)| Cell {
            program: program.name,
            differs: differs(&gallery, entry, program, &seen),
            seen,
        });
        seen.extend(compared);
        rows.push(Row { entry, seen });
    }
    table::print(options, &gallery, &programs, &rows);
    match rows.iter().flat_map(|row| &row.seen).filter(|cell| cell.differs).count() {
        0 => Ok(()),
        differing => Err(Error::new("gallery-differs", format!("{differing} verdicts are not what they should be"))
            .hint("make the gallery anew: make certs; if a program has changed its mind, record it: see tests/gallery (docs/refusal.md)")),
    }
}

/// The same program must say the same. Another version may say it in other words.
fn differs(gallery: &Gallery, entry: &Entry, program: &Program, seen: &Verdict) -> bool {
    let Some(recorded) = entry.says.as_ref().and_then(|says| says.get(program.name)) else { return false };
    // A late refusal: whether its reason or the end of the connection is read first, is chance.
    let late = entry.code.as_deref() == Some("certificate-required");
    let same_version = !late && gallery.programs.get(program.name) == Some(&program.version);
    recorded.accepts != seen.accepts || (same_version && recorded.says != seen.says)
}

fn fetch(options: &Options, url: &Url) -> Result<Gallery> {
    let url = Url { path: "/gallery.json".into(), ..url.clone() };
    let text = get(options, &url)?;
    let odd = || {
        Error::new("no-gallery", format!("{url} does not answer with a gallery"))
            .hint("name a server of this lab: ./client gallery https://localhost:1234/")
    };
    serde_json::from_slice(&text).map_err(|_| odd())
}

/// One page, whatever its status.
fn get(options: &Options, url: &Url) -> Result<Vec<u8>> {
    let mut session = Dialler::new(options, url)?.dial(options)?;
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.path, url.host_field());
    let _ = session.write_all(request.as_bytes()); // what it answers says more
    let mut incoming = Incoming::new(Patient(&mut session).take(LARGEST as u64));
    let (answer, mut page) = (incoming.answer()?, Vec::new());
    incoming.body(&answer, false, |piece| page.extend_from_slice(piece))?;
    session.close();
    Ok(page)
}

/// What our own client makes of it.
fn ourselves(options: &Options, entry: &Entry) -> Verdict {
    let mut options = options.clone();
    options.crl.extend(list(&options, entry));
    match Url::parse(&entry.url).and_then(|url| get(&options, &url)) {
        Ok(_) => Verdict { accepts: true, says: String::new() },
        Err(e) => Verdict { accepts: false, says: e.code.into() },
    }
}

/// The file of the list that an entry is asked with.
fn list(options: &Options, entry: &Entry) -> Option<String> {
    let crl = entry.crl.as_ref().filter(|path| !path.contains("..") && !path.starts_with('/'))?;
    Some(options.places().dir.join(crl).display().to_string())
}

impl Entry {
    /// What stands in the first column.
    fn title(&self) -> String {
        let with = if self.crl.is_some() { " --crl" } else { "" };
        format!("{}{with}", printable(&self.name))
    }

    /// `expired.localhost`, 1234
    fn place(&self) -> Option<(String, u16)> {
        Url::parse(&self.url).ok().map(|url| (url.host, url.port))
    }
}
