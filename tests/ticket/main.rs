//! Tickets as people and other people's programs meet them: the pages in two browsers, the attack of one page on another,
//! Node's and Python's WebSockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/browser.rs"]
mod browser;
#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod foreign;
mod hijack;
mod page;
mod practice;

fn main() -> std::process::ExitCode {
    cases::conduct(&[page::CASES, hijack::CASES, foreign::CASES, practice::CASES])
}
