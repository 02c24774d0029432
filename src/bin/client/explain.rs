//! `./client explain TEXT`: what an error means that somebody has seen somewhere, and what to do about it.

use crate::options::{self, Options};
use crate::output;
use padlock::error::{Error, Result, of_system, printable};
use padlock::refusal::{self, Lesson, Recognised};
use serde_json::{Value, json};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;

/// Explains the text; ends with 1 when it says nothing that is known, and names what is nearest.
pub fn explain(options: &Options, words: &options::Explain) -> Result<()> {
    let text = text(words)?;
    let Some(found) = refusal::recognise(&text) else { return Err(unknown(&text)) };
    if options.json {
        output::line(&told(&found).to_string());
    } else {
        lines(&found).iter().for_each(|line| output::line(line));
    }
    Ok(())
}

/// What was typed, or with `-` what comes in: in any encoding, and no more than is looked at.
fn text(words: &options::Explain) -> Result<String> {
    if words.text != ["-"] {
        return Ok(words.text.iter().map(|word| refusal::decode(word.as_bytes())).collect::<Vec<_>>().join(" "));
    }
    let mut bytes = Vec::new();
    let read = io::stdin().take(refusal::TEXT_MAX as u64).read_to_end(&mut bytes);
    read.map_err(|error| {
        Error::new("stdin", format!("standard input can't be read: {}", of_system(&error)))
            .hint("give the text itself: ./client explain TEXT")
    })?;
    Ok(refusal::decode(&bytes))
}

fn unknown(text: &str) -> Error {
    let nearest = refusal::nearest(text);
    let near = match nearest.as_slice() {
        [] => "nothing that is known here comes near it".into(),
        _ => format!("nearest to it: {}", names(&nearest)),
    };
    Error::new("unknown-text", format!("nothing is known of \"{}\"", printable(text.trim())))
        .hint(format!("{near}; give the whole message, as it was printed (docs/refusal.md)"))
        .fact("nearest", nearest.iter().map(|(said, lesson)| json!({"said": said, "code": lesson.code})).collect::<Vec<_>>())
}

fn names(nearest: &[(&str, &Lesson)]) -> String {
    nearest.iter().map(|(said, lesson)| format!("\"{said}\" ({})", lesson.code)).collect::<Vec<_>>().join(", ")
}

fn lines(found: &Recognised) -> Vec<String> {
    let mut lines = Vec::new();
    if let [_, _, ..] = found.lessons.as_slice() {
        let each = found.lessons.iter().map(|lesson| lesson.code).collect::<Vec<_>>().join(", ");
        lines.push(format!("\"{}\" stands for {each}: the likeliest first", found.said));
    }
    for lesson in &found.lessons {
        lines.extend(of(lesson));
    }
    lines
}

fn of(lesson: &Lesson) -> [String; 3] {
    let rfc = if lesson.rfc.is_empty() { String::new() } else { format!(", {}", lesson.rfc) };
    [
        format!("{}: {}", lesson.code, lesson.means),
        format!("  {} must change: {}", lesson.whose.in_words(), lesson.cure),
        format!("  read docs/{}.md{rfc}", lesson.chapter),
    ]
}

/// For programs. Names stay as they are; new ones may come.
fn told(found: &Recognised) -> Value {
    json!({"version": 1, "said": found.said, "lesson": found.lessons.first(), "also": found.lessons.get(1..)})
}
