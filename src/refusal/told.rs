//! A failure for programs, and for people who want all of it.

use super::lesson;
use crate::certificate::{Summary, date, summary};
use crate::error::{Error, escape, exit};
use rustls::pki_types::CertificateDer;
use serde_json::{Map, Value, json};

/// So many names of a certificate are told; a stranger may put in thousands.
pub(super) const NAMES: usize = 64;

/// The failure as one object: what its two lines say, its lesson, and its facts. Names stay as they are; new ones may come.
pub fn told(error: &Error) -> Value {
    let mut told = json!({"code": error.code, "cause": error.cause, "hint": error.hint, "exit": error.exit});
    if let Some(lesson) = lesson(error.code) {
        (told["means"], told["whose"]) = (lesson.means.into(), json!(lesson.whose));
        (told["chapter"], told["rfc"]) = (lesson.chapter.into(), lesson.rfc.into());
    }
    for (name, value) in &error.facts {
        told[*name] = value.clone();
    }
    json!({"version": 1, "error": told})
}

/// The facts of a failure, one a line: `serial: 4F…`.
pub fn details(error: &Error) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in &error.facts {
        match value {
            Value::Array(items) => lines.extend(items.iter().map(|item| format!("{name}: {}", in_a_line(item)))),
            Value::Object(parts) => lines.extend(parts.iter().map(|(part, value)| format!("{name}: {part}: {}", in_a_line(value)))),
            one => lines.push(format!("{name}: {}", in_a_line(one))),
        }
    }
    lines
}

fn in_a_line(value: &Value) -> String {
    match value {
        Value::String(text) => escape(text),
        Value::Array(items) => items.iter().map(in_a_line).collect::<Vec<_>>().join(", "),
        Value::Object(parts) => parts.values().map(in_a_line).collect::<Vec<_>>().join(": "),
        other => other.to_string(),
    }
}

/// A wrong command line, from the text that clap has for it: its first part is the cause. The hint is its tip, or what may stand
/// there, or else `form`: how the command is written.
pub fn usage(said: &str, form: &str) -> Error {
    let cause = said.split("\n\n").next().unwrap_or(said);
    let mut cause = cause.trim().trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
    for (library, ours) in IN_OUR_WORDS {
        cause = cause.replace(library, ours);
    }
    let tip = said.lines().find_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_string);
    let choice = ["[possible values: ", "[subcommands: "].iter().find_map(|list| cause.find(list).map(|at| (at, list.len())));
    let choice = choice.map(|(at, long)| {
        let choice = cause.split_off(at);
        format!("one of: {}", choice[long..].trim_end_matches(']'))
    });
    let hint = tip.or(choice).unwrap_or_else(|| format!("as in: {form}"));
    Error::new("usage", cause.trim().trim_end_matches('.')).hint(hint).exit(exit::USAGE)
}

/// What numbers say of themselves when they are none.
const IN_OUR_WORDS: [(&str, &str); 4] = [
    ("invalid digit found in string", "it is not a whole number"),
    ("cannot parse integer from empty string", "it is not a whole number"),
    ("number too large to fit in target type", "it is too large"),
    (" is not in 0..=65535", " is no port: they go from 0 to 65535"),
];

/// Which certificate is meant, for scripts.
pub(super) fn certificate(der: &CertificateDer<'_>) -> Value {
    summary(der).map(|said| of(&said)).unwrap_or(Value::Null)
}

fn of(said: &Summary) -> Value {
    let mut told = Map::new();
    let mut put = |name: &str, value: String| told.insert(name.into(), value.into());
    put("subject", said.subject.clone());
    put("issuer", said.issuer.clone());
    put("serial", said.serial.clone());
    put("not_before", date(said.not_before));
    put("not_after", date(said.not_after));
    put("key", said.key.clone());
    put("fingerprint", said.fingerprint.clone());
    told.insert("names".into(), said.names.iter().take(NAMES).map(|name| Value::from(name.to_string())).collect());
    Value::Object(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clap_says_becomes_two_lines() {
        let said = "error: the following required arguments were not provided:\n  --key <FILE>\n\nUsage: client --cert <FILE> --key <FILE> [URL]\n\nFor more information, try '--help'.\n";
        let form = "./client [OPTIONS] [URL]";
        let error = usage(said, form);
        assert_eq!(error.cause, "the following required arguments were not provided: --key <FILE>");
        assert_eq!((error.hint.as_str(), error.exit), ("as in: ./client [OPTIONS] [URL]", 2));
        let error = usage(
            "error: unexpected argument '--jsn' found\n\n  tip: a similar argument exists: '--json'\n\nUsage: client --json [URL]\n",
            form,
        );
        assert_eq!(error.cause, "unexpected argument '--jsn' found");
        assert_eq!(error.hint, "a similar argument exists: '--json'");
        let error = usage("error: invalid value 'x' for '--port <PORT>': invalid digit found in string\n\nFor more", form);
        assert_eq!(error.cause, "invalid value 'x' for '--port <PORT>': it is not a whole number");
        let error = usage("error: invalid value 'x' for '[SERVICES]...'\n  [possible values: web, hello]\n\nFor more", form);
        assert_eq!((error.cause.as_str(), error.hint.as_str()), ("invalid value 'x' for '[SERVICES]...'", "one of: web, hello"));
    }

    #[test]
    fn the_lesson_and_the_facts_go_along() {
        let error = Error::new("wrong-name", "cause").hint("cure").fact("file", "a\u{1b}b").fact("names", vec!["x", "y"]);
        let told = told(&error);
        assert_eq!((&told["error"]["whose"], &told["error"]["rfc"]), (&json!("server"), &json!("RFC 9525 6.3")));
        assert_eq!((&told["error"]["file"], &told["error"]["names"][1]), (&json!("a\u{1b}b"), &json!("y")));
        assert_eq!(details(&error), ["file: a\\u{1b}b", "names: x", "names: y"]);
    }
}
