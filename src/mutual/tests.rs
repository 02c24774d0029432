use super::*;
use proptest::prelude::*;

/// A stream that gives at most so many bytes at a time, and keeps what is written.
struct Slow<'a>(&'a [u8], usize, Vec<u8>);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(buffer.len()).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

impl Write for Slow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.2.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines(bytes: &[u8], at_a_time: usize) -> Vec<Line> {
    let (mut stream, mut lines) = (Slow(bytes, at_a_time, Vec::new()), Lines::default());
    let mut all = Vec::new();
    while !matches!(all.last(), Some(Line::End | Line::Refused(_))) {
        all.push(lines.next(&mut stream).unwrap());
    }
    all
}

proptest! {
    /// One byte at a time, all at once, a character cut in two: the messages are the same.
    #[test]
    fn however_a_stream_is_cut_the_messages_are_the_same(messages in prop::collection::vec("[a-zäß→\u{1F512} ]{0,40}", 0..20), cut in 1_usize..100) {
        let stream: String = messages.iter().map(|m| format!("{m}\n")).collect();
        let mut expected: Vec<Line> = messages.into_iter().map(Line::Text).collect();
        expected.push(Line::End);
        prop_assert_eq!(lines(stream.as_bytes(), cut), expected);
    }
}

#[test]
fn a_line_without_an_end_is_no_message() {
    assert_eq!(lines(b"one\r\ntw", 1), [Line::Text("one".into()), Line::End]);
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let longest = [vec![b'x'; LINE_MAX], vec![b'\n']].concat();
    assert!(matches!(&lines(&longest, PIECE)[0], Line::Text(line) if line.len() == LINE_MAX));
    let longer = [vec![b'x'; LINE_MAX + 1], vec![b'\n']].concat();
    assert!(matches!(lines(&longer, PIECE)[0], Line::Refused(_)));
    assert!(matches!(lines(&vec![b'x'; 1 << 20], PIECE)[0], Line::Refused(_)), "a megabyte without an end is not kept");
}

#[test]
fn bytes_that_are_no_text_end_the_stream() {
    assert_eq!(lines(b"fine\n\xff\xfe\nmore\n", 5), [Line::Text("fine".into()), Line::Refused("a line is not UTF-8")]);
}

#[test]
fn hello_greets_by_name_and_says_each_line_again() {
    let mut stream = Slow(b"one\n\ntwo words\n", 3, Vec::new());
    hello(&mut stream, Some("alice"), || false).unwrap();
    assert_eq!(String::from_utf8(stream.2).unwrap(), "hello alice\none\n\ntwo words\n");
}

#[test]
fn telemetry_counts_on_through_a_connection_and_the_receiver_finds_a_gap() {
    let mut stream = Slow(b"telemetry 3\ntelemetry 2\n", 64, Vec::new());
    hello(&mut stream, None, || false).unwrap();
    let said = String::from_utf8(stream.2).unwrap();
    let readings: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(readings.len(), 5);
    let mut sequence = Sequence::default();
    assert!(readings.iter().all(|line| sequence.check(line).is_ok()));
    let mut sequence = Sequence::default();
    let with_gap = [readings[0], "not a reading", readings[1], readings[3]];
    assert_eq!(with_gap.map(|line| sequence.check(line)), [Ok(()), Ok(()), Ok(()), Err(2)]);
}
