//! Who we are in a chat, and whom we believe: the same for the directory and for every peer.

use crate::options::{self, Options};
use padlock::certificate::Identity;
use padlock::error::{Error, Result, exit, printable};
use padlock::listener::{Attach, Stream, farewell};
use padlock::refusal;
use padlock::tls::{self, Failure, Settings, Tls};
use padlock::trust::{ClientAuth, Presented, Trust};
use padlock::wire::End;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who we are, and whom we believe about others.
pub struct Own {
    who: Identity,
    settings: Settings,
    watch: Option<Attach>,
    trust: Mutex<Trust>,
}

impl Own {
    /// The identity that `enrol` made, or the one of `--cert` and `--key`.
    ///
    /// # Errors
    /// There is none, or it can't be used.
    pub fn new(options: &Options, args: &options::Chat) -> Result<Own> {
        let places = options.places();
        let (chain, key) = match (&options.cert, &options.key) {
            (Some(cert), Some(key)) => (cert.clone(), key.clone()),
            _ => places.user(&args.name),
        };
        if !chain.exists() {
            return Err(Error::new(
                "no-certificate",
                format!("{} has no certificate here: {} is missing", printable(&args.name), chain.display()),
            )
            .hint(format!(
                "ask the authority for one: ./client enrol {0} (or, on the authority's machine, ./ca sign user {0})",
                printable(&args.name)
            ))
            .exit(exit::OWN_CERTIFICATE));
        }
        options.record.begin()?;
        let who = Identity::load(&chain, &key)?;
        let trust = if args.no_crl { Trust::lab(&places)? } else { Trust::lab_less_revoked(&places)? };
        Ok(Own { who, settings: options.tls(None)?, watch: options.record.watcher(End::Client), trust: Mutex::new(trust) })
    }

    /// Connects to `host`, which has to prove that name.
    ///
    /// # Errors
    /// Whatever [`refusal`] explains.
    pub fn connect(&self, stream: Stream, host: &str) -> Result<Tls<Stream>> {
        let name = crate::dial::name(host)?;
        self.handshake(stream, name).map_err(|(e, _)| e)
    }

    /// As [`Own::connect`], where the certificates that were shown matter even if they are refused.
    ///
    /// # Errors
    /// The same, and what was shown.
    pub fn handshake(&self, mut stream: Stream, name: ServerName<'static>) -> Result<Tls<Stream>, (Error, Vec<CertificateDer<'static>>)> {
        let (trust, presented) = (self.trust().clone(), Presented::default());
        self.watch.iter().for_each(|watch| watch(&mut stream));
        let config = tls::client(Some(&self.who), &trust, presented.clone(), &self.settings).map_err(|e| (e, Vec::new()))?;
        tls::connect(stream, name.clone(), &config).map_err(|(failure, stream)| {
            farewell(stream.socket());
            let error = refusal::client_side(&failure, &name, &presented, &trust);
            (error, presented.lock().unwrap_or_else(PoisonError::into_inner).clone())
        })
    }

    /// Waits for whoever comes to prove a name; or not, as `how` says.
    ///
    /// # Errors
    /// Whatever [`refusal`] explains.
    pub fn welcome(&self, mut stream: Stream, how: ClientAuth) -> Result<Tls<Stream>> {
        self.watch.iter().for_each(|watch| watch(&mut stream));
        let config = tls::server(&self.who, Some((&self.trust().clone(), how)), &self.settings)?;
        tls::accept(stream, &config).map_err(|(failure, stream)| {
            farewell(stream.socket());
            refusal::server_side(&failure)
        })
    }

    /// From now on nobody on this list is believed. Whoever sends it, the authority has signed it, and it is no older than ours.
    ///
    /// # Errors
    /// It is no revocation list, not the authority's, or an old one.
    pub fn believe_no_more(&self, list: &str) -> Result<()> {
        let mut trust = self.trust();
        let newer = trust.without_lists().and_revoked(list.as_bytes(), "the directory's list")?;
        // The signature on a list is looked at together with a chain. Ours will do.
        match judge(&newer, &self.who.chain) {
            Ok(()) | Err(rustls::Error::InvalidCertificate(CertificateError::Revoked)) => {}
            Err(e) => return Err(refusal::server_side(&Failure::Tls(e))),
        }
        let until = |trust: &Trust| self.who.chain.first().and_then(|leaf| trust.list_of_issuer(leaf)?.next_update);
        if until(&newer) < until(&trust) {
            return Err(Error::new("old-crl", "the list is older than the one that we have"));
        }
        *trust = newer;
        Ok(())
    }

    /// Why this chain is believed no more, if so.
    pub fn refuses(&self, chain: &[CertificateDer<'static>]) -> Option<Error> {
        judge(&self.trust(), chain).err().map(|e| refusal::server_side(&Failure::Tls(e)))
    }

    fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn judge(trust: &Trust, chain: &[CertificateDer<'static>]) -> std::result::Result<(), rustls::Error> {
    let (leaf, others) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
    let judge = trust.judge_clients(ClientAuth::Require).map_err(|e| rustls::Error::General(e.cause))?;
    judge.verify_client_cert(leaf, others, UnixTime::now()).map(drop)
}
