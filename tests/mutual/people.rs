//! Who knocks: people with good certificates and with every kind of bad one, and the house that judges them.

use super::{
    common::{Server, certs, pki::Authority, pki::days, pki::self_signed, pki::with_chain, scratch},
    talk::{files, pem},
};
use padlock::certificate::Identity;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};
use std::path::PathBuf;
use tempfile::TempDir;

/// Why somebody is turned away.
pub struct Refusal {
    pub whose: &'static str,
    /// Nobody shows nothing.
    pub who: Option<Identity>,
    /// What the server says about it.
    pub log: &'static str,
    /// The alert, as OpenSSL and all that is built on it call it.
    pub alert: &'static str,
}

/// An authority of the test's own, which alone says who is a good client. Servers show the lab's certificate.
pub struct House {
    pub folder: TempDir,
    pub authority: Authority,
}

impl House {
    pub fn new() -> House {
        House { folder: scratch(), authority: Authority::root("house") }
    }

    /// A server that believes this house about its clients.
    pub fn open(&self, more: &[&str]) -> Server {
        let cacert = self.cacert();
        Server::start_with(certs(), |command| command.args(["--cacert", &cacert]).args(more))
    }

    pub fn cacert(&self) -> String {
        pem(self.folder.path(), "house.crt", &[&self.authority.certificate])
    }

    pub fn alice(&self) -> Identity {
        self.authority.leaf_with(&["alice.users.test"], for_clients)
    }

    /// Chain and key as files in a folder of their own.
    pub fn files(&self, whose: &str, who: &Identity) -> (String, String) {
        let folder: PathBuf = self.folder.path().join(whose.replace(' ', "-"));
        std::fs::create_dir_all(&folder).unwrap();
        files(&folder, who)
    }

    /// Nobody of these is let in where a certificate is required.
    pub fn refusals(&self) -> Vec<Refusal> {
        let mallory = |change: fn(&mut CertificateParams)| {
            self.authority.leaf_with(&["mallory.users.test"], |params| {
                for_clients(params);
                change(params);
            })
        };
        let refusal = |whose, who, log, alert| Refusal { whose, who: Some(who), log, alert };
        let other = Authority::root("other").leaf_with(&["mallory.users.test"], for_clients);
        let expired = mallory(|params| (params.not_before, params.not_after) = (days(-9), days(-1)));
        let early = mallory(|params| (params.not_before, params.not_after) = (days(1), days(9)));
        let server = mallory(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
        let own = self_signed(&["mallory.users.test"], for_clients);
        vec![
            Refusal {
                whose: "nobody",
                who: None,
                log: "the client showed no certificate, and one is required",
                alert: "certificate required",
            },
            refusal("another authority's", other, "whom we don't trust", "unknown ca"),
            refusal("expired", expired, " expired on ", "certificate expired"),
            refusal("not yet valid", early, " is not valid before ", "certificate expired"),
            refusal("a server's", server, " was signed for serverAuth, not for this", "unsupported certificate"),
            refusal("self-signed", own, "vouches for itself, and nobody whom we trust does", "unknown ca"),
            refusal("too far away", self.far_away(20), "more authorities than", "certificate unknown"),
        ]
    }

    /// Somebody with so many authorities in between.
    fn far_away(&self, depth: usize) -> Identity {
        let mut chain = vec![self.authority.below("authority 1")];
        for level in 2..=depth {
            chain.push(chain[level - 2].below(&format!("authority {level}")));
        }
        let leaf = chain[depth - 1].leaf_with(&["mallory.users.test"], for_clients);
        with_chain(leaf, &chain.iter().rev().collect::<Vec<_>>())
    }
}

fn for_clients(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}
