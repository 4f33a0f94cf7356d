//! Which bytes of a buffer are enciphered.

/// The pattern of enciphered and clear bytes in a buffer: `D3D11_ENCRYPTED_BLOCK_INFO`.
///
/// The buffer begins with `num_encrypted_bytes_at_beginning` enciphered bytes; then `num_bytes_in_skip_pattern` clear
/// bytes and `num_bytes_in_encrypt_pattern` enciphered bytes alternate to its end. Runs past the end are cut there
/// (D7). The special cases (D8):
///
/// | skip | encrypt | after the beginning |
/// |---|---|---|
/// | 0 | 0 | clear |
/// | > 0 | 0 | clear |
/// | 0 | > 0 | enciphered |
///
/// Clear bytes consume no keystream (D6; ISO/IEC 23001-7 `cens`). A driver may insist on runs that are multiples of
/// the `BlockAlignmentSize` in its capabilities; this crate takes any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EncryptedBlockInfo {
    /// Bytes enciphered at the beginning of the buffer.
    pub num_encrypted_bytes_at_beginning: u32,
    /// Bytes left clear in each repetition.
    pub num_bytes_in_skip_pattern: u32,
    /// Bytes enciphered in each repetition, after the clear ones.
    pub num_bytes_in_encrypt_pattern: u32,
}

/// A position in a pattern: walks over a buffer that arrives in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PatternCursor {
    info: EncryptedBlockInfo,
    run: Run,
}

/// The run the cursor is in, and the bytes left of it.
#[derive(Clone, Copy, Debug)]
enum Run {
    Encrypted(u32),
    Clear(u32),
    EncryptedToEnd,
    ClearToEnd,
}

impl PatternCursor {
    /// The start of a buffer that follows `info`.
    pub(crate) fn new(info: EncryptedBlockInfo) -> Self {
        Self { info, run: Run::Encrypted(info.num_encrypted_bytes_at_beginning) }
    }

    /// The start of a buffer that is enciphered from end to end.
    pub(crate) fn everything() -> Self {
        Self { info: EncryptedBlockInfo::default(), run: Run::EncryptedToEnd }
    }

    /// Takes the next run, or as much of it as fits in `available` bytes: its length and whether it is enciphered.
    ///
    /// The length is 0 only when `available` is.
    pub(crate) fn take(&mut self, available: usize) -> (usize, bool) {
        if let Run::Encrypted(0) | Run::Clear(0) = self.run {
            self.run = self.following_run();
        }
        match &mut self.run {
            Run::EncryptedToEnd => (available, true),
            Run::ClearToEnd => (available, false),
            Run::Encrypted(left) => (take_up_to(left, available), true),
            Run::Clear(left) => (take_up_to(left, available), false),
        }
    }

    fn following_run(&self) -> Run {
        let skip = self.info.num_bytes_in_skip_pattern;
        let encrypt = self.info.num_bytes_in_encrypt_pattern;
        match (skip, encrypt, self.run) {
            (_, 0, _) => Run::ClearToEnd,
            (0, _, _) => Run::EncryptedToEnd,
            (_, _, Run::Clear(_)) => Run::Encrypted(encrypt),
            (_, _, _) => Run::Clear(skip),
        }
    }
}

/// Takes at most `available` off `left` and returns what was taken.
fn take_up_to(left: &mut u32, available: usize) -> usize {
    let taken = u32::try_from(available).unwrap_or(u32::MAX).min(*left);
    *left -= taken;
    // No more than `available`, hence a usize on any machine.
    usize::try_from(taken).unwrap_or(available)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes of a `len` byte buffer as text: `E` enciphered, `.` clear; taken in pieces of at most `piece` bytes.
    fn drawn(info: [u32; 3], len: usize, piece: usize) -> String {
        let [beginning, skip, encrypt] = info;
        let mut cursor = PatternCursor::new(EncryptedBlockInfo {
            num_encrypted_bytes_at_beginning: beginning,
            num_bytes_in_skip_pattern: skip,
            num_bytes_in_encrypt_pattern: encrypt,
        });
        let mut text = String::new();
        while text.len() < len {
            let (taken, encrypted) = cursor.take(piece.min(len - text.len()));
            assert_ne!(taken, 0, "the cursor stands still");
            text.extend(std::iter::repeat_n(if encrypted { 'E' } else { '.' }, taken));
        }
        text
    }

    #[test]
    fn beginning_skip_encrypt_alternate_to_the_end() {
        assert_eq!(drawn([3, 2, 4], 16, 16), "EEE..EEEE..EEEE.");
    }

    #[test]
    fn no_beginning_starts_with_the_skipped_bytes() {
        assert_eq!(drawn([0, 2, 4], 9, 9), "..EEEE..E");
    }

    #[test]
    fn skip_and_encrypt_zero_leaves_the_rest_clear() {
        assert_eq!(drawn([3, 0, 0], 8, 8), "EEE.....");
    }

    #[test]
    fn all_fields_zero_leaves_everything_clear() {
        assert_eq!(drawn([0, 0, 0], 8, 8), "........");
    }

    #[test]
    fn encrypt_zero_leaves_the_rest_clear() {
        assert_eq!(drawn([3, 2, 0], 8, 8), "EEE.....");
    }

    #[test]
    fn skip_zero_enciphers_the_rest() {
        assert_eq!(drawn([3, 0, 2], 8, 8), "EEEEEEEE");
        assert_eq!(drawn([0, 0, 2], 8, 8), "EEEEEEEE");
    }

    #[test]
    fn beginning_past_the_end_is_cut() {
        assert_eq!(drawn([u32::MAX, 1, 1], 8, 8), "EEEEEEEE");
    }

    #[test]
    fn everything_enciphers_all_bytes() {
        assert_eq!(PatternCursor::everything().take(1000), (1000, true));
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_pattern(info in prop::array::uniform3(0_u32..20), len in 0_usize..300, piece in 1_usize..40) {
            prop_assert_eq!(drawn(info, len, piece), drawn(info, len, len.max(1)));
        }
    }
}
