//! A certificate that is good, but made for another name (RFC 9525 6).

use super::told::NAMES;
use crate::certificate::{Name, Summary, escape, summary};
use crate::error::Error;
use crate::trust::is_lab_name;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use std::net::IpAddr;

/// More names than this are counted, not listed: a certificate may hold thousands.
const LISTED: usize = 8;

/// Says what the leaf is made for beside what was asked, and why the nearest of its names is none.
pub(super) fn wrong(chain: &[CertificateDer<'_>], asked: Option<&ServerName<'_>>) -> Error {
    let asked = asked.map_or_else(|| "another name".into(), ServerName::to_str);
    let Some(leaf) = chain.first().and_then(|der| summary(der).ok()) else {
        return Error::new("wrong-name", format!("it is not made for {asked}")).hint(sign_for(&asked));
    };
    let matches = json!(matches(&leaf));
    let error = if leaf.names.is_empty() {
        without_names(&leaf, &asked)
    } else {
        let near = leaf.names.iter().find_map(|name| near_miss(name, &asked));
        let error = Error::new("wrong-name", format!("made for {}, but you asked for {asked}", listed(&leaf.names)));
        error.hint(near.unwrap_or_else(|| sign_for(&asked)))
    };
    error.fact("asked", asked.as_ref()).fact("names", matches)
}

/// Each name of the certificate, and what it would have been good for.
fn matches(leaf: &Summary) -> Vec<Value> {
    let cn = leaf.common_name.as_ref().filter(|_| leaf.names.is_empty());
    let cn = cn.map(|cn| json!({"name": format!("CN={cn}"), "would_match": "nothing: the CN is not looked at (RFC 9525 2)"}));
    let names = leaf.names.iter().take(NAMES).map(|name| json!({"name": name.to_string(), "would_match": good_for(name)}));
    cn.into_iter().chain(names).collect()
}

fn good_for(name: &Name) -> String {
    match name {
        Name::Dns(name) if name.parse::<IpAddr>().is_ok() => "nothing: an address must be an IP name (RFC 9525 6.3)".into(),
        Name::Dns(name) => match name.strip_prefix("*.") {
            Some(parent) => format!("exactly one label before .{}", escape(parent)),
            None if name.contains('*') => "nothing: a wildcard is the whole first label (RFC 9525 6.3)".into(),
            None => format!("{}, and no name below it", escape(name)),
        },
        Name::Ip(address) => format!("the address {address}, asked for as an address"),
        Name::Other(_) => "no host".into(),
    }
}

/// The names of the leaf, for other refusals.
pub(super) fn list(chain: &[CertificateDer<'_>]) -> String {
    chain.first().and_then(|der| summary(der).ok()).map_or_else(|| "its names".into(), |leaf| listed(&leaf.names))
}

fn without_names(leaf: &Summary, asked: &str) -> Error {
    let cause = match &leaf.common_name {
        Some(cn) => format!("it names no host: {cn} stands in its CN only, where nobody looks any more, and you asked for {asked}"),
        None => format!("it names no host at all, and you asked for {asked}"),
    };
    Error::new("wrong-name", cause).hint(format!("names belong in subjectAltName: ./ca sign server {asked} (docs/certificate.md)"))
}

/// Why a name that looks right is not.
fn near_miss(name: &Name, asked: &str) -> Option<String> {
    let Name::Dns(made_for) = name else { return None };
    if asked.parse::<IpAddr>().is_ok() {
        return (made_for == asked)
            .then(|| format!("{asked} is in it as a DNS name, an address must be an IP name: ./ca sign server {asked} (docs/trust.md)"));
    }
    let parent = made_for.strip_prefix("*.")?.to_ascii_lowercase();
    let asked = asked.to_ascii_lowercase();
    let one_label = format!("{made_for} stands for exactly one label before .{parent}");
    if asked == parent {
        return Some(format!("{one_label}, not for {parent} itself: ./ca sign server {asked} (docs/trust.md)"));
    }
    asked.ends_with(&format!(".{parent}")).then(|| format!("{one_label}: ./ca sign server {asked} (docs/trust.md)"))
}

/// The lab's authority can sign for the lab's names only.
fn sign_for(asked: &str) -> String {
    match ServerName::try_from(asked) {
        Ok(name) if !is_lab_name(&name) => {
            format!("ask for a name that it has; else who runs the server must have one signed for {asked} (docs/trust.md)")
        }
        _ => format!("ask for a name that it has, or sign a new one: ./ca sign server {asked} (docs/trust.md)"),
    }
}

fn listed(names: &[Name]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(text).collect();
    match names.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{} and {more} more names", shown.join(", ")),
        _ if shown.is_empty() => "no name".into(),
        _ => shown.join(", "),
    }
}

fn text(name: &Name) -> String {
    match name {
        Name::Dns(name) | Name::Other(name) => escape(name),
        Name::Ip(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_explained_when_it_nearly_fits() {
        let wildcard = Name::Dns("*.example.test".into());
        assert!(near_miss(&wildcard, "example.test").unwrap().contains("not for example.test itself"));
        assert!(near_miss(&wildcard, "a.b.EXAMPLE.test").unwrap().contains("exactly one label before .example.test"));
        assert_eq!(near_miss(&wildcard, "other.test"), None);
        assert_eq!(near_miss(&wildcard, "badexample.test"), None);
    }

    #[test]
    fn each_name_says_what_it_would_have_matched() {
        let table = [
            (Name::Dns("*.a.test".into()), "exactly one label before .a.test"),
            (Name::Dns("w*.a.test".into()), "nothing: a wildcard is the whole first label (RFC 9525 6.3)"),
            (Name::Dns("a.test".into()), "a.test, and no name below it"),
            (Name::Dns("127.0.0.1".into()), "nothing: an address must be an IP name (RFC 9525 6.3)"),
            (Name::Ip(IpAddr::from([127, 0, 0, 1])), "the address 127.0.0.1, asked for as an address"),
            (Name::Other("email:a@b.test".into()), "no host"),
        ];
        for (name, matches) in table {
            assert_eq!(good_for(&name), matches);
        }
    }

    #[test]
    fn an_address_among_the_dns_names_is_explained() {
        assert!(near_miss(&Name::Dns("127.0.0.1".into()), "127.0.0.1").unwrap().contains("must be an IP name"));
        assert_eq!(near_miss(&Name::Dns("localhost".into()), "127.0.0.1"), None);
    }

    #[test]
    fn a_thousand_names_are_counted_not_listed() {
        let names: Vec<Name> = (0..1000).map(|n| Name::Dns(format!("n{n}.test"))).collect();
        let text = listed(&names);
        assert!(text.starts_with("n0.test, n1.test") && text.ends_with("and 992 more names"), "{text}");
    }
}
