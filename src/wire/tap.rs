//! A stream that lets somebody watch.

use super::trace::{Direction, Trace};
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

/// A stream that shows a [`Trace`] what goes through it.
pub struct Tap<S> {
    pub stream: S,
    pub trace: Option<Arc<Trace>>,
}

impl<S> Tap<S> {
    fn saw(&self, direction: Direction, bytes: &[u8]) {
        if let Some(trace) = &self.trace {
            trace.seen(direction, bytes);
        }
    }
}

impl<S: Read> Read for Tap<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.saw(Direction::Received, &buffer[..read]);
        Ok(read)
    }
}

impl<S: Write> Write for Tap<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.saw(Direction::Sent, &bytes[..written]);
        Ok(written)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.stream.write_vectored(pieces)?;
        let mut left = written;
        for piece in pieces {
            let taken = left.min(piece.len());
            self.saw(Direction::Sent, &piece[..taken]);
            left -= taken;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
