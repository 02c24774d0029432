//! One function for each way of being wrong. What it does differs from what the authority would do by as little as can be, so
//! that there is one thing to complain of.

use super::bench::{Bench, Chain, Order};
use super::{edit, identifier};
use crate::authority::chain::{self, Authority};
use crate::authority::issuer::copy_name;
use crate::authority::{Charter, Grant, signer};
use crate::certificate::{Name, parse, san, self_sign, serial};
use crate::error::Result;
use crate::key::{Key, Kind};
use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyUsagePurpose, PublicKeyData};
use std::net::{IpAddr, Ipv4Addr};
use time::Duration;

/// Makes the chain of one entry.
pub type Make = fn(&Bench, &Order<'_>) -> Result<Chain>;

const DAY: Duration = Duration::DAY;

/// Nothing is wrong.
pub fn good(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |_| {})
}

/// `*.wildcard.localhost`, whatever below it is asked for.
pub fn wildcard(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    named(bench, order, &[Name::Dns("*.wildcard.localhost".into())])
}

pub fn top_wildcard(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    named(bench, order, &[Name::Dns("*.localhost".into())])
}

pub fn wrong_host(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    named(bench, order, &[Name::Dns("elsewhere.localhost".into())])
}

pub fn ip_only(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    named(bench, order, &[Name::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST))])
}

/// 192.0.2.1 is nobody's (RFC 5737), and outside of what the root allows.
pub fn name_constraint(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    named(bench, order, &[Name::Dns(order.host.clone()), Name::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)))])
}

/// The name stands in the CN, as it did long ago.
pub fn cn_only(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| {
        leaf.subject_alt_names.clear();
        leaf.distinguished_name.push(rcgen::DnType::CommonName, order.host.as_str());
    })
}

pub fn expired(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| (leaf.not_before, leaf.not_after) = (bench.now - 90 * DAY, bench.now - DAY))
}

/// Begins after the gallery has been made anew.
pub fn not_yet_valid(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| leaf.not_before = bench.now + 60 * DAY)
}

/// The leaf is good; who signed it is out of date.
pub fn expired_intermediate(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut above = bench.authority("Expired", |own| (own.not_before, own.not_after) = (bench.now - 90 * DAY, bench.now - DAY))?;
    above.until = bench.own.until; // let the leaf outlive it
    bench.chain_below(&above, order, |_| {})
}

/// Longer than any leaf of the lab's, and longer than who signed it.
pub fn too_long(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut above = bench.authority("Patient", |own| own.not_after = bench.now + 1100 * DAY)?;
    above.until = bench.now + 1100 * DAY;
    bench.chain_below(&above, order, |leaf| leaf.not_after = bench.now + 1000 * DAY)
}

pub fn self_signed(_: &Bench, order: &Order<'_>) -> Result<Chain> {
    Ok(vec![self_sign(order.key, "self-signed", &[Name::Dns(order.host.clone())], 90 * DAY)?.der])
}

/// All is well, but for the root, whom nobody here believes.
pub fn untrusted_root(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    stranger(bench, order).map(|(chain, _)| chain)
}

pub fn untrusted_root_sent(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let (mut chain, root) = stranger(bench, order)?;
    chain.push(root.signed.der);
    Ok(chain)
}

fn stranger(bench: &Bench, order: &Order<'_>) -> Result<(Chain, Authority)> {
    let charter = Charter::new("Stranger", 90 * DAY)?;
    let root = chain::authority("Root", &charter, 1, None)?;
    let above = chain::authority("Intermediate", &charter, 0, Some(&root))?;
    Ok((bench.chain_below(&above, order, |_| {})?, root))
}

/// A root with the very name of the lab's, and another key: what comes of making an authority twice.
pub fn same_name_authority(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let (key, charter) = (Key::generate(Kind::P256)?, Charter::new("Padlock", 90 * DAY)?);
    let mut params = signer("Root", &key, &charter, 1);
    params.distinguished_name = copy_name(parse(bench.root())?.subject())?;
    let until = params.not_after;
    let (params, signed) = chain::sign(params, &key, None)?;
    let root = Authority { signed, until, issuer: rcgen::Issuer::new(params, key.into_pair()) };
    let above = chain::authority("Gallery", &charter, 0, Some(&root))?;
    bench.chain_below(&above, order, |_| {})
}

pub fn missing_intermediate(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut chain = good(bench, order)?;
    chain.truncate(1);
    Ok(chain)
}

pub fn reversed_chain(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut chain = good(bench, order)?;
    chain.reverse();
    Ok(chain)
}

/// The leaf says CA:TRUE. Its key usage lets it sign nothing, and its authority's path length neither.
pub fn ca_as_leaf(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)))
}

/// A leaf signs a leaf.
pub fn leaf_as_ca(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let key = Key::generate(Kind::P256)?;
    let params = bench.params("poser.localhost", |_| {})?;
    let (params, signed) = chain::sign(params, &key, Some(&bench.own))?;
    let poser = Authority { signed, until: params.not_after, issuer: rcgen::Issuer::new(params, key.into_pair()) };
    let mut chain = bench.chain_below(&poser, order, |_| {})?;
    chain.push(bench.own.signed.der.clone());
    Ok(chain)
}

/// The gallery's authority has path length 0: none may be below it.
pub fn pathlen(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let below = chain::authority("Below", &Charter::new("Padlock", 90 * DAY)?, 0, Some(&bench.own))?;
    let mut chain = bench.chain_below(&below, order, |_| {})?;
    chain.push(bench.own.signed.der.clone());
    Ok(chain)
}

pub fn client_usage(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
}

pub fn key_usage(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| leaf.key_usages = vec![KeyUsagePurpose::ContentCommitment])
}

/// An extension that nobody knows, and that says that nobody may ignore it. The number is from the arc for examples.
pub fn unknown_critical(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    bench.chain(order, |leaf| {
        let mut odd = CustomExtension::from_oid_content(&[2, 999, 1], vec![5, 0]); // NULL
        odd.set_criticality(true);
        leaf.custom_extensions.push(odd);
    })
}

/// Made for a key that the server does not have: what a thief can show who has the certificate alone.
pub fn wrong_key(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let others = Key::generate(Kind::P256)?;
    bench.chain(&Order { host: order.host.clone(), key: &others }, |_| {})
}

/// One letter was changed after it had been signed.
pub fn tampered(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut chain = bench.chain(&Order { host: order.host.replace("tampered", "tempered"), key: order.key }, |_| {})?;
    chain[0] = edit::replaced(&chain[0], b"tempered", b"tampered");
    Ok(chain)
}

pub fn v1(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut chain = good(bench, order)?;
    chain[0] = edit::version_1(&chain[0], bench.own.issuer.key())?;
    Ok(chain)
}

/// No library here signs with SHA-1 any more. So the certificate says that it was, and who reads that stops there.
pub fn sha1(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let mut chain = good(bench, order)?;
    chain[0] = edit::says_sha1(&chain[0], bench.own.issuer.key())?;
    Ok(chain)
}

/// No library here signs with so short a key. So it is an authority's, which only has to be read; what it is said to have
/// signed, a key of decent length did.
pub fn rsa_1024(bench: &Bench, order: &Order<'_>) -> Result<Chain> {
    let charter = Charter::new("Padlock", 90 * DAY)?;
    let mut params = signer("Weak", order.key, &charter, 0);
    params.use_authority_key_identifier_extension = true;
    let weak = bench.authority_for(params.clone(), &Weak)?;
    params.key_identifier_method = KeyIdMethod::PreSpecified(identifier(&weak.der)?);
    let issuer = rcgen::Issuer::new(params, bench.key(Kind::Rsa3072)?.pair());
    let mut leaf = Grant::server(&[Name::Dns(order.host.clone())])?.certificate(bench.now)?;
    leaf.serial_number = Some(serial()?);
    let leaf = leaf.signed_by(order.key.pair(), &issuer).map_err(chain::unsigned)?;
    Ok(vec![leaf.into(), weak.der])
}

fn named(bench: &Bench, order: &Order<'_>, names: &[Name]) -> Result<Chain> {
    let names = names.iter().map(san).collect::<Result<_>>()?;
    bench.chain(order, |leaf| leaf.subject_alt_names = names)
}

/// The public half of an RSA key of 1,024 bits: a random number that ends in 1, whose factors nobody has looked for.
struct Weak;

impl PublicKeyData for Weak {
    fn der_bytes(&self) -> &[u8] {
        &WEAK
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// RSAPublicKey (RFC 8017 A.1.1).
#[rustfmt::skip]
const WEAK: [u8; 140] = [
    0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00, 0xe2, 0x94, 0xf3, 0x42, 0xb2, 0x67, 0xf1, 0x72, 0x1f, 0x31, 0xce, 0x08, 0x43,
    0xaa, 0xd4, 0x46, 0xbb, 0xfc, 0xd4, 0x74, 0x98, 0xc5, 0x72, 0x39, 0xc9, 0xc4, 0x3f, 0x83, 0x50, 0xa0, 0x99, 0x60, 0xa8,
    0xfa, 0x17, 0x58, 0xc1, 0x9a, 0x8f, 0x3e, 0x96, 0x8e, 0x5c, 0x4b, 0xa3, 0xa1, 0xce, 0xe6, 0x30, 0x21, 0x31, 0x20, 0xb3,
    0x85, 0xf1, 0xfa, 0xb3, 0x1f, 0x5e, 0xc0, 0x29, 0x4d, 0x3d, 0xdd, 0x13, 0xd6, 0x70, 0x53, 0xc1, 0x47, 0x7d, 0x76, 0x02,
    0x53, 0xbb, 0x93, 0x98, 0x73, 0x35, 0xda, 0x44, 0x52, 0xac, 0x45, 0x4e, 0x20, 0xa1, 0xc5, 0x42, 0x5a, 0x51, 0x6b, 0xc9,
    0x98, 0x76, 0x2e, 0x23, 0x51, 0xe8, 0x61, 0x24, 0x17, 0xa5, 0xfc, 0x60, 0xc0, 0x54, 0x5f, 0x57, 0x27, 0xe7, 0x16, 0xe9,
    0x2d, 0xb4, 0xe2, 0xe8, 0x42, 0x2e, 0xd5, 0xcd, 0x90, 0xf8, 0x96, 0xac, 0x28, 0x11, 0x23, 0x02, 0x03, 0x01, 0x00, 0x01,
];
