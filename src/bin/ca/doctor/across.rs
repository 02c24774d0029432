//! What shows only when files are laid side by side: keys, certificates and those who signed them.

use super::file::File;
use padlock::authority::Places;
use padlock::certificate::{check_order, date, is_authority, load_chain, outside, parse, public_key, subject};
use padlock::error::{Error, printable};
use padlock::key::{hex, pem::Item, secret};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate, X509CertificationRequest};
use x509_parser::x509::SubjectPublicKeyInfo;

/// So many authorities of one name are tried for a signature; a hostile file could hold thousands.
const NAMESAKES: usize = 8;

/// Adds to each file what is wrong between it and the others, and between it and the lab's authority.
pub fn compare(files: &mut [File], places: &Places) {
    let lab: Vec<_> =
        [places.root_certificate(), places.intermediate_certificate()].iter().filter_map(|file| load_chain(file).ok()).flatten().collect();
    let mut found = pairs(files);
    found.extend(serials(files));
    found.extend(lists(files));
    let known = Known::new(files, &lab);
    for (place, file) in files.iter().enumerate() {
        found.extend(chain(file, &known).map(|fault| (place, fault)));
        found.extend(certificates(file).flat_map(|der| signer(der, &known)).map(|fault| (place, fault)));
    }
    for (place, fault) in found {
        files[place].faults.push(fault);
    }
}

/// Faults, each with the place of the file that it belongs to.
type Found = Vec<(usize, Error)>;

fn certificates(file: &File) -> impl Iterator<Item = &CertificateDer<'static>> {
    file.items.iter().filter_map(|item| if let Item::Certificate(der) = item { Some(der) } else { None })
}

/// The certificates that are known, by subject.
struct Known<'a>(HashMap<Vec<u8>, Vec<&'a CertificateDer<'static>>>);

impl<'a> Known<'a> {
    fn new(files: &'a [File], lab: &'a [CertificateDer<'static>]) -> Known<'a> {
        let mut known: HashMap<Vec<u8>, Vec<_>> = HashMap::new();
        for der in files.iter().flat_map(certificates).chain(lab) {
            let Ok(certificate) = parse(der) else { continue };
            let namesakes = known.entry(certificate.subject().as_raw().to_vec()).or_default();
            if namesakes.len() < NAMESAKES && !namesakes.contains(&der) {
                namesakes.push(der);
            }
        }
        Known(known)
    }

    fn named(&self, name: &[u8]) -> Vec<(&'a CertificateDer<'static>, X509Certificate<'a>)> {
        self.0.get(name).into_iter().flatten().filter_map(|der| parse(der).ok().map(|parsed| (*der, parsed))).collect()
    }
}

/// Keys and what they might be for. When some of both find no partner, they were meant for each other.
fn pairs(files: &[File]) -> Found {
    let keys: Vec<(usize, &PrivateKeyDer<'_>)> = files
        .iter()
        .enumerate()
        .flat_map(|(place, file)| {
            file.items.iter().filter_map(move |item| if let Item::Key(key) = item { Some((place, key)) } else { None })
        })
        .take(NAMESAKES)
        .collect();
    let mut single = vec![true; keys.len()];
    let mut alone = Vec::new();
    for (place, file) in files.iter().enumerate() {
        // What stands after the first certificate of a chain is other people's.
        let first = file.items.iter().find(|item| matches!(item, Item::Certificate(_) | Item::Request(_)));
        let Some(matched) = first.and_then(|item| fits(item, &keys, &mut single)) else { continue };
        if !matched {
            alone.push(place);
        }
    }
    let Some(key) = single.iter().position(|single| *single).map(|at| &files[keys[at].0].path) else { return Found::new() };
    let key = key.display();
    let told = |place: usize| {
        let file = files[place].path.display();
        let cause = format!("{key} is not its key: it was made for another one");
        let cure = format!(
            "compare the public halves: openssl pkey -in {key} -pubout; openssl x509 -in {file} -noout -pubkey; then sign for that key: ./ca request --key {key} --name localhost, ./ca sign FILE.csr"
        );
        (place, Error::new("key-mismatch", cause).hint(cure))
    };
    alone.into_iter().map(told).collect()
}

/// Whether one of the keys is this one's, and notes which. None: nobody can tell.
fn fits(item: &Item, keys: &[(usize, &PrivateKeyDer<'_>)], single: &mut [bool]) -> Option<bool> {
    let mut of = |public: &SubjectPublicKeyInfo<'_>| {
        let mut sure = !keys.is_empty();
        let mut matched = false;
        for (at, (_, key)) in keys.iter().enumerate() {
            match secret::belongs(key, public) {
                Some(true) => (matched, single[at]) = (true, false),
                Some(false) => {}
                None => sure = false,
            }
        }
        (matched || sure).then_some(matched)
    };
    match item {
        Item::Certificate(der) => of(parse(der).ok()?.public_key()),
        Item::Request(der) => of(&X509CertificationRequest::from_der(der).ok()?.1.certification_request_info.subject_pki),
        _ => None,
    }
}

/// One serial of one issuer on two certificates.
fn serials(files: &[File]) -> Found {
    let mut seen = HashMap::new();
    let mut found = Found::new();
    for (place, file) in files.iter().enumerate() {
        for der in certificates(file) {
            let Ok(certificate) = parse(der) else { continue };
            let number = (certificate.issuer().as_raw().to_vec(), certificate.raw_serial().to_vec());
            let (other, first) = *seen.entry(number).or_insert((place, der));
            if first != der {
                let (who, whose) = (printable(&subject(certificate.subject())), printable(&subject(certificate.issuer())));
                let cause = format!(
                    "{who} has the serial {} of {whose}, as another certificate in {} has",
                    hex(certificate.raw_serial()),
                    files[other].path.display()
                );
                let cure = "Firefox refuses both (SEC_ERROR_REUSED_ISSUER_AND_SERIAL); with openssl: leave -set_serial out; here ./ca sign takes a new one each time";
                found.push((place, Error::new("serial-reused", cause).hint(cure)));
            }
        }
    }
    found
}

/// Certificates that one of the lists takes back.
fn lists(files: &[File]) -> Found {
    let mut revoked = HashMap::new();
    for file in files {
        for item in &file.items {
            let Item::Crl(der) = item else { continue };
            let Ok((_, list)) = CertificateRevocationList::from_der(der) else { continue };
            for entry in list.iter_revoked_certificates() {
                revoked.insert(
                    (list.issuer().as_raw().to_vec(), entry.raw_serial().to_vec()),
                    (entry.revocation_date.to_datetime(), &file.path),
                );
            }
        }
    }
    let mut found = Found::new();
    for (place, file) in files.iter().enumerate() {
        for certificate in certificates(file).filter_map(|der| parse(der).ok()) {
            if let Some((at, list)) = revoked.get(&(certificate.issuer().as_raw().to_vec(), certificate.raw_serial().to_vec())) {
                let cause = format!("{} was taken back on {} ({})", printable(&subject(certificate.subject())), date(*at), list.display());
                found.push((
                    place,
                    Error::new("revoked", cause)
                        .hint("it never becomes good again: sign another, ./ca sign server NAME; with openssl: ca -in CSR"),
                ));
            }
        }
    }
    found
}

/// The order of a host's chain, and whether it goes on to a root. A file of authorities has no order.
fn chain(file: &File, known: &Known<'_>) -> Option<Error> {
    let ders: Vec<_> = certificates(file).cloned().collect();
    let parsed: Vec<_> = ders.iter().filter_map(|der| parse(der).ok()).collect();
    let (first, last) = (parsed.first()?, parsed.last()?);
    if is_authority(first) {
        let leaf = parsed.iter().position(|certificate| !is_authority(certificate))?;
        let cause = format!("it is out of order: the leaf is certificate {} of {}, and must come first", leaf + 1, parsed.len());
        return Some(
            Error::new("chain-reversed", cause)
                .hint("leaf first, then who signed it: cat leaf.crt intermediate.crt > fullchain.pem; ./ca sign writes it so"),
        );
    }
    if let Err(fault) = check_order(&ders, &file.path) {
        return Some(fault);
    }
    if last.subject().as_raw() == last.issuer().as_raw() {
        return None;
    }
    let above = known.named(last.issuer().as_raw());
    let is_root = |(_, issuer): &(_, X509Certificate<'_>)| issuer.subject().as_raw() == issuer.issuer().as_raw();
    let is_link = if above.is_empty() { says_where(last) } else { !above.iter().any(is_root) };
    is_link.then(|| {
        let (who, issuer) = (printable(&subject(last.subject())), printable(&subject(last.issuer())));
        Error::new("chain-incomplete", format!("a server must send {issuer}, too, who signed {who}: it is no root, so clients don't have it"))
            .hint("cat leaf.crt intermediate.crt > fullchain.pem, with openssl s_server -cert_chain; here: name the .fullchain.pem that ./ca sign has written")
    })
}

/// Whether it says where its issuer's certificate can be had (authorityInfoAccess): then that one is no root.
fn says_where(certificate: &X509Certificate<'_>) -> bool {
    certificate.extensions().iter().any(|extension| matches!(extension.parsed_extension(), ParsedExtension::AuthorityInfoAccess(_)))
}

/// Whether who signed it, as far as that one is here, did sign it, and might.
fn signer(der: &CertificateDer<'_>, known: &Known<'_>) -> Vec<Error> {
    let Ok(certificate) = parse(der) else { return Vec::new() };
    let above = known.named(certificate.issuer().as_raw());
    // Signatures by such keys can't be checked here, and the key is a fault of its own.
    let unchecked = above.iter().any(|(_, one)| secret::weak(&public_key(one.public_key()), "", "").is_some());
    if unchecked || above.is_empty() || certificate.subject().as_raw() == certificate.issuer().as_raw() {
        return Vec::new();
    }
    let (who, issuer) = (printable(&subject(certificate.subject())), printable(&subject(certificate.issuer())));
    let Some((above, signer)) = above.iter().find(|(_, one)| certificate.verify_signature(Some(one.public_key())).is_ok()) else {
        return vec![Error::new("chain-signature", format!("{who} names {issuer} as who signed it, but the one of that name here did not"))
            .hint("the authority was made again since, or the certificate was changed: have it signed again, ./ca sign server NAME; with openssl: x509 -req -CA AUTHORITY.crt -CAkey AUTHORITY.key")];
    };
    let mut found = Vec::new();
    let basic = signer.basic_constraints().ok().flatten().map(|basic| basic.value);
    match basic {
        Some(basic) if basic.ca => {
            if basic.path_len_constraint == Some(0) && certificate.is_ca() {
                found.push(Error::new("path-length", format!("{who} is an authority, and {issuer}, who signed it, may have none below it (pathlen:0)"))
                    .hint("sign it with an authority further up; with openssl: basicConstraints=critical,CA:TRUE,pathlen:1 for that one; here: ./ca chain makes long ones"));
            }
        }
        _ => {
            found.push(Error::new("leaf-as-ca", format!("{who} was signed by {issuer}, which is no authority (no CA:TRUE)")).hint(
                "with openssl, the authority needs -addext basicConstraints=critical,CA:TRUE; here: ./ca found, ./ca sign server NAME",
            ))
        }
    }
    found.extend(outside(der, above).ok().flatten());
    found
}
