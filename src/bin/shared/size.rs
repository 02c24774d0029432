//! Lengths as people type them: the same in every program.

/// `4096`, `64k`, `16m`.
pub fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1024),
        Some((at, 'm' | 'M')) => (&text[..at], 1024 * 1024),
        _ => (text, 1),
    };
    let number: usize = digits.parse().map_err(|_| "a number of bytes, such as 65536, 64k or 16m".to_owned())?;
    number.checked_mul(unit).filter(|n| *n > 0).ok_or_else(|| "too large, or nothing at all".to_owned())
}
