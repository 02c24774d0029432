//! `ca doctor`: says what each file is, what is wrong with it, and which option was missing.

use crate::options;
use crate::say::answer;
use file::File;
use padlock::authority::Places;
use padlock::error::{Error, Result, escape, exit};
use serde_json::{Value, json};
use std::process;

#[path = "doctor/across.rs"]
mod across;
#[path = "doctor/file.rs"]
mod file;
#[path = "doctor/ledger.rs"]
mod ledger;
#[path = "doctor/object.rs"]
mod object;

/// So many faults of a file are listed; who mends twenty may ask again.
const LISTED: usize = 20;

/// `ca doctor FILE…`: ends in 0 when nothing is wrong, in 58 when something is.
pub fn doctor(places: &Places, options: &options::Doctor, json: bool) -> Result<()> {
    let mut files: Vec<File> = options.files.iter().map(|path| File::examine(path)).collect();
    across::compare(&mut files, places);
    ledger::look_up(&mut files, places);
    let faults: usize = files.iter().map(|file| file.faults.len()).sum();
    if json {
        let text =
            serde_json::to_string_pretty(&json!({"version": 1, "faults": faults, "files": files.iter().map(told).collect::<Vec<_>>()}));
        answer(&format!("{}\n", text.map_err(|e| Error::new("json", e.to_string()))?))?;
        if faults > 0 {
            process::exit(exit::OWN_CERTIFICATE.into()); // the faults are told already, in one object
        }
    } else {
        answer(&files.iter().map(text).collect::<String>())?;
    }
    if faults == 0 {
        return Ok(());
    }
    let counted = if faults == 1 { "1 fault".into() } else { format!("{faults} faults") };
    let bad = files.iter().filter(|file| !file.faults.is_empty()).count();
    let place = if files.len() == 1 { String::new() } else { format!(", in {bad} of {} files", files.len()) };
    Err(Error::new("faults", format!("{counted} found{place}"))
        .hint("mend them from the top; docs/certificate.md says why each matters")
        .exit(exit::OWN_CERTIFICATE))
}

fn text(file: &File) -> String {
    let mut text = format!("{}: {}\n", escape(&file.path.display().to_string()), file.is);
    if file.faults.is_empty() {
        text.push_str("  nothing wrong\n");
    }
    for fault in file.faults.iter().take(LISTED) {
        text.push_str(&format!("  wrong: {} ({})\n  cure: {}\n", fault.cause, fault.code, fault.hint));
    }
    if let Some(more @ 1..) = file.faults.len().checked_sub(LISTED) {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}

/// One file for scripts. The version changes when a name does.
fn told(file: &File) -> Value {
    let faults: Vec<_> = file.faults.iter().map(|fault| json!({"code": fault.code, "wrong": fault.cause, "cure": fault.hint})).collect();
    json!({"file": file.path.display().to_string(), "kind": file.kind, "is": file.is, "faults": faults})
}
