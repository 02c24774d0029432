//! The files around the ledger that make a signer's directory a CA in the sense of `openssl ca`.

use super::issuer::Which;
use super::{Places, ledger};
use super::{crl, policy};
use crate::certificate::serial;
use crate::error::{Error, Result};
use crate::file::{self, Readers};
use crate::key::hex;
use rcgen::{DistinguishedName, DnType, DnValue, SerialNumber};
use std::path::{Path, PathBuf};

/// Makes what is missing of a signer's directory, and leaves alone what is there.
///
/// # Errors
/// The disk is full or read-only.
pub(super) fn prepare(places: &Places, which: Which) -> Result<PathBuf> {
    let directory = which.directory(places);
    file::directory(&directory, Readers::Owner)?;
    file::directory(&directory.join("issued"), Readers::Owner)?;
    file::sweep(&directory);
    file::sweep(&directory.join("issued"));
    let first = [
        // Renewing means two certificates of one subject, which OpenSSL would refuse otherwise.
        ("index.txt.attr", "unique_subject = no\n".to_string()),
        ("index.txt", String::new()),
        ("serial", format!("{}\n", hex(serial()?.as_ref()))),
        ("crlnumber", "01\n".to_string()),
    ];
    for (name, text) in first {
        let path = directory.join(name);
        if !path.exists() {
            file::write(&path, text.as_bytes(), Readers::Owner)?;
        }
    }
    Ok(directory)
}

/// Writes `openssl.cnf`, with absolute paths, so that `openssl ca -config …` works from anywhere. When the checkout has
/// moved it is written again.
///
/// # Errors
/// The disk is full or read-only.
pub(super) fn configure(places: &Places, which: Which) -> Result<()> {
    let directory = which.directory(places);
    let absolute = directory.canonicalize().map_err(|e| file::explain(&e, "read", &directory))?;
    let text = configuration(which, &absolute);
    let path = directory.join("openssl.cnf");
    if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    file::write(&path, text.as_bytes(), Readers::Owner)
}

fn configuration(which: Which, directory: &Path) -> String {
    // What has a meaning of its own in such a file gets a backslash.
    let quote = |c: char| if "\\$#'\"".contains(c) { vec!['\\', c] } else { vec![c] };
    let quoted: String = directory.to_string_lossy().chars().flat_map(quote).collect();
    include_str!("openssl.cnf")
        .replace("NAME", which.name())
        .replace("LEAF_DAYS", &policy::LONGEST.whole_days().to_string())
        .replace("LIST_DAYS", &crl::VALIDITY.whole_days().to_string())
        .replace("DIRECTORY", &quoted)
}

/// A subject as the ledger writes it: `/C=DE/CN=alice`.
pub(super) fn subject(name: &DistinguishedName) -> String {
    let label = |part: &DnType| match part {
        DnType::CountryName => "C",
        DnType::OrganizationName => "O",
        DnType::OrganizationalUnitName => "OU",
        DnType::LocalityName => "L",
        DnType::StateOrProvinceName => "ST",
        _ => "CN",
    };
    let text = |value: &DnValue| match value {
        DnValue::Utf8String(text) => text.clone(),
        DnValue::PrintableString(text) => text.as_str().to_string(),
        _ => String::new(),
    };
    // Bytes outside of ASCII as OpenSSL escapes them.
    let escaped = |text: String| {
        text.bytes()
            .map(|b| if b.is_ascii_graphic() || b == b' ' { (b as char).to_string() } else { format!("\\x{b:02X}") })
            .collect::<String>()
    };
    name.iter().map(|(part, value)| format!("/{}={}", label(part), escaped(text(value)))).collect()
}

/// Draws the serial that `openssl ca` would use next.
///
/// # Errors
/// The disk is full or read-only.
pub(super) fn write_next_serial(directory: &Path) -> Result<()> {
    file::write(&directory.join("serial"), format!("{}\n", hex(serial()?.as_ref())).as_bytes(), Readers::Owner)
}

/// Takes the next number for a revocation list. The file moves on first, so that no number is ever used twice.
///
/// # Errors
/// The file is damaged, or can't be written.
pub(super) fn take_crl_number(directory: &Path) -> Result<SerialNumber> {
    let path = directory.join("crlnumber");
    let text = String::from_utf8_lossy(&file::read(&path)?).trim().to_string();
    let number = u64::from_str_radix(&text, 16).ok().filter(|n| *n < u64::MAX).ok_or_else(|| {
        Error::new("ledger-damaged", format!("{} does not hold a number in hex", path.display())).hint(format!(
            "write one that is larger than the last list's: openssl crl -in certs/crl/NAME.crl -noout -crlnumber; ls {}",
            ledger::index(directory).display()
        ))
    })?;
    let next = format!("{:X}", number + 1);
    // Whole bytes: OpenSSL reads no odd number of digits.
    let padded = if next.len() % 2 == 1 { format!("0{next}") } else { next };
    file::write(&path, format!("{padded}\n").as_bytes(), Readers::Owner)?;
    let significant = number.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect::<Vec<_>>();
    Ok(SerialNumber::from(if significant.is_empty() { vec![0] } else { significant }))
}
