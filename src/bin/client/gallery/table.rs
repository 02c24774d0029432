//! What was seen, in one table or as JSON.

use super::{Cell, Gallery, OURS, Row, programs, programs::Program};
use crate::options::Options;
use crate::output;
use padlock::error::printable;
use serde_json::{Value, json};

/// Longest text of a cell. All of it is in `--json`.
const WIDEST: usize = 34;
/// Marks what is not as expected.
const DIFFERS: &str = " !";

pub fn print(options: &Options, gallery: &Gallery, programs: &[Program], rows: &[Row<'_>]) {
    if options.json {
        return output::line(&json(programs, rows).to_string());
    }
    for program in programs {
        let recorded = gallery.programs.get(program.name).map_or("none", String::as_str);
        if recorded != program.version {
            let (name, version) = (program.name, &program.version);
            let recorded = printable(recorded);
            output::note(options, &format!("{name} is {version} here, {recorded} was recorded: only yes and no are compared"));
        }
    }
    let mut lines = vec![vec!["name".to_string(), "expected".into(), "seen".into()]];
    lines[0].extend(programs.iter().map(|program| program.name.into()));
    lines.extend(rows.iter().map(|row| {
        let expected = row.entry.code.as_deref().map_or("accepted".into(), printable);
        [row.entry.title(), expected].into_iter().chain(row.seen.iter().map(cell)).collect()
    }));
    let columns = lines[0].len();
    let width = |column: usize| lines.iter().map(|line: &Vec<String>| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in &lines {
        let padded: String = line.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}  ")).collect();
        output::line(padded.trim_end());
    }
}

/// Our own column has a code; of the others' words, what fits.
fn cell(cell: &Cell) -> String {
    let said = match (&cell.seen.accepts, cell.seen.says.as_str()) {
        (true, _) => "accepted",
        (false, "") => "refused",
        (false, says) => says,
    };
    let cut = said.chars().count() > WIDEST;
    let shown: String = said.chars().take(if cut { WIDEST - 1 } else { WIDEST }).collect();
    format!("{shown}{}{}", if cut { "…" } else { "" }, if cell.differs { DIFFERS } else { "" })
}

/// Names stay as they are; new ones may come.
fn json(programs: &[Program], rows: &[Row<'_>]) -> Value {
    let entries = rows.iter().map(|row| {
        let says = row.seen.iter().map(|cell| (cell.program.to_string(), json!(cell.seen))).collect::<serde_json::Map<_, _>>();
        let differs: Vec<_> = row.seen.iter().filter(|cell| cell.differs).map(|cell| cell.program).collect();
        json!({ "name": row.entry.title(), "expected": row.entry.code, "says": says, "differs": differs })
    });
    let mut versions = json!(programs::versions(programs));
    versions[OURS] = json!(env!("CARGO_PKG_VERSION"));
    json!({ "version": 1, "programs": versions, "entries": entries.collect::<Vec<_>>() })
}
