//! Seven ways to say who opens a WebSocket, from none to a certificate. Each has a path of its own, so that each can be attacked.

use super::sessions::{COOKIE, Kind, Sessions};
use padlock::{
    http::{Head, Response},
    mutual,
    websocket::{self, Origins},
};
use rustls::pki_types::CertificateDer;

/// The subprotocol that this service speaks. On the fifth rung a token travels beside it.
pub const PROTOCOL: &str = "ticket.v1";
/// How such a token is announced.
const TOKEN_PREFIX: &str = "token.";

/// One way.
#[derive(serde::Serialize)]
pub struct Rung {
    pub path: &'static str,
    pub name: &'static str,
    #[serde(skip)]
    pub how: How,
    /// Which pages may ask: any, or this server's own.
    pub any_page: bool,
    /// Whom it keeps out.
    pub protects: &'static str,
    /// What others learn, and where.
    pub leaks: &'static str,
    /// What a page in a browser can do with it.
    pub browsers: &'static str,
}

/// Where the proof is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Nothing,
    /// `?token=…` in the request's target.
    Url,
    /// The cookie of a sign-in, which the browser adds by itself.
    Cookie,
    /// `Sec-WebSocket-Protocol: ticket.v1, token.…`
    Subprotocol,
    /// The only proof that comes after the upgrade.
    FirstMessage,
    Certificate,
}

/// From the bottom to the top. Behind each: the attack that the tests play, and how it ends.
pub const LADDER: [Rung; 7] = [
    // Anybody comes in, and is whoever they say.
    Rung {
        path: "/ladder/nothing",
        name: "nothing at all",
        how: How::Nothing,
        any_page: true,
        protects: "from nobody",
        leaks: "nothing: there is nothing to steal",
        browsers: "any page can",
    },
    // The token stands in the access log. Who reads the log comes in.
    Rung {
        path: "/ladder/url",
        name: "a token in the URL",
        how: How::Url,
        any_page: true,
        protects: "from who has no token",
        leaks: "the token, into every log and history on the way",
        browsers: "any page that knows a token can",
    },
    // A page of another origin opens the socket, and the browser adds the cookie: cross-site WebSocket hijacking.
    Rung {
        path: "/ladder/cookie",
        name: "a cookie",
        how: How::Cookie,
        any_page: true,
        protects: "from who has no cookie, but not from pages that the user visits",
        leaks: "nothing to a log; the cookie goes to every port of the host",
        browsers: "any page on the same site can, without knowing anything",
    },
    // The same page is told 403 before there is a socket.
    Rung {
        path: "/ladder/origin",
        name: "a cookie, and a look at Origin",
        how: How::Cookie,
        any_page: false,
        protects: "from other pages, too, as long as a browser says who asks",
        leaks: "as before: the cookie goes to every port of the host",
        browsers: "pages of the listed origins can",
    },
    // The token is in a header field. Who sees the request's head, such as a proxy that ends TLS, can use it again.
    Rung {
        path: "/ladder/subprotocol",
        name: "a token as subprotocol",
        how: How::Subprotocol,
        any_page: true,
        protects: "from who has no token",
        leaks: "the token, to whoever logs header fields, and to careless servers that say it again",
        browsers: "any page that knows a token can: new WebSocket(url, ['ticket.v1', 'token.…'])",
    },
    // A ticket that was seen is used up; one that was not is bound to the address of who asked for it.
    Rung {
        path: "/ladder/ticket",
        name: "a ticket in the first message",
        how: How::FirstMessage,
        any_page: true,
        protects: "from other pages, from replay, and from thieves at another address",
        leaks: "nothing that is still of use",
        browsers: "any page that has just got a ticket can; the socket is open before it is shown, so there must be a time limit",
    },
    // No secret travels. Without the key there is no handshake.
    Rung {
        path: "/ladder/certificate",
        name: "a client certificate",
        how: How::Certificate,
        any_page: false,
        protects: "from everybody without the key; other pages are kept out by their origin",
        leaks: "the name in the certificate, to this server alone (TLS 1.3)",
        browsers: "a certificate must be installed and chosen on a page first: Chromium gives up a WebSocket that asks; there is no sign-out",
    },
];

/// All of it, for pages and programs.
pub fn table() -> Response {
    Response::made("application/json", serde_json::to_string_pretty(&LADDER).unwrap_or_default() + "\n")
}

/// Who stands on a rung once the upgrade is done.
#[derive(Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody asked.
    Anybody,
    /// The first message will tell.
    Later,
    Known(String),
}

/// The one at this path.
pub fn rung(path: &str) -> Option<&'static Rung> {
    LADDER.iter().find(|rung| rung.path == path)
}

impl Rung {
    /// The upgrade: `101` and who it is, or the refusal. Whoever can't be told from a stranger is refused *before* there is a socket.
    pub fn admit(&self, head: &Head, chain: &[CertificateDer<'_>], own: &[String], sessions: &Sessions) -> (Response, Option<Who>) {
        let origins = if self.any_page { Origins::Any } else { Origins::Listed(own) };
        let response = match websocket::upgrade(head, origins, PROTOCOL) {
            Ok(response) => response,
            Err(refusal) => return (refusal, None),
        };
        match self.who(head, chain, sessions) {
            Some(who) => (response, Some(who)),
            None => (Response::error(403, self.missing()).close(), None),
        }
    }

    fn who(&self, head: &Head, chain: &[CertificateDer<'_>], sessions: &Sessions) -> Option<Who> {
        let holder = |kind, token: Option<&str>| sessions.holder(kind, token?).map(Who::Known);
        match self.how {
            How::Nothing => Some(Who::Anybody),
            How::FirstMessage => Some(Who::Later),
            How::Url => holder(Kind::Token, head.query().split('&').find_map(|pair| pair.strip_prefix("token="))),
            How::Cookie => holder(Kind::Cookie, head.fields("Cookie").flat_map(|all| all.split(';')).find_map(own_cookie)),
            How::Subprotocol => {
                let offered = head.fields("Sec-WebSocket-Protocol").flat_map(|all| all.split(','));
                holder(Kind::Token, offered.map(str::trim).find_map(|one| one.strip_prefix(TOKEN_PREFIX)))
            }
            How::Certificate => mutual::name_of(chain).ok().flatten().map(Who::Known),
        }
    }

    fn missing(&self) -> &'static str {
        match self.how {
            How::Nothing | How::FirstMessage => "nothing is missing",
            How::Url => "the address needs ?token= and a token: POST /ladder/sign-in gives one for a ticket",
            How::Cookie => "there is no cookie of somebody who has signed in: POST /ladder/sign-in with a ticket",
            How::Subprotocol => "Sec-WebSocket-Protocol needs ticket.v1 and token.… : POST /ladder/sign-in gives one for a ticket",
            How::Certificate => {
                "only who shows a certificate of the lab's authority comes in here, over wss; ./server --client-auth request asks for it"
            }
        }
    }
}

fn own_cookie(pair: &str) -> Option<&str> {
    pair.trim().strip_prefix(COOKIE)?.strip_prefix('=')
}
