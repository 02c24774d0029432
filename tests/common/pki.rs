//! Authorities and certificates made on the spot, good ones and every kind of bad one.

use padlock::certificate::Identity;
use padlock::tls::{self, Failure, Settings};
use padlock::trust::{Presented, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SigningKey,
};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// An authority and its key.
pub struct Authority {
    pub certificate: CertificateDer<'static>,
    pub issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn root(name: &str) -> Authority {
        Authority::root_with(name, |_| {})
    }

    pub fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = authority_params(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    pub fn below(&self, name: &str) -> Authority {
        self.below_with(name, |_| {})
    }

    pub fn below_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = authority_params(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    /// A server's certificate for these names; an address becomes an IP name.
    pub fn leaf(&self, names: &[&str]) -> Identity {
        self.leaf_with(names, |_| {})
    }

    pub fn leaf_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = leaf_params(names);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        identity(vec![leaf], &key)
    }

    pub fn trusted(&self) -> Trust {
        Trust::certificates("the test's authority", std::slice::from_ref(&self.certificate)).unwrap()
    }
}

/// A certificate that signs itself.
pub fn self_signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = leaf_params(names);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    identity(vec![params.self_signed(&key).unwrap().der().clone()], &key)
}

pub fn identity(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Identity {
    Identity { chain, key: key.serialize_der().try_into().unwrap() }
}

/// The same identity with these certificates after its leaf.
pub fn with_chain(who: Identity, others: &[&Authority]) -> Identity {
    let chain = who.chain.into_iter().take(1).chain(others.iter().map(|a| a.certificate.clone())).collect();
    Identity { chain, key: who.key }
}

pub fn days(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + time::Duration::days(days)
}

pub fn leaf_params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        })
        .collect();
    (params.not_before, params.not_after) = (days(-1), days(30));
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = leaf_params(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages.clear();
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Both ends of a handshake over a real socket: what the client and the server ended with.
pub struct Ends {
    pub client: Result<(), Failure>,
    pub server: Result<(), Failure>,
    pub presented: Presented,
}

/// A handshake in which the server shows `who`, whatever is wrong with it, and the client asks for `asked`.
pub fn handshake(who: &Identity, trust: &Trust, asked: &str) -> Ends {
    handshake_with(unchecked(who), trust, asked, &Settings::default())
}

pub fn handshake_with(server: Arc<ServerConfig>, trust: &Trust, asked: &str, settings: &Settings) -> Ends {
    let presented = Presented::default();
    let client = tls::client(None, trust, presented.clone(), settings).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    for end in [&ours, &theirs] {
        end.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    let serving = std::thread::spawn(move || tls::accept(theirs, &server).map(|_| ()).map_err(|(failure, _)| failure));
    let asked = ServerName::try_from(asked.to_string()).unwrap();
    let client = tls::connect(ours, asked, &client).map(|_| ()).map_err(|(failure, _)| failure);
    Ends { client, server: serving.join().unwrap(), presented }
}

/// A server that shows a certificate without looking at it, as OpenSSL's would.
pub fn unchecked(who: &Identity) -> Arc<ServerConfig> {
    #[derive(Debug)]
    struct Shows(Arc<CertifiedKey>);
    impl ResolvesServerCert for Shows {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(who.key.clone_key()).unwrap();
    let shows = Shows(Arc::new(CertifiedKey::new(who.chain.clone(), key)));
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(shows)))
}

/// A certificate as a PEM file holds it (RFC 7468).
pub fn pem(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in der.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            text.push(if place <= chunk.len() { LETTERS[(group >> (18 - 6 * place)) as usize & 63].into() } else { '=' });
        }
    }
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Signs `content` again, after `change` has edited the to-be-signed part of the DER: what rcgen will not write.
pub fn resigned(der: &CertificateDer<'_>, key: &KeyPair, change: impl FnOnce(&mut Vec<u8>)) -> CertificateDer<'static> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    let mut content = certificate.tbs_certificate.as_ref().to_vec();
    change(&mut content);
    let signature = key.sign(&content).unwrap();
    // ecdsa-with-SHA256, as rcgen's keys sign.
    let algorithm = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let mut bits = vec![0];
    bits.extend(signature);
    let whole = [content, algorithm.to_vec(), der_value(0x03, &bits)].concat();
    der_value(0x30, &whole).into()
}

/// One value in DER: its tag, its length, itself.
pub fn der_value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content.to_vec()].concat()
}
