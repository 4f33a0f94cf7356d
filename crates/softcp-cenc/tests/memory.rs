//! Memory in use stays in proportion to the file, whatever its numbers say.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use softcp_cenc::{Movie, Selection};

use support::*;

mod support;

/// The system's allocator, counting.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator with the arguments as they came, and its answer back unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory in use while the file is taken to pieces, in bytes.
fn peak(file: &[u8]) -> usize {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let pieces = Movie::open(Cursor::new(file)).and_then(|movie| movie.into_pieces(&Selection::All));
    if let Ok(pieces) = pieces {
        pieces.take_while(Result::is_ok).for_each(drop);
    }
    PEAK.load(Relaxed) - before
}

/// The file with each of its 32-bit numbers replaced by `value`, one at a time.
fn with_numbers_replaced(file: &[u8], value: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..file.len().saturating_sub(3)).map(move |at| {
        let mut file = file.to_vec();
        file[at..at + 4].copy_from_slice(&value.to_be_bytes());
        file
    })
}

/// Many of a small thing that takes the most memory for its size.
fn bloated() -> Vec<(&'static str, Vec<u8>)> {
    const MANY: usize = 20_000;
    let pssh: Vec<_> = std::iter::repeat_n(bx(b"pssh", &[]), MANY).collect();
    let mut entries = Trak::new(1, cenc_entry(), &[1], DATA).with_stbl(&[senc(1)]);
    entries.entries.extend(std::iter::repeat_n(bx(b"avc1", &[&[0; 8]]), MANY));
    let mut unordered = Trak::new(1, cenc_entry(), &[], 0);
    unordered.sizes = vec![0; MANY];
    unordered.stsc = vec![[1, 1, 1]];
    unordered.chunks = (0..u32::try_from(MANY).unwrap()).rev().collect();
    let group = [&[0, 0, 1, 8][..], &[7; 16]].concat().repeat(MANY);
    let groups = full(b"sgpd", 1, 0, &[b"seig", &words(&[20, u32::try_from(MANY).unwrap()]), &group]);
    let run = full(b"trun", 0, 0, &[&words(&[0])]);
    let runs = fragment(1, |_| vec![vec![tfhd(1), run.repeat(MANY)]]);
    let far = full(b"trun", 0, 0x201, &[&words(&[1, 1 << 30, 1])]);
    let pending = fragment(1, |_| vec![vec![tfhd(1), far.repeat(MANY)]]);
    let fragments = fragment(1, |_| std::iter::repeat_n(vec![tfhd(1), far.clone()], MANY).collect());
    vec![
        ("pssh boxes", progressive(1, &[Trak::new(1, cenc_entry(), &[1], DATA).with_stbl(&[senc(1)])], &pssh)),
        ("sample entries", progressive(1, &[entries], &[])),
        ("chunks out of order", progressive(1, &[unordered], &[])),
        ("key groups", progressive(1, &[Trak::new(1, cenc_entry(), &[1], DATA).with_stbl(&[senc(1), groups])], &[])),
        ("runs", [initialization(), runs].concat()),
        ("track fragments", [initialization(), fragments].concat()),
        ("runs still to come", [initialization(), pending].concat()),
    ]
}

// One test, because the counters are the whole process's.
#[test]
fn memory_stays_in_proportion_to_the_file() {
    for (what, file) in bloated() {
        let peak = peak(&file);
        assert!(peak < 40 * file.len(), "{what}: {peak} bytes for a file of {}", file.len());
    }

    let track = Trak::new(1, cenc_entry(), &[2, 3], DATA).with_stbl(&[senc(2)]);
    let group = full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 1]), &[0, 0, 1, 8], &[7; 16]]);
    let located = [full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 1]]), list(b"saio", 1, &[DATA])];
    let located = Trak::new(1, cenc_entry(), &[2], DATA).with_stbl(&located);
    let fragment = fragment(5, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2, 3]), senc(2), group.clone()]]);
    let files = [progressive(8, &[track], &[]), progressive(8, &[located], &[]), [initialization(), fragment].concat()];
    for file in &files {
        assert!(peak(file) > 0);
        for value in [u32::MAX, 0x7fff_ffff, 0x0100_0000, 0x0001_0000] {
            for damaged in with_numbers_replaced(file, value) {
                let peak = peak(&damaged);
                assert!(peak < 64 * 1024, "{peak} bytes for a file of {}", damaged.len());
            }
        }
    }
}
