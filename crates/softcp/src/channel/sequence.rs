//! The sequence numbers that make a message unrepeatable.

use crate::error::{Error, Result};

/// One of a channel's two sequences. Numbers only grow; after 0xFFFFFFFF there are none (D18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    /// The least number still allowed.
    least: Option<u32>,
}

impl Sequence {
    /// A sequence whose first number is `start` or greater.
    pub(super) fn new(start: u32) -> Self {
        Self { least: Some(start) }
    }

    /// Uses `number` up. Errors, which use nothing up: [`Error::SequenceNotGreater`], [`Error::SequenceExhausted`].
    pub(super) fn take(&mut self, number: u32) -> Result<()> {
        let least = self.least.ok_or(Error::SequenceExhausted)?;
        if number < least {
            return Err(Error::SequenceNotGreater { given: number, least });
        }
        self.least = number.checked_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_number_is_the_start_or_greater() {
        for (number, allowed) in [(6, false), (7, true), (8, true), (u32::MAX, true)] {
            assert_eq!(Sequence::new(7).take(number).is_ok(), allowed, "{number}");
        }
    }

    #[test]
    fn repeated_and_smaller_numbers_are_refused_and_use_nothing_up() {
        let mut sequence = Sequence::new(0);
        sequence.take(5).unwrap();
        for number in [5, 4, 0] {
            let error = sequence.take(number).unwrap_err();
            assert!(matches!(error, Error::SequenceNotGreater { given, least: 6 } if given == number));
        }
        sequence.take(6).unwrap();
    }

    #[test]
    fn after_the_last_number_there_is_none() {
        let mut sequence = Sequence::new(u32::MAX);
        sequence.take(u32::MAX).unwrap();
        for number in [0, 1, u32::MAX] {
            assert!(matches!(sequence.take(number), Err(Error::SequenceExhausted)));
        }
    }
}
