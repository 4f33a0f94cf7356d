//! The content keys of a session that were used last, opened and expanded, by the wraps that they came in.
//!
//! A wrap is ciphertext that the caller passes at each blit, so it is compared as it is: what the comparison takes says
//! nothing about a key. A wrap means its key only under one session key, so whoever changes that clears these.

use zeroize::ZeroizeOnDrop;

use crate::key::KEY_SIZE;

/// Content keys that a session keeps: those of a video, of its soundtracks, and of what comes next.
pub(super) const CAPACITY: usize = 8;

/// Content keys by their wraps. One that goes is overwritten, since its `K` is. To get one allocates nothing.
pub(super) struct ContentKeys<K: ZeroizeOnDrop> {
    /// Counts the uses of keys; 0 where there is none, and then nothing else needs to be looked at.
    uses: u64,
    /// Apart, since most sessions need it seldom, and many sessions are to lie close together.
    places: Box<Places<K>>,
}

struct Places<K> {
    /// The wraps of `keys`, side by side to be looked through. They count where there is a key.
    wraps: [[u8; KEY_SIZE]; CAPACITY],
    /// The numbers of the keys' last uses; 0 where there is no key.
    used: [u64; CAPACITY],
    keys: [Option<K>; CAPACITY],
}

impl<K: ZeroizeOnDrop> Default for ContentKeys<K> {
    fn default() -> Self {
        let places = Places { wraps: [[0; KEY_SIZE]; CAPACITY], used: [0; CAPACITY], keys: [const { None }; CAPACITY] };
        Self { uses: 0, places: Box::new(places) }
    }
}

impl<K: ZeroizeOnDrop> ContentKeys<K> {
    /// The key that came as `wrapped`; if it is not here, what `open` makes of it, in place of the one that has not been
    /// used for longest.
    pub(super) fn get_or_open(&mut self, wrapped: &[u8; KEY_SIZE], open: impl FnOnce() -> K) -> &K {
        let Self { uses, places } = self;
        *uses += 1;
        let found = (0..CAPACITY).find(|&at| places.used[at] != 0 && places.wraps[at] == *wrapped);
        let at = found.unwrap_or_else(|| places.oldest());
        if found.is_none() {
            places.used[at] = 0;
            places.keys[at] = None;
        }
        let key = places.keys[at].get_or_insert_with(open);
        (places.wraps[at], places.used[at]) = (*wrapped, *uses);
        key
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.uses) != 0 {
            self.places.used = [0; CAPACITY];
            self.places.keys = [const { None }; CAPACITY];
        }
    }
}

impl<K> Places<K> {
    /// A free place, else that of the key that has not been used for longest.
    fn oldest(&self) -> usize {
        (0..CAPACITY).min_by_key(|&at| self.used[at]).expect("there is more than one place")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A key that tells when it is dropped, which is when a real one is overwritten.
    struct Told<'t>(u8, &'t RefCell<Vec<u8>>);

    impl Drop for Told<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }

    impl ZeroizeOnDrop for Told<'_> {}

    fn get<'t>(keys: &mut ContentKeys<Told<'t>>, number: u8, dropped: &'t RefCell<Vec<u8>>) -> bool {
        let mut is_opened = false;
        let key = keys.get_or_open(&[number; KEY_SIZE], || {
            is_opened = true;
            Told(number, dropped)
        });
        assert_eq!(key.0, number, "another key came for the wrap");
        is_opened
    }

    #[test]
    fn key_is_opened_once() {
        let dropped = RefCell::default();
        let mut keys = ContentKeys::default();
        for is_new in [true, false, false] {
            assert_eq!([1, 2, 3].map(|number| get(&mut keys, number, &dropped)), [is_new; 3]);
        }
        assert!(dropped.borrow().is_empty());
    }

    #[test]
    fn wraps_that_differ_in_one_bit_are_two() {
        let dropped = RefCell::default();
        let mut keys = ContentKeys::default();
        get(&mut keys, 0, &dropped);
        for bit in 0..128 {
            let wrapped = (1_u128 << bit).to_be_bytes();
            let mut is_opened = false;
            keys.get_or_open(&wrapped, || {
                is_opened = true;
                Told(1, &dropped)
            });
            assert!(is_opened, "bit {bit}");
        }
    }

    #[test]
    fn key_that_was_not_used_for_longest_goes_and_is_dropped_at_once() {
        let dropped = RefCell::default();
        let mut keys = ContentKeys::default();
        let capacity = u8::try_from(CAPACITY).unwrap();
        (0..capacity).for_each(|number| assert!(get(&mut keys, number, &dropped)));
        assert!(!get(&mut keys, 0, &dropped));
        assert!(dropped.borrow().is_empty());
        assert!(get(&mut keys, 100, &dropped));
        assert_eq!(*dropped.borrow(), [1], "0 was used after 1");
        assert!(get(&mut keys, 1, &dropped), "it is gone");
        assert_eq!(*dropped.borrow(), [1, 2]);
        assert!(!get(&mut keys, 0, &dropped) && !get(&mut keys, 100, &dropped));
    }

    #[test]
    fn clear_drops_every_key() {
        for count in 0..=u8::try_from(CAPACITY).unwrap() {
            let dropped = RefCell::default();
            let mut keys = ContentKeys::default();
            (0..count).for_each(|number| assert!(get(&mut keys, number, &dropped)));
            keys.clear();
            assert_eq!(*dropped.borrow(), (0..count).collect::<Vec<_>>());
            (0..count).for_each(|number| assert!(get(&mut keys, number, &dropped)));
        }
    }

    /// A panic while a key is opened leaves nothing behind that could be taken for it.
    #[test]
    fn key_that_could_not_be_opened_is_not_kept() {
        let dropped = RefCell::default();
        let mut keys = ContentKeys::default();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            keys.get_or_open(&[7; KEY_SIZE], || panic!("on purpose"));
        }));
        assert!(panicked.is_err() && get(&mut keys, 7, &dropped));
    }
}
