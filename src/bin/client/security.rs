//! Who we are, whom we believe, and the name that the server must prove.

use crate::crl;
use crate::dial::{LOOK_AGAIN, name};
use crate::options::Options;
use crate::output;
use crate::url::{Scheme, Url};
use padlock::authority::Places;
use padlock::certificate::Identity;
use padlock::error::{Error, Result, exit};
use padlock::listener::{self, Stream};
use padlock::refusal;
use padlock::tls::{self, Facts, Failure, Settings, Tls};
use padlock::trust::{Presented, Trust, is_lab_name};
use padlock::wire::{Kept, Recording, Speaker, Trace, several};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, KeyLog, SignatureScheme};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The lab's user for whoever has not said who they are.
const GUEST: &str = "guest";

/// A server that was told goodbye has so long to say it, too.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub struct Security {
    pub asked: ServerName<'static>,
    pub trust: Trust,
    /// What we show if the server asks, leaf first. Empty: nothing.
    pub own: Vec<CertificateDer<'static>>,
    presented: Presented,
    settings: Settings,
    config: Arc<ClientConfig>,
    question: Arc<Question>,
    trace: Option<Arc<Trace>>,
}

impl Security {
    pub fn new(options: &Options, url: &Url, until: Instant) -> Result<Security> {
        let host = name(&url.host)?;
        let asked = name(options.servername.as_deref().unwrap_or(&url.host))?;
        let trust = crl::added(options, trust(options, &host, until)?)?;
        let who = who(options, url, &host)?;
        let presented = Presented::default();
        let protocol = if url.scheme == Scheme::Tls { None } else { Some("http/1.1") };
        let mut settings = options.tls(protocol)?;
        let trace = options.verbose.then(|| Trace::new(settings.key_log.take(), |line| log::info!(target: "wire", "{line}")));
        if let Some(trace) = &trace {
            settings.key_log = Some(trace.clone());
        }
        let mut config = Arc::unwrap_or_clone(tls::client(who.as_ref(), &trust, presented.clone(), &settings)?);
        let question = Arc::new(Question { answer: config.client_auth_cert_resolver, asked: AtomicBool::new(false) });
        config.client_auth_cert_resolver = question.clone();
        let own = who.map(|who| who.chain).unwrap_or_default();
        Ok(Security { asked, trust, own, presented, settings, config: Arc::new(config), question, trace })
    }

    pub fn handshake(&self, mut stream: Stream) -> Result<Tls<Stream>> {
        self.watch(&mut stream);
        match tls::connect(stream, self.asked.clone(), &self.config) {
            Ok(session) => {
                let facts = Facts::of(&session.session);
                let how = if facts.resumed { "by the ticket of an earlier session" } else { "by its certificate" };
                let asked = self.asked.to_str();
                log::info!(target: "trust", "the server is {asked}, {how}; believed: {}", self.trust.described());
                Ok(session)
            }
            Err((failure, stream)) => {
                if matches!(failure, Failure::Tls(_)) {
                    listener::farewell(stream.socket()); // so that the server can read our alert
                }
                Err(self.explained(&failure))
            }
        }
    }

    /// Looks at the server, believed or not: what was agreed on, the chain that it showed, and why it is not believed.
    pub fn observe(&self, mut stream: Stream) -> Result<(Option<Facts>, Vec<CertificateDer<'static>>, Option<Error>)> {
        self.watch(&mut stream);
        let socket = stream.socket().clone();
        let (facts, failure) = tls::observe(stream, self.asked.clone(), &self.trust, self.presented.clone(), &self.settings)?;
        listener::farewell(&socket);
        let refused = failure.map(|failure| self.explained(&failure));
        let chain = self.presented.lock().map(|chain| chain.clone()).unwrap_or_default();
        Ok((facts, chain, refused))
    }

    /// A handshake that is kept to be shown, and nothing but its end after it. The recording is there whether it went well or not.
    pub fn recorded(&self, mut stream: Stream) -> (Kept, Result<()>) {
        let recording = Recording::new(Speaker::Client);
        self.watch(&mut stream);
        stream.watch(recording.clone());
        let mut config = ClientConfig::clone(&self.config);
        let also = self.settings.key_log.clone();
        if let Some(log) = several(also.into_iter().chain([recording.clone() as Arc<dyn KeyLog>])) {
            config.key_log = log;
        }
        let (connected, shared) = tls::overhear(|| tls::connect(stream, self.asked.clone(), &Arc::new(config)).map_err(Box::new));
        recording.shared(shared);
        let ended = match connected {
            Ok(session) => last_words(session),
            Err(refused) => {
                let (failure, stream) = *refused;
                listener::farewell(stream.socket());
                Err(self.explained(&failure))
            }
        };
        (recording.kept().unwrap_or_default(), ended)
    }

    /// Whether the server has asked who we are.
    pub fn was_asked(&self) -> bool {
        self.question.asked.load(Ordering::Relaxed)
    }

    fn explained(&self, failure: &Failure) -> Error {
        refusal::client_side(failure, &self.asked, &self.presented, &self.trust)
    }

    fn watch(&self, stream: &mut Stream) {
        if let Some(trace) = &self.trace {
            trace.begin();
            stream.watch(trace.clone());
        }
    }
}

/// Says that this is the end, and hears what the server still has to say: tickets, and perhaps that we are refused after all.
fn last_words(mut session: Tls<Stream>) -> Result<()> {
    session.stream.expect(LAST_WORDS, LAST_WORDS);
    let _ = session.close();
    loop {
        match session.read(&mut [0; 1024]).map_err(Failure::from) {
            Ok(0) | Err(Failure::Io(_)) => return Ok(()),
            Ok(_) => {}
            Err(failure) => return Err(refusal::client_session(&failure)),
        }
    }
}

/// Notices when the server asks who we are (CertificateRequest, RFC 9846 4.4.2), and lets the other answer.
#[derive(Debug)]
struct Question {
    answer: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl ResolvesClientCert for Question {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.answer.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.answer.has_certs()
    }
}

/// Who we are: as the flags say. Else, where lines are spoken with the lab, its guest; nobody else would know the guest, and a
/// certificate tells whoever sees it who comes.
fn who(options: &Options, url: &Url, host: &ServerName<'_>) -> Result<Option<Identity>> {
    if let (Some(chain), Some(key)) = (&options.cert, &options.key) {
        return Identity::load(chain, key).map(Some);
    }
    let (chain, key) = options.places().user(GUEST);
    if options.no_cert || options.observe || url.scheme != Scheme::Tls || !is_lab_name(host) || !chain.exists() {
        return Ok(None);
    }
    output::note(options, &format!("no --cert: if the server asks, we are the lab's guest ({})", chain.display()));
    Identity::load(&chain, &key).map(Some)
}

/// Whom to believe: what the flags say, else what suits the host that was typed. `--servername` changes nothing here:
/// where we go decides who may vouch for it.
fn trust(options: &Options, host: &ServerName<'_>, until: Instant) -> Result<Trust> {
    let places = options.places();
    if let Some(file) = &options.cacert {
        return Ok(Trust::file(file)?.aware_of(&places));
    }
    if options.web {
        return Ok(Trust::web().aware_of(&places));
    }
    let is_lab = is_lab_name(host);
    if is_lab {
        await_certificates(options, &places, until)?;
    }
    match &options.add_cacert {
        None => Ok(Trust::about(host, &places)?.aware_of(&places)),
        Some(file) if is_lab => Ok(Trust::lab(&places)?.and(Trust::file(file)?)),
        Some(file) => Ok(Trust::system()?.and(Trust::file(file)?)),
    }
}

fn await_certificates(options: &Options, places: &Places, until: Instant) -> Result<()> {
    let root = places.root_certificate();
    let mut said = false;
    while !root.exists() {
        if Instant::now() >= until {
            return Err(Error::new("no-authority", format!("there is no {}: the lab's authority has not been made yet", root.display()))
                .hint("make it: make certs; or name whom to believe: --cacert FILE, --web (docs/trust.md)")
                .exit(exit::CA_FILE));
        }
        if !std::mem::replace(&mut said, true) {
            let patience = options.patience().as_secs_f64();
            output::note(options, &format!("waiting up to {patience} s for the certificates; make them with make certs"));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}
