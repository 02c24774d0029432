// CONTRACT (in work by the lead)
use std::{net::TcpStream, sync::Arc};
use tungstenite::{
    Message,
    protocol::{CloseFrame, Role},
};
/// One WebSocket connection that both listens and speaks: any thread may `post`, one thread runs `listen`.
pub struct Mailbox;
impl Mailbox {
    /// After the upgrade. `rest`: bytes already read past the head. `tls`: None for ws://.
    pub fn new(_socket: TcpStream, _tls: Option<rustls::Connection>, _role: Role, _rest: Vec<u8>, _max_message: usize) -> Arc<Mailbox> {
        todo!()
    }
    /// Blocks in recv, hands over each message, answers pings and closes. Returns how it ended.
    pub fn listen(&self, _on: impl FnMut(Message)) -> Ended {
        todo!()
    }
    /// From the connection's own thread: waits until the peer has room.
    pub fn answer(&self, _m: Message) -> Result<(), Ended> {
        todo!()
    }
    /// From any other thread: never waits; a reader that is too slow is dropped.
    pub fn post(&self, _m: Message) -> Result<(), Ended> {
        todo!()
    }
    /// Starts the closing handshake.
    pub fn close(&self, _frame: Option<CloseFrame>) {
        todo!()
    }
}
/// How a conversation ended.
#[derive(Debug)]
pub enum Ended {
    Closed(Option<CloseFrame>),
    Lost(std::io::Error),
    Refused(tungstenite::Error),
}
