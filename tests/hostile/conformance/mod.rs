//! RFC 6455, rule by rule, against `/echo`: every kind of frame, cut into pieces in every way, and what has to come back.

mod closing;
mod control;
mod framing;
mod sizes;
mod upgrade;
mod utf8;

use super::common::Server;
use super::peer::{CLOSE, Frame, PING, PONG, Socket, masked};

/// Frames, as a client sends them.
#[derive(Default, Clone)]
struct Script(Vec<Vec<u8>>);

/// What has to follow.
#[derive(Debug)]
enum Then {
    /// The conversation goes on.
    Goes,
    /// Close with this code, then the end.
    Fails(u16),
    /// Close with these very bytes, then the end.
    Closes(Vec<u8>),
}

impl Script {
    /// One more frame: FIN, reserved bits and opcode in `first`.
    fn frame(mut self, first: u8, payload: impl AsRef<[u8]>) -> Script {
        self.0.push(masked(first, payload.as_ref()));
        self
    }

    /// One more frame as it is, mask and all.
    fn raw(mut self, bytes: &[u8]) -> Script {
        self.0.push(bytes.to_vec());
        self
    }
}

fn script() -> Script {
    Script::default()
}

fn frame(first: u8, payload: impl AsRef<[u8]>) -> Frame {
    Frame { first, payload: payload.as_ref().to_vec() }
}

/// Plays the script in three ways, whole, frame by frame, and (if it is short) byte by byte, a TLS record each. What comes back has to be
/// the same every time: `back`, then what `then` says.
fn holds(server: &Server, rule: &str, script: Script, back: &[Frame], then: Then) {
    let whole = script.0.concat();
    let bytes = if whole.len() < 400 { whole.chunks(1).map(<[u8]>::to_vec).collect() } else { Vec::new() };
    for pieces in [vec![whole], script.0, bytes].iter().filter(|pieces| !pieces.is_empty()) {
        let rule = format!("{rule}, in {} pieces", pieces.len());
        let mut socket = Socket::open(server, "/echo");
        for piece in pieces {
            if socket.try_send(piece).is_err() {
                break; // it failed the connection before we were done
            }
        }
        for expected in back {
            assert_eq!(socket.next().as_ref(), Ok(expected), "{rule}");
        }
        match &then {
            Then::Goes => {
                socket.send(&masked(PING, b"still there?"));
                assert_eq!(socket.next(), Ok(frame(PONG, b"still there?")), "{rule}");
                socket.close();
            }
            Then::Closes(payload) => assert_eq!(socket.rest(), (vec![frame(CLOSE, payload)], true), "{rule}"),
            Then::Fails(code) => {
                let (frames, clean) = socket.rest();
                let [close] = &frames[..] else { panic!("{rule}: {frames:?}") };
                assert!(
                    close.first == CLOSE && close.payload.starts_with(&code.to_be_bytes()) && clean,
                    "{rule}: {close:?}, clean: {clean}"
                );
            }
        }
    }
}
