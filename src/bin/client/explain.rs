//! `./client explain TEXT`: what an error means that somebody has seen somewhere, and what to do about it.

use crate::options::{self, Options};
use crate::output;
use padlock::error::{Error, Result, printable};
use padlock::refusal::{self, Lesson};

/// Explains the text; ends with 1 when it says nothing that is known.
pub fn explain(options: &Options, words: &options::Explain) -> Result<()> {
    let text = words.text.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    match refusal::lesson(text.trim()) {
        Some(lesson) => tell(options, lesson),
        None => {
            return Err(Error::new("unknown-text", format!("nothing is known of \"{}\"", printable(&text)))
                .hint("give the whole message, as it was printed (docs/refusal.md)"));
        }
    }
    Ok(())
}

fn tell(options: &Options, lesson: &Lesson) {
    if options.json {
        return output::line(&serde_json::json!({"version": 1, "lesson": lesson}).to_string());
    }
    output::line(&format!("{}: {}", lesson.code, lesson.means));
    output::line(&format!("whose side must change: {}", lesson.whose.in_words()));
    output::line(&format!("cure: {}", lesson.cure));
    let rfc = if lesson.rfc.is_empty() { String::new() } else { format!(", {}", lesson.rfc) };
    output::line(&format!("read: docs/{}.md{rfc}", lesson.chapter));
}
