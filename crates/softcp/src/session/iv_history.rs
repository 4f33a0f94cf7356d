//! Which IVs a session has used under which keys, in bounded memory (D31, D33).
//!
//! An IV must not be used twice with one key, and keys come back: an application exchanges the first key again after a
//! second one, and wraps a content key anew under each session key. So what a session remembers outlives the key. It
//! remembers the last IV of
//!
//! - the session key in force, however it was made;
//! - the keys that the application has chosen, those of exchanges and content keys, up to [`MAX_KEYS`].
//!
//! A key that a refresh has made, and a read-back key, hold 128 random bits of the driver. They do not come back, and are
//! forgotten when they end; so any number of refreshes takes no memory.
//!
//! Of more than [`MAX_KEYS`] chosen keys, ones with low IVs are forgotten. Under a key that is not remembered only IVs above
//! all forgotten ones are used, so that it does not matter whether it is one of them. Where the application chooses the IVs
//! it can run into that bound; the next refresh or key exchange lifts it.
//!
//! Keys are told apart by a fingerprint, the encryption of a zero block, so that no key bytes are kept.

use std::collections::HashMap;

use softcp_aes::Key;

use crate::error::{Error, Result};
use crate::iv::{AesCtrIv, DriverIvs};
use crate::key::KEY_SIZE;

/// Chosen keys whose last IVs a session remembers.
pub(super) const MAX_KEYS: usize = 4096;
/// Of how many of them one is forgotten for a new one.
const LOOKED_AT: usize = 16;

type Fingerprint = [u8; KEY_SIZE];

fn fingerprint(key: &Key) -> Fingerprint {
    let mut fingerprint = [0; KEY_SIZE];
    key.encrypt_block(&mut fingerprint);
    fingerprint
}

/// The IVs that an application has used with `DecryptionBlt` while IVs must increase (D10).
#[derive(Debug, Default)]
pub(super) struct ApplicationIvs {
    /// The last IVs of chosen keys.
    last: Vec<(Fingerprint, AesCtrIv)>,
    /// Where in `last` a key is.
    places: HashMap<Fingerprint, usize>,
    /// Where in `last` the next key to forget is looked for.
    hand: usize,
    /// The session key in force, where a refresh has made it, and its last IV.
    refreshed: Option<(Fingerprint, Option<AesCtrIv>)>,
    /// The greatest IV of keys that were forgotten since the session key changed.
    forgotten: Option<AesCtrIv>,
}

impl ApplicationIvs {
    /// Records `iv` as the last one used with `key`. Errors, which record nothing: [`Error::IvNotIncreasing`],
    /// [`Error::IvOfForgottenKey`].
    pub(super) fn use_iv(&mut self, key: &Key, iv: AesCtrIv) -> Result<()> {
        let key = fingerprint(key);
        let known = match &mut self.refreshed {
            Some((refreshed, last)) if *refreshed == key => {
                let Some(last) = last else {
                    *last = Some(iv);
                    return Ok(());
                };
                Some(last)
            }
            _ => self.places.get(&key).map(|&place| &mut self.last[place].1),
        };
        match known {
            Some(last) if iv <= *last => return Err(Error::IvNotIncreasing),
            Some(last) => *last = iv,
            None if self.forgotten.is_some_and(|forgotten| iv <= forgotten) => return Err(Error::IvOfForgottenKey),
            None => self.remember(key, iv),
        }
        Ok(())
    }

    /// A refresh has made the session key in force `key`.
    pub(super) fn refreshed(&mut self, key: &Key) {
        let key = fingerprint(key);
        // A key that was chosen before is remembered as such: only a fault of the random numbers brings one back.
        self.refreshed = (!self.places.contains_key(&key)).then_some((key, None));
        self.forgotten = None;
    }

    /// A key exchange has made the session key in force `key`.
    pub(super) fn exchanged(&mut self, key: &Key) {
        self.forgotten = None;
        // The key of the refresh before, exchanged by whoever knows it, is a chosen one from now on.
        if let Some((refreshed, Some(last))) = self.refreshed.take()
            && refreshed == fingerprint(key)
        {
            self.remember(refreshed, last);
        }
    }

    /// Remembers a chosen key. Where there is no room it takes the place of one with a low IV, if it has a greater one
    /// itself: the lowest of the next few, in turn, so that it costs the same however many keys there are.
    fn remember(&mut self, key: Fingerprint, iv: AesCtrIv) {
        if self.last.len() < MAX_KEYS {
            self.places.insert(key, self.last.len());
            self.last.push((key, iv));
            return;
        }
        let next = (self.hand..self.hand + LOOKED_AT).map(|place| place % MAX_KEYS);
        let lowest = next.min_by_key(|&place| self.last[place].1).expect("some are looked at");
        self.hand = (self.hand + LOOKED_AT) % MAX_KEYS;
        let forgotten = if self.last[lowest].1 < iv {
            let (forgotten, last) = std::mem::replace(&mut self.last[lowest], (key, iv));
            self.places.remove(&forgotten);
            self.places.insert(key, lowest);
            last
        } else {
            iv
        };
        self.forgotten = self.forgotten.max(Some(forgotten));
    }
}

/// The IVs that the driver has used with `EncryptionBlt` under session keys that are not in force any more (D11). None
/// where read-backs have a key of their own.
#[derive(Debug, Default)]
pub(super) struct ReadBackIvs {
    last: Vec<(Fingerprint, u64)>,
    /// The greatest last IV of keys that were forgotten.
    forgotten: Option<u64>,
}

impl ReadBackIvs {
    /// A chosen session key has ended; it may come back.
    pub(super) fn ended(&mut self, key: &Key, ivs: &DriverIvs) {
        let Some(iv) = ivs.last() else { return };
        let key = fingerprint(key);
        if let Some((_, last)) = self.last.iter_mut().find(|(known, _)| *known == key) {
            *last = iv;
            return;
        }
        if self.last.len() < MAX_KEYS {
            self.last.push((key, iv));
            return;
        }
        let lowest =
            self.last.iter_mut().min_by_key(|(_, last)| *last).expect("there are keys, or there would be room");
        let forgotten = if lowest.1 < iv { std::mem::replace(lowest, (key, iv)).1 } else { iv };
        self.forgotten = self.forgotten.max(Some(forgotten));
    }

    /// The IVs of a session key that has come into force by an exchange: they go on behind those that it has had. Where it
    /// may be a forgotten one, behind those of all forgotten keys.
    pub(super) fn of(&self, key: &Key) -> DriverIvs {
        let key = fingerprint(key);
        let known = self.last.iter().find(|(known, _)| *known == key).map(|&(_, last)| last);
        DriverIvs::behind(known.or(self.forgotten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::new(&(u128::from(number) + 1).to_be_bytes())
    }

    fn iv(iv: u64) -> AesCtrIv {
        AesCtrIv { iv, count: 0 }
    }

    /// So many keys from `first` on, each with one IV.
    fn fill(ivs: &mut ApplicationIvs, first: u64, last_iv: impl Fn(u64) -> u64) {
        (first..first + MAX_KEYS as u64).for_each(|number| ivs.use_iv(&key(number), iv(last_iv(number))).unwrap());
    }

    #[test]
    fn iv_of_a_key_increases_over_other_keys_refreshes_and_exchanges() {
        let mut ivs = ApplicationIvs::default();
        ivs.use_iv(&key(1), iv(7)).unwrap();
        ivs.use_iv(&key(2), iv(3)).unwrap();
        ivs.refreshed(&key(3));
        ivs.use_iv(&key(3), iv(1)).unwrap();
        ivs.exchanged(&key(2));
        for (number, last) in [(1, 7), (2, 3)] {
            assert!(matches!(ivs.use_iv(&key(number), iv(last)), Err(Error::IvNotIncreasing)));
            ivs.use_iv(&key(number), iv(last + 1)).unwrap();
        }
    }

    #[test]
    fn refreshed_keys_take_no_memory_and_increase_while_they_are_in_force() {
        let mut ivs = ApplicationIvs::default();
        for number in 0..3 * MAX_KEYS as u64 {
            ivs.refreshed(&key(number));
            ivs.use_iv(&key(number), iv(5)).unwrap();
            assert!(matches!(ivs.use_iv(&key(number), iv(5)), Err(Error::IvNotIncreasing)));
        }
        assert_eq!((ivs.last.len(), ivs.forgotten), (0, None));
    }

    #[test]
    fn refreshed_key_that_is_exchanged_while_it_is_in_force_goes_on() {
        let mut ivs = ApplicationIvs::default();
        ivs.refreshed(&key(1));
        ivs.use_iv(&key(1), iv(5)).unwrap();
        ivs.exchanged(&key(1));
        assert!(matches!(ivs.use_iv(&key(1), iv(5)), Err(Error::IvNotIncreasing)));
        ivs.refreshed(&key(2));
        ivs.exchanged(&key(1));
        assert!(matches!(ivs.use_iv(&key(1), iv(5)), Err(Error::IvNotIncreasing)));
    }

    #[test]
    fn forgotten_keys_have_low_ivs_and_no_iv_of_them_is_taken_again() {
        let mut ivs = ApplicationIvs::default();
        fill(&mut ivs, 0, |number| 100 + number);
        ivs.use_iv(&key(9999), iv(5000)).unwrap();
        assert_eq!((ivs.last.len(), ivs.forgotten), (MAX_KEYS, Some(iv(100))));
        // The first key is forgotten, and so is one that is new: both are taken above it only.
        for number in [0, 10_000] {
            assert!(matches!(ivs.use_iv(&key(number), iv(100)), Err(Error::IvOfForgottenKey)));
        }
        assert!(matches!(ivs.use_iv(&key(1), iv(101)), Err(Error::IvNotIncreasing)), "it is remembered");
        ivs.use_iv(&key(0), iv(101)).unwrap();
        assert!(matches!(ivs.use_iv(&key(0), iv(101)), Err(Error::IvOfForgottenKey | Error::IvNotIncreasing)));
    }

    /// Against memory that never forgets: whatever is taken here is taken there.
    #[test]
    fn no_iv_is_taken_twice_with_one_key_however_many_keys_there_are() {
        let (mut ivs, mut all) = (ApplicationIvs::default(), HashMap::new());
        let (mut number, mut taken) = (1_u64, 0);
        for _ in 0..40_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (which, next) = (number >> 33 & 0x1FFF, iv(number >> 50));
            if ivs.use_iv(&key(which), next).is_ok() {
                let before = all.insert(which, next);
                assert!(before.is_none_or(|before| before < next), "key {which}: {next:?} behind {before:?}");
                taken += 1;
            }
            assert!(ivs.places.len() == ivs.last.len() && ivs.last.len() <= MAX_KEYS);
        }
        assert!(taken > 2 * MAX_KEYS && ivs.forgotten.is_some(), "{taken}");
    }

    #[test]
    fn key_with_the_lowest_iv_of_all_goes_on_by_the_bound() {
        let mut ivs = ApplicationIvs::default();
        fill(&mut ivs, 0, |_| 1000);
        for next in [1, 2, 3] {
            ivs.use_iv(&key(9999), iv(next)).unwrap();
            assert!(ivs.use_iv(&key(9999), iv(next)).is_err());
        }
        assert_eq!(ivs.last.len(), MAX_KEYS);
    }

    #[test]
    fn refresh_and_exchange_lift_the_bound_and_forget_no_key_that_is_remembered() {
        let changes: [fn(&mut ApplicationIvs); 2] =
            [|ivs| ivs.refreshed(&key(50_000)), |ivs| ivs.exchanged(&key(50_001))];
        for change in changes {
            let mut ivs = ApplicationIvs::default();
            fill(&mut ivs, 0, |_| 1);
            ivs.use_iv(&key(9999), iv(1)).unwrap();
            assert!(matches!(ivs.use_iv(&key(9998), iv(1)), Err(Error::IvOfForgottenKey)));
            change(&mut ivs);
            ivs.use_iv(&key(9998), iv(1)).unwrap();
            assert!(matches!(ivs.use_iv(&key(5), iv(1)), Err(Error::IvNotIncreasing)));
        }
    }

    #[test]
    fn read_back_ivs_of_a_key_that_comes_back_go_on() {
        let mut ended = ReadBackIvs::default();
        ended.ended(&key(1), &DriverIvs::behind(Some(41)));
        ended.ended(&key(2), &DriverIvs::behind(None));
        assert_eq!([1, 2, 3].map(|number| ended.of(&key(number)).last()), [Some(41), None, None]);
        ended.ended(&key(1), &DriverIvs::behind(Some(50)));
        assert_eq!((ended.of(&key(1)).last(), ended.last.len()), (Some(50), 1));
    }

    #[test]
    fn read_back_ivs_of_more_keys_than_are_remembered_begin_behind_the_forgotten_ones() {
        let mut ended = ReadBackIvs::default();
        for number in 0..MAX_KEYS as u64 + 3 {
            ended.ended(&key(number), &DriverIvs::behind(Some(10 + number)));
        }
        assert_eq!(ended.last.len(), MAX_KEYS);
        for forgotten in [0, 2, 50_000] {
            assert_eq!(ended.of(&key(forgotten)).last(), Some(12), "{forgotten}");
        }
        assert_eq!(ended.of(&key(3)).last(), Some(13));
        ended.ended(&key(60_000), &DriverIvs::behind(Some(5)));
        assert_eq!(ended.of(&key(60_000)).last(), Some(12), "not lower than before");
    }
}
