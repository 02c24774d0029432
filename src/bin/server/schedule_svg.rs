//! The key schedule as a picture, with the values of one session (RFC 9846 7.1).

use padlock::{
    http::escape,
    wire::{Schedule, Step},
};
use std::fmt::Write;

/// A box, and the distance from one to the next below it.
const BOX: (usize, usize) = (250, 46);
const ROW: usize = 64;
/// Where the columns begin: inputs, what is extracted from them, what is derived from that.
const COLUMNS: [usize; 3] = [10, 310, 620];
/// So many digits of a value fit into a box; the table below has them all.
const DIGITS: usize = 24;

/// Top down: inputs on the left, HKDF-Extract in the middle, what is derived on the right.
pub fn picture(schedule: &Schedule) -> String {
    let (mut drawing, mut row, mut last) = (String::new(), 0, None);
    for step in schedule.steps() {
        match step.name {
            "PSK" | "shared secret" => draw_box(&mut drawing, 0, row, &step),
            "Early Secret" | "Handshake Secret" | "Main Secret" => {
                if let Some(above) = last {
                    line(&mut drawing, COLUMNS[1] + 40, middle(above) + BOX.1 / 2, COLUMNS[1] + 40, middle(row) - BOX.1 / 2);
                    let _ =
                        writeln!(drawing, "<text x=\"{}\" y=\"{}\">Derive-Secret, \"derived\"</text>", COLUMNS[1] + 50, middle(row) - 32);
                }
                line(&mut drawing, COLUMNS[0] + BOX.0, middle(row), COLUMNS[1], middle(row));
                let _ = writeln!(drawing, "<text x=\"{}\" y=\"{}\">Extract</text>", COLUMNS[0] + BOX.0 + 4, middle(row) - 5);
                if step.name == "Main Secret" {
                    let _ = writeln!(drawing, "<text x=\"{}\" y=\"{}\">0</text>", COLUMNS[0] + BOX.0 - 14, middle(row) + 5);
                }
                draw_box(&mut drawing, 1, row, &step);
                last = Some(row);
                row += if step.name == "Early Secret" { 2 } else { 0 };
            }
            label => {
                let from = last.unwrap_or_default();
                line(&mut drawing, COLUMNS[1] + BOX.0, middle(from), COLUMNS[2], middle(row));
                draw_box(&mut drawing, 2, row, &step);
                row += if label == "s hs traffic" { 2 } else { 1 };
            }
        }
    }
    format!(
        "<svg class=\"schedule\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"The key schedule of this session\">\n{drawing}</svg>\n",
        COLUMNS[2] + BOX.0 + 10,
        row * ROW + 10
    )
}

fn middle(row: usize) -> usize {
    10 + row * ROW + BOX.1 / 2
}

fn line(drawing: &mut String, x: usize, y: usize, to_x: usize, to_y: usize) {
    let _ = writeln!(drawing, "<path d=\"M{x} {y}L{to_x} {to_y}\"/>");
}

fn draw_box(drawing: &mut String, column: usize, row: usize, step: &Step) {
    let (x, y) = (COLUMNS[column], 10 + row * ROW);
    let value = step.value.as_deref().unwrap_or("not known here");
    let short = if value.len() > DIGITS { format!("{}…", value.get(..DIGITS).unwrap_or_default()) } else { value.into() };
    let known = if step.value.is_some() { "known" } else { "unknown" };
    let _ = writeln!(
        drawing,
        "<g class=\"{known}\"><title>{}: {value}</title><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"5\"/>\
         <text class=\"name\" x=\"{}\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\">{short}</text></g>",
        escape(step.means),
        BOX.0,
        BOX.1,
        x + 10,
        y + 19,
        escape(step.name),
        x + 10,
        y + 37,
    );
}

/// Every value in full, with its formula and the keys made of it.
pub fn table(schedule: &Schedule) -> String {
    let row = |step: Step| {
        let agrees = match step.agrees {
            Some(true) => "<br>the same as in the key log",
            Some(false) => "<br><strong>not</strong> what the key log says",
            None => "",
        };
        let keys = step.key.zip(step.iv).map(|(key, iv)| format!("<br>key <code>{key}</code><br>iv <code>{iv}</code>")).unwrap_or_default();
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}<br>{}</td><td class=\"value\"><code>{}</code>{agrees}{keys}</td></tr>\n",
            escape(step.name),
            escape(&step.formula),
            escape(step.means),
            step.value.as_deref().unwrap_or("not known here"),
        )
    };
    let rows: String = schedule.steps().into_iter().map(row).collect();
    format!(
        "<details>\n<summary>All values in full</summary>\n<div class=\"table\"><table class=\"values\">\n{rows}</table></div>\n</details>\n"
    )
}
