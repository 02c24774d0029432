//! HTTPS and wss on one port: what a connection goes through, in order.

use crate::{
    door,
    gallery::Gallery,
    handshake::Handshake,
    identity::Side,
    options::Options,
    pages::{self, Site, handshake_page},
    rooms::{Rooms, Topic},
    tapped::Tapped,
};
use padlock::{
    authority::gallery::Entry,
    certificate::{self, Identity},
    error::Result,
    http::{self, Answer, Head, Response, Upgraded},
    listener::{Connection, Pass, Stream},
    mailbox::{self, Mailbox},
    tls::{Facts, Tls},
    trust::ClientAuth,
    websocket::{self, Origins},
};
use rustls::ServerConfig;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    thread,
};
use tungstenite::protocol::Role;

/// The web service: what all its connections share.
pub struct Web {
    options: Arc<Options>,
    pub side: Side,
    site: Arc<Site>,
    pub gallery: Gallery,
    pub rooms: Rooms,
    tapped: Arc<Tapped>,
}

impl Web {
    pub fn new(options: &Arc<Options>, who: &Identity, site: Arc<Site>, tapped: Tapped) -> Result<Web> {
        let side = Side::new(options, who, ClientAuth::None, &["http/1.1"])?;
        let (gallery, rooms) = (Gallery::new(options), Rooms::default());
        Ok(Web { options: options.clone(), side, site, gallery, rooms, tapped: Arc::new(tapped) })
    }

    /// One connection, from its first byte to its last. The thread that calls this does nothing else meanwhile.
    pub fn converse(self: &Arc<Web>, connection: Connection) {
        let Connection { mut stream, remote, pass } = connection;
        let handshake = if self.options.illustrates() { Handshake::watch(&mut stream) } else { Handshake::default() };
        if let Some(tls) = door::enter(stream, remote, |stream| handshake.accept(stream, |hello| self.who(hello.server_name(), remote))) {
            self.session(tls, remote, pass, &handshake);
        }
    }

    /// Who answers to the name that a client asks for: an entry of the gallery, or else us.
    fn who(&self, name: Option<&str>, remote: SocketAddr) -> Arc<ServerConfig> {
        name.and_then(|name| self.gallery.answers(name, remote)).unwrap_or_else(|| self.side.config())
    }

    /// What a session is used for: requests, and perhaps a WebSocket in the end.
    fn session(self: &Arc<Web>, tls: Tls<Stream>, remote: SocketAddr, pass: Pass, handshake: &Handshake) {
        log::debug!(target: "tls", "{remote}: {}", described(&Facts::of(&tls.session)));
        let upgraded =
            http::serve(tls, remote, &pass, Head::target, |request| Ok(self.answer(&request.head, request.transport, remote, handshake)));
        if let Some(upgraded) = upgraded {
            handshake.forget();
            self.move_to_websocket(upgraded, remote, pass);
        }
    }

    /// What a request gets.
    fn answer(&self, head: &Head, tls: &mut Tls<Stream>, remote: SocketAddr, handshake: &Handshake) -> Answer<Topic> {
        if head.path() == handshake_page::PATH && !websocket::is_upgrade(head) {
            let response = self.site.handshake(head, handshake.kept(tls));
            handshake.forget();
            return response.into();
        }
        handshake.is_over();
        match Topic::at(head.path()) {
            Some(topic) if websocket::is_upgrade(head) || topic != Topic::Counter => {
                match websocket::upgrade(head, Origins::Own("https"), topic.protocol()) {
                    Ok(response) => Answer::Upgrade(response, topic),
                    Err(response) => response.into(),
                }
            }
            None if websocket::is_upgrade(head) => {
                Response::error(404, "no WebSocket lives here: / counts, /echo repeats, /room is heard by all").into()
            }
            _ => self.site.answer(head, visited(tls), || connection_facts(tls, remote)).into(),
        }
    }

    /// A handshake needs a large stack, a conversation does not, and it may last for days.
    pub fn move_to_websocket(self: &Arc<Web>, upgraded: Upgraded<Topic>, remote: SocketAddr, pass: Pass) {
        let Upgraded { to: topic, stream, session, rest } = upgraded;
        log::info!(target: "websocket", "{remote} connected to {}", topic.path());
        pass.converses();
        let mailbox = Mailbox::new(stream.into_socket(), session, Role::Server, rest, self.options.max_message);
        let web = self.clone();
        on_small_stack(move || {
            web.rooms.converse(topic, &mailbox, remote, &web.tapped);
            drop(pass);
        });
    }
}

/// Runs `job` on a thread with a small stack, or on this one if the system gives no more threads.
pub fn on_small_stack(job: impl FnOnce() + Send + 'static) {
    let job = Arc::new(Mutex::new(Some(job)));
    let take = |job: &Mutex<Option<_>>| job.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = job.clone();
    let run = move || take(&theirs).into_iter().for_each(|job: _| job());
    if thread::Builder::new().name("websocket".into()).stack_size(mailbox::STACK).spawn(run).is_err() {
        take(&job).into_iter().for_each(|job| job());
    }
}

/// By which name of the gallery the client came.
fn visited(tls: &Tls<Stream>) -> Option<&'static Entry> {
    let rustls::Connection::Server(session) = &tls.session else { return None };
    session.server_name().and_then(Entry::of_host)
}

fn connection_facts(tls: &Tls<Stream>, remote: SocketAddr) -> pages::Connection {
    let facts = Facts::of(&tls.session);
    let client = facts.peer_chain.first().and_then(|der| certificate::summary(der).ok());
    pages::Connection {
        client_certificate: client.map(|summary| summary.subject),
        local: tls.stream.socket().local_addr().map(|a| a.to_string()).unwrap_or_default(),
        remote: remote.to_string(),
        facts,
    }
}

fn described(facts: &Facts) -> String {
    let group = facts.group.as_deref().unwrap_or("no group");
    let how = if facts.resumed { "resumed by a ticket" } else { "full handshake" };
    format!("{} {} {group}, {how}, asked for {}", facts.version, facts.suite, facts.sni.as_deref().unwrap_or("no name"))
}
