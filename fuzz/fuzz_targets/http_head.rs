//! Any bytes, in any pieces: reading heads never panics, always ends, and sees the same however the bytes arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::http::{Content, Head, Next, Response, decode_path, read_head, respond};
use std::{
    io::{self, Read},
    sync::{Arc, LazyLock},
};

/// Hands out `size` bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.size.min(buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}

/// All heads of a connection, and how it ended.
fn heads(bytes: &[u8], size: usize) -> (Vec<Head>, String) {
    let (mut stream, mut buffer, mut heads) = (Pieces { rest: bytes, size }, Vec::new(), Vec::new());
    loop {
        match read_head(&mut stream, &mut buffer).expect("memory does not fail") {
            Next::Head(head) => heads.push(head),
            end => return (heads, format!("{end:?}")),
        }
    }
}

static CONTENT: LazyLock<Arc<Content>> = LazyLock::new(|| Arc::new(Content::new("text/plain", &b"0123456789"[..], &[])));

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else { return };
    let (whole, end) = heads(bytes, usize::MAX);
    let (split, split_end) = heads(bytes, usize::from(*size).max(1));
    assert_eq!(format!("{whole:?}"), format!("{split:?}"));
    assert_eq!(end, split_end);
    for head in whole {
        if let Ok(path) = decode_path(head.path()) {
            assert!(path.starts_with('/') && !path.contains("/.") && !path.contains('\\') && !path.contains('\0'), "{path:?}");
        }
        let mut out = Vec::new();
        respond(&mut out, &head, &Response::content(CONTENT.clone())).expect("memory does not fail");
        let head_ends = out.windows(4).position(|window| window == b"\r\n\r\n").expect("a head ends");
        assert!(out.len() - head_ends - 4 <= 1000, "a body, or a small page");
    }
});
