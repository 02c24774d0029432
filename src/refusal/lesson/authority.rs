//! The authority will not sign, or can't.

use super::Whose::You;
use super::{Lesson, row};

#[rustfmt::skip] // a table
pub(super) const LESSONS: &[Lesson] = &[
    row("policy", You, "the authority does not sign such a thing", "ask for what it signs: it says so in the first line", "authority", "RFC 5280 4.2.1.10"),
    row("no-possession", You, "the request's signature does not fit its key: whoever made it need not hold the key", "make it anew: ./ca request --key FILE --name NAME", "request", "RFC 2986 3"),
    row("no-names", You, "the request asks for no name", "make it anew: ./ca request --key FILE --name NAME", "request", "RFC 9525 6.3"),
    row("odd-name", You, "a name can't stand in a certificate", "letters, digits, dots and hyphens", "request", "RFC 5280 4.2.1.6"),
    row("authority-exists", You, "there is an authority already, and it is not replaced", "to begin anew: make clean-certs", "authority", ""),
    row("authority-incomplete", You, "files of the authority are missing", "restore them; or begin anew: make clean-certs && make certs", "authority", ""),
    row("authority-mismatch", You, "the authority's key is not its certificate's", "restore the pair; or begin anew: make clean-certs && make certs", "authority", ""),
    row("authority-odd", You, "the authority's certificate is not one that may sign", "begin anew: make clean-certs && make certs", "authority", ""),
    row("authority-busy", You, "another program is changing the authority right now", "try again in a moment", "authority", ""),
    row("certs-busy", You, "another make certs is running", "wait for it", "authority", ""),
    row("issuer-revoked", You, "the authority that would sign was itself taken back", "begin anew: make clean-certs && make certs", "authority", "RFC 5280 6.3"),
    row("ledger-damaged", You, "the list of what was signed (index.txt) can't be read", "restore it; its form is that of openssl ca", "authority", ""),
    row("sign-failed", You, "the signature could not be made", "look at the key: ./ca show FILE", "authority", ""),
    row("request-failed", You, "the request could not be made", "look at the key: ./ca show FILE", "request", ""),
    row("crl-failed", You, "the revocation list could not be made", "look at the key: ./ca show FILE", "authority", ""),
    row("crl-damaged", You, "a revocation list in the file can't be read", "make a fresh one: ./ca crl", "authority", "RFC 5280 5.1"),
    row("revoked-already", You, "it was taken back before", "nothing to do; ./ca list shows when", "authority", ""),
    row("reason", You, "there is no such reason for taking a certificate back", "keyCompromise, superseded, cessationOfOperation, …", "authority", "RFC 5280 5.3.1"),
    row("several", You, "several certificates answer to that", "name the one by its serial: ./ca list", "authority", ""),
    row("unknown-name", You, "nothing was signed for that name", "see what was: ./ca list", "authority", ""),
    row("unknown-serial", You, "nothing was signed with that serial", "see what was: ./ca list", "authority", ""),
];
