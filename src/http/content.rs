//! Content that many requests get: its bytes, its validators, and its head, printed once.

use super::{
    Response,
    print::{DATE_LENGTH, now, print_head},
    response::Fields,
};
use std::{borrow::Cow, fs::File, time::SystemTime};

/// Something that stays the same for many requests: its body, its validators, and its head, printed once.
pub struct Content {
    pub(super) body: Store,
    pub(super) length: u64,
    pub(super) etag: String,
    pub(super) modified: Option<SystemTime>,
    pub(super) fields: Fields,
    head: Vec<u8>,
    /// Where in `head` the date stands.
    date_at: usize,
}

pub(super) enum Store {
    Memory(Cow<'static, [u8]>),
    File(File),
}

impl Content {
    /// Compiled in, or made at start. Its ETag is a hash of it (RFC 9110 8.8.3).
    pub fn new(media_type: &'static str, body: impl Into<Cow<'static, [u8]>>, more: &[(&'static str, &str)]) -> Content {
        let body = body.into();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
        let etag: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let length = body.len() as u64;
        Content::prepare(Store::Memory(body), length, format!("\"{etag}\""), None, media_type, more)
    }

    /// A file's bytes, read before or to be read piece by piece.
    pub(super) fn of_file(
        file: Result<File, Vec<u8>>,
        length: u64,
        etag: String,
        modified: Option<SystemTime>,
        media_type: &'static str,
        more: &[(&'static str, &str)],
    ) -> Content {
        let body = file.map_or_else(|bytes| Store::Memory(bytes.into()), Store::File);
        Content::prepare(body, length, etag, modified, media_type, more)
    }

    fn prepare(
        body: Store,
        length: u64,
        etag: String,
        modified: Option<SystemTime>,
        media_type: &'static str,
        more: &[(&'static str, &str)],
    ) -> Content {
        // "no-cache" is: keep it, but ask first. So a rebuilt page is seen at once, and an unchanged one costs a 304.
        let mut response = Response::new(200).field("Content-Type", media_type).field("Cache-Control", "no-cache");
        response = response.field("ETag", etag.clone()).field("Accept-Ranges", "bytes");
        if let Some(modified) = modified {
            response = response.field("Last-Modified", httpdate::fmt_http_date(modified));
        }
        for (name, value) in more {
            response = response.field(name, value.to_string());
        }
        let head = print_head(200, &response.fields, length);
        let date_at = head.windows(8).position(|window| window == b"\r\nDate: ").map_or(0, |at| at + 8);
        Content { body, length, etag, modified, fields: response.fields, head, date_at }
    }

    /// The head of a 200 with today's date, up to the blank line, in a buffer with room for more.
    pub(super) fn head(&self, room: usize) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.head.len() + room);
        head.extend_from_slice(&self.head);
        if let Some(date) = head.get_mut(self.date_at..self.date_at + DATE_LENGTH) {
            now(|text| date.copy_from_slice(text));
        }
        head
    }
}
