//! Does the peer want the whole of it? Preconditions (RFC 9110 13) and ranges (RFC 9110 14).

use super::Head;
use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What a `GET` is answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// 200
    Whole,
    /// 206
    Part(Range<u64>),
    /// 304
    NotModified,
    /// 412
    PreconditionFailed,
    /// 416
    Unsatisfiable,
}

/// Goes through the fields in the order of RFC 9110 13.2.2. `etag` is strong and has its quotes.
pub(super) fn answer(head: &Head, etag: &str, modified: Option<SystemTime>, length: u64) -> Answer {
    if !precondition_holds(head, etag, modified) {
        return Answer::PreconditionFailed;
    }
    if is_fresh(head, etag, modified) {
        return Answer::NotModified;
    }
    if head.method() == "GET" && if_range_holds(head, etag, modified) { range(head, length) } else { Answer::Whole }
}

fn precondition_holds(head: &Head, etag: &str, modified: Option<SystemTime>) -> bool {
    if head.field("if-match").is_some() {
        return lists(head, "if-match", |tag| tag == etag);
    }
    match (date(head.field("if-unmodified-since")), modified) {
        (Some(since), Some(modified)) => whole_seconds(modified) <= since,
        _ => true,
    }
}

/// Has the peer this very content already? `If-None-Match` decides; the date only when it is absent.
fn is_fresh(head: &Head, etag: &str, modified: Option<SystemTime>) -> bool {
    if head.field("if-none-match").is_some() {
        return lists(head, "if-none-match", |tag| tag.strip_prefix("W/").unwrap_or(tag) == etag);
    }
    match (date(head.field("if-modified-since")), modified) {
        (Some(since), Some(modified)) => whole_seconds(modified) <= since,
        _ => false,
    }
}

/// `If-Range`: continue only what has not changed; the comparison is exact (RFC 9110 13.1.5).
fn if_range_holds(head: &Head, etag: &str, modified: Option<SystemTime>) -> bool {
    match head.field("if-range") {
        None => true,
        Some(tag) if tag.ends_with('"') => tag == etag,
        Some(since) => date(Some(since)).is_some_and(|since| modified.map(whole_seconds) == Some(since)),
    }
}

/// One range is honoured. Several, or what is no range of bytes, get the whole (RFC 9110 14.2 allows it).
fn range(head: &Head, length: u64) -> Answer {
    let Some((from, to)) = head.field("range").and_then(asked) else { return Answer::Whole };
    match (from, to) {
        (Some(from), Some(to)) if from > to => Answer::Whole,
        (Some(from), _) if from >= length => Answer::Unsatisfiable,
        (Some(from), to) => Answer::Part(from..to.map_or(length, |to| to.saturating_add(1).min(length))),
        (None, Some(last)) if last == 0 || length == 0 => Answer::Unsatisfiable,
        (None, Some(last)) => Answer::Part(length.saturating_sub(last)..length),
        (None, None) => Answer::Whole,
    }
}

/// `bytes=0-99`, `bytes=100-`, `bytes=-100`.
fn asked(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = text.split_once('=')?;
    let (from, to) = set.trim().split_once('-')?;
    let number = |digits: &str| match digits {
        "" => Some(None),
        // A number too big for 64 bits is past every end.
        _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    unit.trim().eq_ignore_ascii_case("bytes").then_some((number(from)?, number(to)?))
}

fn lists(head: &Head, name: &str, matches: impl Fn(&str) -> bool) -> bool {
    head.fields(name).flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || matches(tag))
}

fn date(text: Option<&str>) -> Option<SystemTime> {
    httpdate::parse_http_date(text?).ok()
}

/// HTTP's dates know no fractions.
fn whole_seconds(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
