//! Randomness as an argument. Rules take a [`Random`], and only `main` creates a [`SystemRandom`].

/// A source of random bytes that are suitable for keys.
pub trait Random: Send + Sync {
    /// Overwrites `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The random source of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that draws randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides random bytes");
    }
}

/// Returns `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut drawn = [0; N];
    random.fill(&mut drawn);
    drawn
}

/// Returns a number that is uniformly distributed between 0 (included) and 1 (excluded).
pub fn fraction(random: &dyn Random) -> f64 {
    f64::from(u32::from_le_bytes(bytes(random))) / (f64::from(u32::MAX) + 1.0)
}

/// Returns `length` random ASCII letters and digits, each of the 62 equally likely.
pub fn letters_and_digits(length: usize, random: &dyn Random) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // 248 is the largest multiple of 62 in a byte. Discarding the bytes above it keeps all characters equally likely.
    const EVEN: u8 = 248;
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let fair = bytes::<64>(random).into_iter().filter(|byte| *byte < EVEN);
        text.extend(fair.take(length - text.len()).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_have_the_requested_length() {
        let text = letters_and_digits(100, &SystemRandom);
        assert_eq!(text.len(), 100);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn fractions_are_between_zero_and_one() {
        assert!((0..1000).map(|_| fraction(&SystemRandom)).all(|drawn| (0.0..1.0).contains(&drawn)));
    }
}
