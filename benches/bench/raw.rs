//! The floor: the same questions and answers over bare TCP, a thread per connection. No TLS, no HTTP, no WebSocket.
//!
//! A frame is four bytes of length, one that says what is wanted, and the payload.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    thread,
};

/// Send it back.
pub const ECHO: u8 = b'e';
/// Send it to all who ever said this.
pub const ROOM: u8 = b'r';
/// Send as many bytes as the payload, a number of four bytes, says.
pub const GET: u8 = b'g';

/// Serves until the parent closes our standard input, which it does even when it is killed.
pub fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{{\"web\":{}}}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || converse(stream));
        }
    });
    let _ = io::stdin().read(&mut [0]);
}

fn converse(mut stream: TcpStream) -> io::Result<()> {
    static ROOM_SEATS: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());
    let mut seated = false;
    loop {
        let (kind, payload) = read(&mut stream)?;
        match kind {
            GET => {
                let size = u32::from_be_bytes(payload.try_into().unwrap_or_default());
                stream.write_all(&frame(GET, &vec![b'x'; size as usize]))?;
            }
            ROOM => {
                let mut seats = ROOM_SEATS.lock().unwrap();
                if !seated {
                    seats.push(stream.try_clone()?);
                    seated = true;
                }
                let frame = frame(ROOM, &payload);
                seats.retain_mut(|seat| seat.write_all(&frame).is_ok());
            }
            _ => stream.write_all(&frame(kind, &payload))?,
        }
    }
}

pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[..], &[kind], payload].concat()
}

pub fn read(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [length @ .., kind] = head;
    let mut payload = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut payload)?;
    Ok((kind, payload))
}
