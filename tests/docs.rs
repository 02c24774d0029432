//! The chapters: one shape, fences that something checks, links that lead somewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{checkout, tracked};
use padlock::WORDS;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The headings of a chapter, in order.
const SHAPE: [&str; 8] = ["Idea", "Picture", "Read beside", "Lab", "What goes wrong", "On the wire", "Try", "Sources"];

/// Long enough to teach one thing, short enough to read in one sitting.
const LINES: std::ops::RangeInclusive<usize> = 80..=180;

fn chapter(word: &str) -> String {
    fs::read_to_string(checkout().join("docs").join(word).with_extension("md")).unwrap()
}

fn documents() -> Vec<(PathBuf, String)> {
    let markdown = tracked().into_iter().filter(|file| file.extension().is_some_and(|e| e == "md"));
    markdown.map(|file| (file.clone(), fs::read_to_string(checkout().join(&file)).unwrap())).collect()
}

/// The lines of a document outside of its fences.
fn prose(document: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside: Option<&str> = None;
    document.lines().enumerate().map(|(number, line)| (number + 1, line)).filter(move |(_, line)| {
        let fence = &line[..line.len() - line.trim_start_matches('`').len()];
        match inside {
            Some(opened) if fence == opened => inside = None,
            Some(_) => {}
            None if fence.len() >= 3 => inside = Some(fence),
            None => return true,
        }
        false
    })
}

fn headings(document: &str) -> Vec<&str> {
    prose(document).filter_map(|(_, line)| line.strip_prefix("#")).map(|heading| heading.trim_start_matches('#').trim()).collect()
}

#[test]
fn every_chapter_has_the_same_shape() {
    let mut wrong = Vec::new();
    for word in WORDS {
        let text = chapter(word);
        let found: Vec<&str> = prose(&text).filter_map(|(_, line)| line.strip_prefix("## ")).collect();
        // A table of codes is looked up, not read.
        let read = text.lines().filter(|line| !line.starts_with("| `")).count();
        if !text.starts_with(&format!("# {word}")) || found != SHAPE || !LINES.contains(&read) {
            wrong.push(format!("docs/{word}.md: {} lines, headings {found:?}", text.lines().count()));
        }
    }
    assert!(wrong.is_empty(), "a chapter is `# word`, then {SHAPE:?} as `## ` headings, {LINES:?} lines:\n{}", wrong.join("\n"));
}

#[test]
fn every_fence_is_one_that_a_test_or_the_compiler_reads() {
    for (file, text) in documents() {
        let mut opened = "";
        for (number, line) in text.lines().enumerate() {
            let fence = &line[..line.len() - line.trim_start_matches('`').len()];
            let (opens, closes) = (opened.is_empty() && fence.len() >= 3, !opened.is_empty() && line == opened);
            let known = !opens || ["console", "text", "rust"].contains(&&line[fence.len()..]);
            assert!(known, "{}:{}: a fence is console, text or rust, not {line}", file.display(), number + 1);
            opened = if opens {
                fence
            } else if closes {
                ""
            } else {
                opened
            };
        }
        assert!(opened.is_empty(), "{}: a fence is never closed", file.display());
    }
}

#[test]
fn every_chapter_runs_something_and_shows_a_refusal() {
    let mut wrong = Vec::new();
    for word in WORDS {
        let text = chapter(word);
        for (heading, needle) in [("Lab", "```console\n$ "), ("What goes wrong", "```console\n$ "), ("Read beside", "](crate::")] {
            let section = text.split(&format!("\n## {heading}\n")).nth(1).and_then(|rest| rest.split("\n## ").next());
            if !section.is_some_and(|section| section.contains(needle)) {
                wrong.push(format!("docs/{word}.md: no {needle:?} below {heading:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Job 1 of a reader is the `./server` that the README has started.
#[test]
fn no_lab_ends_a_job_by_its_number() {
    for (path, text) in documents() {
        assert!(!text.contains("kill %"), "{}: name the process: & it=$! and kill $it", path.display());
    }
}

#[test]
fn every_link_to_a_file_leads_to_a_tracked_one() {
    let known = tracked();
    for (file, text) in documents() {
        for (number, line) in prose(&text) {
            for target in targets(line) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let here = normal(&file.parent().unwrap().join(path));
                let there = if path.is_empty() { file.clone() } else { here };
                let exists = known.iter().any(|f| *f == there || f.starts_with(&there));
                assert!(exists, "{}:{number}: {target} leads to nothing that is tracked", file.display());
                let aimed = anchor.is_empty() || has_anchor(&there, anchor);
                assert!(aimed, "{}:{number}: {target}: no heading of that name", file.display());
            }
        }
    }
}

/// What the links in a line point at, apart from addresses, items of the crate and pages that a server makes.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.filter(|link| !link.contains("://") && !link.contains("::") && !link.starts_with('/') && !link.starts_with("mailto:"))
}

fn has_anchor(file: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(checkout().join(file)).unwrap_or_default();
    let id = |heading: &str| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect::<String>()
    };
    headings(&text).into_iter().any(|heading| id(heading) == anchor)
}

/// `docs/../src/key.rs` is `src/key.rs`.
fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<&std::ffi::OsStr> = Vec::new();
    for part in path.iter().filter(|part| *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.iter().collect()
}
