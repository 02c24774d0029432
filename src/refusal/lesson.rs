//! What each code means: the same few sentences for the chapter, for `./client explain` and for scripts.

use serde::Serialize;

mod authority;
mod certificate;
mod chat;
mod connection;
mod file;
mod handshake;
mod machine;
mod ticket;

/// What there is to learn from a failure, whoever met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lesson {
    /// Stable and short: `wrong-name`. The same as in [`Error`](crate::error::Error).
    pub code: &'static str,
    /// Whose side must change.
    pub whose: Whose,
    /// What has happened, in one sentence.
    pub means: &'static str,
    /// What to do about it.
    pub cure: &'static str,
    /// The word to read about it.
    pub chapter: &'static str,
    /// Where it is written, as `RFC 9525 6.3`. Empty where no RFC has a say.
    pub rfc: &'static str,
}

/// Whose side must change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// Who runs the server: its certificate, its settings.
    Server,
    /// Who runs the client: what it shows, asks for, believes.
    Client,
    /// One of the two, and only looking tells which.
    Either,
    /// Who typed the command: a file, a flag, this machine.
    You,
    /// What lies between the two.
    Network,
}

/// The lesson of a code, if it is one of ours.
pub fn lesson(code: &str) -> Option<&'static Lesson> {
    lessons().find(|lesson| lesson.code == code)
}

/// Every lesson, those of [`refusals`] first.
pub fn lessons() -> impl Iterator<Item = &'static Lesson> {
    refusals().chain([machine::LESSONS, authority::LESSONS, ticket::LESSONS, chat::LESSONS].into_iter().flatten())
}

/// The lessons of the chapter's table: what refuses a handshake, a peer, a file.
pub fn refusals() -> impl Iterator<Item = &'static Lesson> {
    [certificate::LESSONS, handshake::LESSONS, connection::LESSONS, file::LESSONS].into_iter().flatten()
}

impl Whose {
    /// `the server`, as part of a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Whose::Server => "the server",
            Whose::Client => "the client",
            Whose::Either => "either side",
            Whose::You => "you",
            Whose::Network => "the network",
        }
    }
}

/// One row of the table, without the names of its fields.
const fn row(
    code: &'static str,
    whose: Whose,
    means: &'static str,
    cure: &'static str,
    chapter: &'static str,
    rfc: &'static str,
) -> Lesson {
    Lesson { code, whose, means, cure, chapter, rfc }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_has_one_lesson_with_a_chapter_to_read() {
        let codes: BTreeSet<&str> = lessons().map(|lesson| lesson.code).collect();
        assert_eq!(codes.len(), lessons().count(), "a code stands twice");
        for Lesson { code, means, cure, chapter, rfc, .. } in lessons() {
            assert!(crate::WORDS.contains(chapter), "{code}: no chapter {chapter}");
            assert!(rfc.is_empty() || rfc.starts_with("RFC "), "{code}: {rfc}");
            for sentence in [means, cure] {
                assert!(!sentence.is_empty() && !sentence.ends_with('.') && !sentence.contains('|'), "{code}: {sentence}");
            }
        }
    }
}
