use crate::authority::{Places, gallery};
use crate::certificate::{self, load_chain};
use crate::error::{Error, Result, exit};
use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

mod judge;
mod revoked;
pub use judge::refused_client;
pub use revoked::{Issued, Revoked};

/// Whom I believe.
///
/// There are two ways to be believed. An *authority* vouches for others: a chain that ends at it is good. A *pinned*
/// certificate vouches for nobody but itself: the peer must show exactly these bytes.
#[derive(Clone)]
pub struct Trust {
    described: String,
    roots: RootCertStore,
    authorities: Vec<CertificateDer<'static>>,
    pinned: Vec<CertificateDer<'static>>,
    intermediates: Vec<CertificateDer<'static>>,
    lists: Vec<revoked::List>,
    known: Vec<(CertificateDer<'static>, PathBuf)>,
}

/// The chain that a peer presented, leaf first, accepted or not.
pub type Presented = Arc<Mutex<Vec<CertificateDer<'static>>>>;

/// What was said about a server that is only looked at: nothing, or why it would have been refused.
pub type Verdict = Arc<Mutex<Option<rustls::Error>>>;

/// Whether a server asks its clients for a certificate (Node's `requestCert` and `rejectUnauthorized`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Not asked.
    None,
    /// Asked; who sends none is let in without a name. One that is sent must still be good.
    Request,
    /// Asked; who sends none is refused.
    Require,
}

impl FromStr for ClientAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ClientAuth, &'static str> {
        match text {
            "none" => Ok(ClientAuth::None),
            "request" => Ok(ClientAuth::Request),
            "require" => Ok(ClientAuth::Require),
            _ => Err("none, request or require"),
        }
    }
}

impl Trust {
    /// The web's authorities, as Mozilla lists them (webpki-roots).
    pub fn web() -> Trust {
        let mut web = Trust::nobody("the web's authorities");
        web.roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        web
    }

    /// Every certificate of a PEM file: an authority as a root, a self-signed certificate that is none as itself.
    ///
    /// Fails with status 77 when the file can't be read, or holds a certificate that is neither.
    pub fn file(pem: &Path) -> Result<Trust> {
        let from = pem.display().to_string();
        let chain = load_chain(pem).map_err(|error| error.exit(exit::CA_FILE))?;
        Trust::certificates(format!("what is in {from}"), &chain)
            .map_err(|error| Error { cause: format!("{from}: {}", error.cause), ..error }.in_file(pem))
    }

    /// As [`Trust::file`], with certificates that are in memory. `described` is what a refusal calls them.
    pub fn certificates(described: impl Into<String>, certificates: &[CertificateDer<'static>]) -> Result<Trust> {
        let mut trust = Trust::nobody(described);
        for certificate in certificates {
            trust.believe(certificate)?;
        }
        Ok(trust)
    }

    /// The lab's own authority, made by `make certs`.
    pub fn lab(places: &Places) -> Result<Trust> {
        let root = places.root_certificate();
        let mut lab = Trust::file(&root)?;
        lab.described = format!("the lab's authority ({})", root.display());
        // Known, not believed: so that a refusal can say that a server left it out.
        for known in [places.intermediate_certificate(), gallery::authority(places)] {
            lab.intermediates.extend(load_chain(&known).unwrap_or_default());
        }
        Ok(lab)
    }

    /// The lab's authority, less what it has taken back, if it has signed a list.
    pub fn lab_less_revoked(places: &Places) -> Result<Trust> {
        let (lab, list) = (Trust::lab(places)?, places.crl("intermediate"));
        if list.exists() { lab.and_revoked_by(&list) } else { Ok(lab) }
    }

    /// What this machine trusts: the bundle that `SSL_CERT_FILE` names, or the distribution's.
    ///
    /// Certificates in it that can't be a root are passed over: the bundle is the distribution's, not the reader's.
    pub fn system() -> Result<Trust> {
        let bundle = system_bundle()?;
        let chain = load_chain(&bundle).map_err(|error| error.exit(exit::CA_FILE))?;
        let mut system = Trust::nobody(format!("this system's authorities ({})", bundle.display()));
        for certificate in chain {
            if system.roots.add(certificate.clone()).is_ok() {
                system.authorities.push(certificate);
            }
        }
        Ok(system)
    }

    /// Whom to believe about a host when nobody says otherwise: the lab's authority about the lab's own names, the web's
    /// about all others. The lab's is never asked about the web: who holds its key could then be any site.
    pub fn about(host: &ServerName<'_>, places: &Places) -> Result<Trust> {
        if is_lab_name(host) { Trust::lab(places) } else { Ok(Trust::web()) }
    }

    /// Believes all that either believes.
    pub fn and(mut self, other: Trust) -> Trust {
        self.described = format!("{} and {}", self.described, other.described);
        self.roots.roots.extend(other.roots.roots);
        self.authorities.extend(other.authorities);
        self.pinned.extend(other.pinned);
        self.intermediates.extend(other.intermediates);
        self.lists.extend(other.lists);
        self.known.extend(other.known);
        self
    }

    /// The lab's authority is at hand, but not believed here: so that a refusal can say which file would change that.
    pub fn aware_of(mut self, places: &Places) -> Trust {
        let root = places.root_certificate();
        let files = [root.clone(), places.intermediate_certificate()];
        let found = files.iter().filter_map(|file| load_chain(file).ok()).flatten();
        self.known.extend(found.map(|certificate| (certificate, root.clone())));
        self
    }

    /// For a client: judges servers, their chain, dates, purpose and name. What they show is kept in `presented`,
    /// accepted or not, so that a refusal can be explained.
    pub fn judge_servers(&self, presented: Presented) -> Result<Arc<dyn ServerCertVerifier>> {
        judge::of_servers(self, presented)
    }

    /// As [`Trust::judge_servers`], for [`tls::observe`](crate::tls::observe) alone: the verdict is kept instead of obeyed. That the
    /// server holds the key of what it shows is still checked; else there would be nothing to look at.
    pub(crate) fn observe_servers(&self, presented: Presented, verdict: Verdict) -> Result<Arc<dyn ServerCertVerifier>> {
        judge::observer(self, presented, verdict)
    }

    /// For a server: judges clients. A client's name is no part of the judgement: who may do what is decided later.
    pub fn judge_clients(&self, how: ClientAuth) -> Result<Arc<dyn ClientCertVerifier>> {
        judge::of_clients(self, how)
    }

    /// In a reader's words: `the lab's authority (certs/ca/root.crt)`.
    pub fn described(&self) -> &str {
        &self.described
    }

    /// The authorities that came as certificates. The web's are not among them: of those only name and key are known.
    pub fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    /// The certificates that are believed about themselves only.
    pub fn pinned(&self) -> &[CertificateDer<'static>] {
        &self.pinned
    }

    /// Authorities below those, known to us but not believed: a server must send them (RFC 9846 4.5.1).
    pub fn intermediates(&self) -> &[CertificateDer<'static>] {
        &self.intermediates
    }

    /// Certificates that are at hand without being believed, each with the file of the root above it.
    pub fn known(&self) -> &[(CertificateDer<'static>, PathBuf)] {
        &self.known
    }

    fn nobody(described: impl Into<String>) -> Trust {
        Trust {
            described: described.into(),
            roots: RootCertStore::empty(),
            authorities: Vec::new(),
            pinned: Vec::new(),
            intermediates: Vec::new(),
            lists: Vec::new(),
            known: Vec::new(),
        }
    }

    fn believe(&mut self, certificate: &CertificateDer<'static>) -> Result<()> {
        let said = certificate::summary(certificate).map_err(|error| error.exit(exit::CA_FILE))?;
        // A certificate of version 1 can't say whether it is an authority; as a root it was always taken for one.
        if said.is_ca || said.version == 1 {
            self.roots.add(certificate.clone()).map_err(|_| not_an_authority(&said.subject, "its fields can't be a root's"))?;
            self.authorities.push(certificate.clone());
        } else if said.subject == said.issuer {
            self.pinned.push(certificate.clone());
        } else {
            return Err(not_an_authority(&said.subject, &format!("{} signed it, and it may sign nobody", said.issuer)));
        }
        Ok(())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.described)
    }
}

/// Names that only the lab speaks for: `localhost`, what ends in `.localhost` or `.test` (RFC 6761), loopback addresses.
pub fn is_lab_name(host: &ServerName<'_>) -> bool {
    match host {
        ServerName::DnsName(name) => {
            let name = name.as_ref().trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name == "test" || name.ends_with(".localhost") || name.ends_with(".test")
        }
        ServerName::IpAddress(address) => IpAddr::from(*address).is_loopback(),
        _ => false,
    }
}

/// Where distributions keep the bundle, as OpenSSL and Go look for it.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // Alpine, macOS
];

fn system_bundle() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("SSL_CERT_FILE").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    BUNDLES.iter().map(PathBuf::from).find(|bundle| bundle.exists()).ok_or_else(|| {
        Error::new("no-system-roots", "this system has no bundle of authorities where they usually are")
            .hint("name one: SSL_CERT_FILE=bundle.pem, or trust one file alone: --cacert FILE (docs/trust.md)")
            .exit(exit::CA_FILE)
    })
}

fn not_an_authority(subject: &str, why: &str) -> Error {
    Error::new("not-an-authority", format!("{subject} is no authority: {why}"))
        .hint("trust the authority above it, for example --cacert certs/ca/root.crt (docs/trust.md)")
        .exit(exit::CA_FILE)
}

#[cfg(test)]
mod tests;
