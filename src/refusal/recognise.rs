//! The way back: from what some program printed to the lesson behind it.

use super::lesson::{Lesson, lesson, lessons};
use std::collections::BTreeSet;

mod browsers;
mod libraries;
mod numbers;
mod systems;
mod tools;

/// So much of a text is looked at. A message is a line or two; whoever pastes a whole log shows enough with this.
pub const TEXT_MAX: usize = 256 * 1024;
/// So many are named when nothing fits.
const NEAREST: usize = 3;
/// Of a hundred pairs of letters a text must share so many with what is known: by chance it is up to fifty.
const NEAR: usize = 55;
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

/// The text in what a program printed: UTF-8, UTF-16 with its mark as PowerShell writes it, or one of the Latin encodings, of which
/// quotes, hyphens and spaces are told and letters with accents are not.
pub fn decode(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        String::from_utf16_lossy(&rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect::<Vec<_>>())
    };
    let latin = |byte: &u8| match byte {
        0..=0x7f => char::from(*byte),
        0x91..=0x94 => '\'',
        0x96 | 0x97 | 0xad => '-',
        0x80..=0xbf => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] if rest.contains(&0) => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] if rest.contains(&0) => wide(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(latin).collect(), str::to_string),
    }
}

/// What comes nearest to a text that nobody knows, with the lesson of each. Empty where nothing is near.
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
    all.retain(|(alike, ..)| *alike >= NEAR);
    all.sort_by_key(|(alike, ..)| std::cmp::Reverse(*alike));
    let mut told = BTreeSet::new();
    all.retain(|(_, _, lesson)| told.insert(lesson.code));
    all.into_iter().take(NEAREST).map(|(_, said, lesson)| (said, lesson)).collect()
}

fn phrases() -> impl Iterator<Item = Phrase> {
    let all = [libraries::OPENSSL, tools::CURL, libraries::NODE, browsers::CHROMIUM, browsers::FIREFOX, libraries::RUSTLS];
    let systems = [systems::GNUTLS, systems::WINDOWS, systems::DOTNET, systems::APPLE];
    all.into_iter().chain(systems).chain([libraries::LANGUAGES, libraries::ALERTS, tools::OTHERS]).flatten().copied()
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
            '\0' | '\u{feff}' => {}                               // half of UTF-16
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' => {} // seen by nobody
            '’' | '‘' | '“' | '”' | '„' | '`' | '"' => plain.push('\''),
            '_' | '-' | '\u{2010}'..='\u{2015}' | '−' => space(&mut plain),
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
