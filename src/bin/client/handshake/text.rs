//! A handshake as lines: records, the messages in them, their fields, and the key schedule.

use padlock::error::printable;
use padlock::wire::{Field, Illustration, Item, Schedule, Sealed, Shown, Speaker, Step, hex};

/// So many bytes of a field stand in its line; the rest is an ellipsis.
const BYTES: usize = 8;
/// Bytes in a row of a dump.
const ROW: usize = 32;

/// All of it; `brief` leaves out the bytes and their fields.
pub fn lines(told: &Illustration, brief: bool) -> Vec<String> {
    let mut lines = vec![format!(
        "{}, {}{}",
        told.version.unwrap_or("no version agreed on"),
        told.suite.as_deref().unwrap_or("no suite"),
        if told.resumed { ", resumed with a ticket: no certificates" } else { "" }
    )];
    for record in &told.records {
        lines.push(String::new());
        lines.push(record_line(record));
        lines.extend(record.sealed.as_ref().filter(|_| !brief).map(sealed_line));
        if record.items.is_empty() {
            lines.push("    nothing to see: sealed, and not opened, or a message goes on in the next record".into());
        }
        for item in &record.items {
            item_lines(record.speaker, item, brief, &mut lines);
        }
    }
    if told.cut {
        lines.push("… and more, which is not kept".into());
    }
    if let Some(schedule) = &told.schedule {
        lines.push(String::new());
        schedule_lines(schedule, &mut lines);
    }
    lines
}

fn arrow(speaker: Speaker) -> char {
    if speaker == Speaker::Client { '>' } else { '<' }
}

fn record_line(record: &Shown) -> String {
    let (arrow, about) = (arrow(record.speaker), &record.about);
    format!("{arrow} record {}: {}, {}; {} ({})", hex(&record.header), about.name, count(record.length), about.means, about.source)
}

fn count(bytes: usize) -> String {
    if bytes == 1 { "1 byte".into() } else { format!("{bytes} bytes") }
}

fn sealed_line(sealed: &Sealed) -> String {
    format!(
        "    opened with {}, number {}: nonce {}, tag {}, true type {}, padding {} (RFC 9846 5.2)",
        sealed.secret,
        sealed.number,
        hex(&sealed.nonce),
        hex(&sealed.tag),
        sealed.inner_type,
        sealed.padding
    )
}

fn item_lines(speaker: Speaker, item: &Item, brief: bool, lines: &mut Vec<String>) {
    let about = &item.about;
    let checked = match item.verified {
        Some(true) => " It is the checksum that we compute.",
        Some(false) => " It is NOT the checksum that we compute.",
        None => "",
    };
    lines.push(format!("  {} {}, {}", arrow(speaker), about.name, count(item.bytes.len())));
    if brief {
        return;
    }
    lines.push(format!("    {}{checked}", about.means));
    lines.push(format!("    {}; in this program: {}", about.source, about.code.trim_start_matches("crate::")));
    if item.fields.is_empty() {
        lines.extend(item.bytes.chunks(ROW).map(|row| format!("    {}", hex(row))));
    }
    item.fields.iter().for_each(|field| field_lines(field, &item.bytes, 0, lines));
}

fn field_lines(field: &Field, message: &[u8], depth: usize, lines: &mut Vec<String>) {
    let bytes = message.get(field.at..field.at + field.length).unwrap_or_default();
    let own = field.inside.first().map_or(bytes.len(), |first| first.at - field.at);
    let shown = bytes.get(..own.min(BYTES)).unwrap_or_default();
    let more = if bytes.len() > shown.len() { "…" } else { "" };
    let indent = "  ".repeat(depth);
    let means = if field.means.is_empty() { String::new() } else { format!("  ({})", field.means) };
    lines.push(format!("    {:04x} {:<18}{indent}{}: {}{means}", field.at, hex(shown) + more, field.name, printable(&field.says)));
    field.inside.iter().for_each(|inner| field_lines(inner, message, depth + 1, lines));
}

/// The RFC's picture, from top to bottom, with the values of this session.
fn schedule_lines(schedule: &Schedule, lines: &mut Vec<String>) {
    lines.push("key schedule (RFC 9846 7.1)".into());
    for step in schedule.steps() {
        let value = step.value.as_deref().unwrap_or("not known here");
        let agrees = match step.agrees {
            Some(true) => "  = key log",
            Some(false) => "  NOT what the key log says",
            None => "",
        };
        match step.name {
            "PSK" | "shared secret" => lines.push(format!("  {:>13} ─► {value}", step.name)),
            "Early Secret" | "Handshake Secret" | "Main Secret" => {
                lines.extend((step.name == "Main Secret").then(|| format!("  {:>13} ─►", "0")));
                lines.push("                 ▼ HKDF-Extract".into());
                lines.push(format!("  {:>16} {value}", step.name));
            }
            _ => {
                lines.push(format!("                 ├─► {} {value}{agrees}", step.name));
                lines.extend(keys(&step));
            }
        }
        if step.name == "Early Secret" || step.name == "s hs traffic" {
            lines.push("                 │ Derive-Secret \"derived\"".into());
        }
    }
}

fn keys(step: &Step) -> Option<String> {
    let (key, iv) = step.key.as_ref().zip(step.iv.as_ref())?;
    Some(format!("                 │     key {key} iv {iv}: {}", step.means))
}
