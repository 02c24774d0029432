//! A WebSocket conversation: one thread listens to the server, one to the keyboard, and neither waits for the other.

use crate::dial::{Dialler, Session};
use crate::keyboard::Keyboard;
use crate::options::Options;
use crate::output::{self, note, status};
use crate::ticket;
use crate::url::Url;
use data_encoding::BASE64;
use padlock::certificate::escape;
use padlock::error::{Error, Result, exit};
use padlock::mailbox::{Ended, Mailbox};
use padlock::refusal;
use padlock::websocket::{self, NoUpgrade};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tungstenite::Message;
use tungstenite::protocol::{Role, frame::coding::CloseCode};

/// How long the server may take to answer the request for an upgrade.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// With `--reconnect`: the first pause, doubled each time a try fails, up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// This much of a binary message is shown.
const SHOWN: usize = 32;

/// Talks until one side says Close, and with `--reconnect` again after that, until there is nothing more to say. `ticket` is asked
/// before each connection for one to show first.
pub fn converse(options: &Options, url: &Url, dialler: &Dialler, mut ticket: impl FnMut() -> Result<Option<String>>) -> Result<()> {
    let keyboard = Keyboard::new(options.max_message);
    let mut pause = FIRST_PAUSE;
    loop {
        let ended = ticket().and_then(|ticket| once(options, url, dialler, &keyboard, &mut pause, ticket.as_deref()));
        if !options.reconnect || keyboard.is_done() || !worth_a_retry(&ended) {
            return ended;
        }
        if let Err(error) = &ended {
            note(options, &error.cause);
        }
        note(options, "connecting again in a moment; Ctrl-C ends it");
        if keyboard.rest(jitter(pause)?) {
            return ended;
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

fn once(
    options: &Options,
    url: &Url,
    dialler: &Dialler,
    keyboard: &Arc<Keyboard>,
    pause: &mut Duration,
    ticket: Option<&str>,
) -> Result<()> {
    let mut session = dialler.dial(options)?;
    session.expect(ANSWER_WITHIN);
    let upgraded = websocket::connect(&mut session, &url.host_field(), &url.path, options.origin.as_deref());
    // Only now: a server that refuses our certificate says so after the client's handshake is done.
    if !matches!(upgraded, Err(NoUpgrade::Broken(_))) {
        status(options, "connected to server");
    }
    let rest = match upgraded {
        Ok(rest) => rest,
        Err(NoUpgrade::Broken(failure)) => return Err(refusal::client_session(&failure)),
        Err(NoUpgrade::Answer(error)) => {
            session.close();
            let secure = url.scheme.is_secure();
            return Err(if secure {
                error
            } else {
                error.hint("if this port speaks TLS, ask with wss://; else see what it says with http://")
            });
        }
    };
    status(options, "Websocket connection established.");
    event(options, || json!({"version": 1, "event": "connected", "url": url.to_string()}));
    *pause = FIRST_PAUSE;
    let mailbox = mailbox(session, rest, options.max_message);
    let ended = match ticket {
        None => {
            keyboard.talks_to(&mailbox, str::to_owned)?;
            mailbox.listen(|message| show(options, &message))
        }
        Some(ticket) => {
            let _ = mailbox.send(Message::text(ticket::opening(ticket))); // when it is lost, listening tells why
            let mut answered = false;
            mailbox.listen(|message| {
                show(options, &message);
                // The first answer says that the ticket was good: only now is there anything to type.
                if !std::mem::replace(&mut answered, true) && keyboard.talks_to(&mailbox, ticket::saying).is_err() {
                    mailbox.close(CloseCode::Error, "");
                }
            })
        }
    };
    keyboard.lost();
    status(options, "disconnected");
    judge(options, ended).map_err(|error| ticket::explained(error, ticket.is_some()))
}

fn mailbox(session: Session, rest: Vec<u8>, max_message: usize) -> Arc<Mailbox> {
    let socket = session.socket().clone();
    let tls = match session {
        Session::Secure(tls) => Some(tls.session),
        Session::Clear(_) => None,
    };
    Mailbox::new(socket, tls, Role::Client, rest, max_message)
}

/// One line for one message. The server chose its text: what would move the cursor is escaped. `--json` and `--quiet` are for
/// programs, and give it as it came.
fn show(options: &Options, message: &Message) {
    match message {
        Message::Text(text) if options.json => event(options, || json!({"event": "message", "text": text.as_str()})),
        Message::Binary(bytes) if options.json => event(options, || json!({"event": "message", "base64": BASE64.encode(bytes)})),
        Message::Text(text) if options.quiet => output::line(text),
        Message::Text(text) => output::line(&format!("received message: {}", escape(text))),
        Message::Binary(bytes) if options.quiet => output::bytes(bytes),
        Message::Binary(bytes) => {
            let hex: String = bytes.iter().take(SHOWN).map(|byte| format!(" {byte:02x}")).collect();
            let more = if bytes.len() > SHOWN { " …" } else { "" };
            output::line(&format!("received message: {} bytes:{hex}{more}", bytes.len()));
        }
        _ => {}
    }
}

/// With `--json`: one object, on a line of its own, for each thing that happens.
fn event(options: &Options, what: impl FnOnce() -> Value) {
    if options.json {
        output::line(&what().to_string());
    }
}

/// Whether it ended well. An end without Close is told as the error that it is.
fn judge(options: &Options, ended: Ended) -> Result<()> {
    match ended {
        Ended::Closed(frame) => {
            let (code, reason) = frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
            event(options, || json!({"event": "closed", "code": code, "reason": reason}));
            refusal::closed(code, &reason).map_or(Ok(()), Err)
        }
        Ended::Refused(code, why) => Err(Error::new("refused-message", format!("we ended it: {why} (close code {})", u16::from(code)))
            .hint(match code {
                CloseCode::Size => "let it come through with --max-message SIZE, or let the server say less at a time",
                _ => "the server must change: what it sent breaks a rule of RFC 6455 (docs/websocket.md)",
            })
            .exit(exit::RECEIVE)),
        Ended::Lost(failure) => Err(refusal::client_session(&failure)),
        Ended::TooSlow => Err(Error::new("too-slow", "the server stopped reading what we send")
            .hint("its log may say why; connect again")
            .exit(exit::RECEIVE)),
    }
}

/// A server that is away may come back. One that we refused, or that refused us, will not have changed.
fn worth_a_retry(ended: &Result<()>) -> bool {
    match ended {
        Ok(()) => true,
        Err(error) => [exit::RESOLVE, exit::CONNECT, exit::TIMEOUT, exit::EMPTY, exit::RECEIVE].contains(&error.exit),
    }
}

/// Between half of it and all of it: clients that lost the same server must not all come back at once.
fn jitter(pause: Duration) -> Result<Duration> {
    let mut random = [0; 1];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Error::new("no-randomness", "the system gives no random bytes").hint("try again"))?;
    Ok(pause.mul_f64(0.5 + f64::from(random[0]) / 512.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn a_longer_limit_is_advised_where_it_helps() {
        let options = Options::parse_from(["client"]);
        for (code, helps) in [(CloseCode::Size, true), (CloseCode::Protocol, false), (CloseCode::Invalid, false)] {
            let refused = judge(&options, Ended::Refused(code, "why".into())).unwrap_err();
            assert_eq!(refused.hint.contains("--max-message"), helps, "{code}: {}", refused.hint);
        }
    }
}
