//! The naive reference: the same libraries, put together as their first examples do. A fresh thread for each connection,
//! `StreamOwned`, tungstenite with its default settings, sockets as the system makes them (no TCP_NODELAY), each file read
//! when it is asked for. In the room, everybody looks for news between two reads that time out.

use padlock::certificate::Identity;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};
use tungstenite::{
    Error, Message, WebSocket,
    handshake::server::{Request, Response},
};

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// How long a listener in the room waits for its peer before it looks for news.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Serves until the parent closes our standard input. `arguments`: chain, key, folder.
pub fn serve(arguments: &[String]) {
    let [chain, key, folder] = arguments else { panic!("chain, key and folder, not {arguments:?}") };
    let who = Identity::load(Path::new(chain), Path::new(key)).unwrap();
    let config = Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(who.chain, who.key).unwrap());
    let folder = folder.clone();
    let web = listen(config.clone(), move |tls| pages(tls, &folder));
    let wss = listen(config, converse);
    println!("{{\"web\":{web},\"wss\":{wss}}}");
    let _ = io::stdin().read(&mut [0]);
}

fn listen(config: Arc<ServerConfig>, serve: impl Fn(Tls) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (session, serve) = (ServerConnection::new(config.clone()).unwrap(), serve.clone());
            let tls = StreamOwned::new(session, stream.unwrap());
            thread::spawn(move || serve(tls));
        }
    });
    port
}

/// HTTPS: request after request, until the peer has had enough.
fn pages(tls: Tls, folder: &str) {
    let mut stream = BufReader::new(tls);
    loop {
        let mut first = String::new();
        if !matches!(stream.read_line(&mut first), Ok(1..)) {
            break;
        }
        let mut field = String::new();
        while field != "\r\n" {
            field.clear();
            if !matches!(stream.read_line(&mut field), Ok(1..)) {
                return;
            }
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let Ok(body) = fs::read(format!("{folder}{path}")) else { return };
        let mut response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        response.extend(body);
        if stream.get_mut().write_all(&response).is_err() {
            return;
        }
    }
    stream.get_mut().conn.send_close_notify();
    let _ = stream.get_mut().flush();
}

fn converse(tls: Tls) {
    let mut path = String::new();
    #[allow(clippy::result_large_err)] // tungstenite's own type
    let opened = tungstenite::accept_hdr(tls, |request: &Request, response: Response| {
        path = request.uri().path().to_owned();
        Ok(response)
    });
    if let Ok(mut socket) = opened {
        let _ = if path == "/room" { room(&mut socket) } else { echo(&mut socket) };
    }
}

fn echo(socket: &mut WebSocket<Tls>) -> Result<(), Error> {
    loop {
        let message = socket.read()?;
        if message.is_text() || message.is_binary() {
            socket.send(message)?;
        }
    }
}

fn room(socket: &mut WebSocket<Tls>) -> Result<(), Error> {
    static SEATS: Mutex<Vec<Sender<Message>>> = Mutex::new(Vec::new());
    let (seat, news) = channel();
    SEATS.lock().unwrap().push(seat);
    socket.get_ref().sock.set_read_timeout(Some(LOOK_EVERY))?;
    loop {
        match socket.read() {
            Ok(message) if message.is_text() || message.is_binary() => {
                SEATS.lock().unwrap().retain(|seat| seat.send(message.clone()).is_ok());
            }
            Ok(_) => {}
            Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
        for message in news.try_iter() {
            socket.send(message)?;
        }
    }
}
