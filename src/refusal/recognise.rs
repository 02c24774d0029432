//! The way back: from what some program printed to the lesson behind it.

use super::lesson::{Lesson, lesson, lessons};
use std::collections::BTreeSet;

mod browsers;
mod libraries;
mod numbers;
mod tools;

/// So much of a text is looked at. A message is a line or two; whoever pastes a whole log shows enough with this.
pub const TEXT_MAX: usize = 256 * 1024;
/// So many are named when nothing fits.
const NEAREST: usize = 3;
/// So much of a text is compared with what is known: its beginning.
const COMPARED: usize = 300;

/// What a program says, in the form that [`normal`] gives it, and the codes that it may stand for: the likeliest first.
type Phrase = (&'static str, &'static str);

/// What a text was recognised by, and what it may mean.
#[derive(Debug)]
pub struct Recognised {
    /// The part of it that is known.
    pub said: String,
    /// The likeliest first. More than one where the text does not tell causes apart.
    pub lessons: Vec<&'static Lesson>,
}

/// Finds the lesson of a text: a code of ours, a message, a number with the name of its program, alone or in the midst of others.
/// The most that fits decides; words go before numbers.
pub fn recognise(text: &str) -> Option<Recognised> {
    if let Some(lesson) = lesson(text.trim()) {
        return Some(Recognised { said: lesson.code.into(), lessons: vec![lesson] });
    }
    let text = normal(text);
    let said = phrases().filter(|(said, _)| stands_in(&text, said)).map(|(said, codes)| (said.to_string(), codes.to_string()));
    // Of equals the first: max_by_key would take the last.
    let longest = said.fold(None, |best: Option<(String, String)>, one| match best {
        Some(best) if best.0.len() >= one.0.len() => Some(best),
        _ => Some(one),
    });
    let own = || lessons().filter(|lesson| lesson.code.contains('-')).find(|lesson| stands_in(&text, &normal(lesson.code)));
    let found = longest.or_else(|| numbers::in_text(&text)).or_else(|| own().map(|lesson| (normal(lesson.code), lesson.code.into())));
    let (said, codes) = found?;
    Some(Recognised { said, lessons: codes.split(' ').filter_map(lesson).collect() })
}

/// What comes nearest to a text that nobody knows, with the lesson of each.
pub fn nearest(text: &str) -> Vec<(&'static str, &'static Lesson)> {
    let start: String = normal(text).chars().take(COMPARED).collect();
    let ours = pairs(&start);
    let alike = |said: &str| {
        let theirs = pairs(said);
        200 * ours.intersection(&theirs).count() / (ours.len() + theirs.len()).max(1)
    };
    let mut all: Vec<(usize, &str, &Lesson)> = phrases()
        .filter_map(|(said, codes)| Some((alike(said), said, codes.split(' ').next().and_then(lesson)?)))
        .chain(lessons().map(|lesson| (alike(&normal(lesson.code)), lesson.code, lesson)))
        .collect();
    all.sort_by_key(|(alike, ..)| std::cmp::Reverse(*alike));
    all.dedup_by_key(|(_, _, lesson)| lesson.code);
    all.into_iter().take(NEAREST).map(|(_, said, lesson)| (said, lesson)).collect()
}

fn phrases() -> impl Iterator<Item = Phrase> {
    let all = [libraries::OPENSSL, tools::CURL, libraries::NODE, browsers::CHROMIUM, browsers::FIREFOX, libraries::RUSTLS];
    all.into_iter().chain([libraries::LANGUAGES, libraries::ALERTS, tools::OTHERS]).flatten().copied()
}

/// One form for many spellings: small letters; one space for what joins words, `_` and `-` among it; no control characters,
/// and no commands to a terminal.
fn normal(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(TEXT_MAX));
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if plain.len() >= TEXT_MAX {
            break;
        }
        match letter {
            '\u{1b}' => {
                // ESC [ … up to a letter: colour, most likely.
                let mut rest = letters.clone();
                if rest.next() == Some('[') {
                    letters = rest;
                    let _ = letters.by_ref().take(16).find(char::is_ascii_alphabetic);
                }
            }
            '\0' | '\u{feff}' => {} // half of UTF-16
            '’' | '‘' | '`' | '"' => plain.push('\''),
            '_' | '-' | '‐' | '–' => space(&mut plain),
            letter if letter.is_whitespace() || letter.is_control() => space(&mut plain),
            letter => plain.extend(letter.to_lowercase()),
        }
    }
    plain.trim_end().to_string()
}

fn space(text: &mut String) {
    if !text.is_empty() && !text.ends_with(' ') {
        text.push(' ');
    }
}

/// Whether `said` stands in the text as words of its own.
fn stands_in(text: &str, said: &str) -> bool {
    let joins = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    text.match_indices(said).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + said.len()..].chars().next());
        let (first, last) = (said.chars().next(), said.chars().next_back());
        !(joins(before) && joins(first) || joins(after) && joins(last))
    })
}

/// The pairs of letters of a text: two texts that share many are alike.
fn pairs(text: &str) -> BTreeSet<(char, char)> {
    text.chars().zip(text.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests;
