//! Any bytes as a request, and any words in one whose signature fits: it is read or refused, and no grant goes beyond the lab.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::authority::Grant;
use padlock::authority::policy::typed;
use padlock::certificate::Name;
use padlock::key::{Key, Kind};
use padlock::request::{Request, Subject, check, make, only};
use std::sync::LazyLock;

static KEY: LazyLock<Key> = LazyLock::new(|| Key::generate(Kind::P256).expect("there is randomness"));

fn of_the_lab(name: &Name) -> bool {
    match name {
        // Both top levels are nobody's (RFC 6761 6.2, 6.3), themselves as well as what is below them.
        Name::Dns(host) => ["localhost", "test"].contains(&host.rsplit('.').next().unwrap_or_default()),
        Name::Ip(address) => address.is_loopback(),
        Name::Other(_) => false,
    }
}

fn judge(request: &Request) {
    let Ok(grant) = Grant::requested(request) else { return };
    assert!(!grant.names.is_empty() && grant.names.iter().all(of_the_lab), "{grant:?}");
    let words = [Some(&grant.common_name), grant.country.as_ref(), grant.organisation.as_ref()];
    assert!(words.into_iter().flatten().all(|word| !word.is_empty() && !word.contains(|c: char| c.is_control() || c == '/')), "{grant:?}");
}

fuzz_target!(|data: &[u8]| {
    // Hardly one of these has a signature that fits.
    let _ = only(data).map(|request| judge(&request));
    let _ = check(&data.to_vec().into()).map(|request| judge(&request));
    // These all have: common name, country, organisation, then a name a line.
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let asking = Subject { common_name: lines.next().unwrap_or_default(), country: lines.next(), organisation: lines.next() };
    let names: Vec<Name> = lines.map(typed).collect();
    let Ok(made) = make(&KEY, &asking, &names) else { return };
    let read = only(made.as_bytes()).expect("what we ask for we can read");
    assert_eq!(read.names, names);
    judge(&read);
});
