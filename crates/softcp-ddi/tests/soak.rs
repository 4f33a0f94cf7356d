//! Sessions that are used for days: ten million refreshes with blits through the table take no more memory than ten
//! thousand. Not part of the test run; `cargo test --release -p softcp-ddi --test soak -- --ignored --nocapture` runs it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![allow(clippy::print_stdout, reason = "whoever runs it wants to see the memory")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{c_char, c_void};
use std::ptr::null;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::host::passing_host;
use common::{Block, TestAdapter, TestDevice, TestSession};
use softcp_abi::{D3D10DDI_HRESOURCE, HRESULT, S_OK, softcp_mapping};
use softcp_client::{KeyExchange, SystemRandom};
use softcp_ddi::softcp_host;

const REFRESHES: usize = 10_000_000;
const REPORT: usize = 1_000_000;
/// A key exchange comes so seldom, since it takes as long as a thousand refreshes.
const EXCHANGE: usize = 1_000;

/// The system's allocator, which counts bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duty is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duty is the same.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The process's resident memory in KiB, where the system tells it.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Calls that have failed.
static FAILURES: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count_failure(_: *mut c_void, _: *const c_char, _: HRESULT, _: *const c_char) {
    FAILURES.fetch_add(1, Ordering::Relaxed);
}

fn cookie(mapping: &softcp_mapping) -> D3D10DDI_HRESOURCE {
    D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::from_ref(mapping).cast_mut().cast() }
}

/// One row of memory that lives as long as the test.
fn mapping(memory: &mut [u8]) -> softcp_mapping {
    let (data, bytes) = (memory.as_mut_ptr().cast(), memory.len());
    softcp_mapping { data, row_pitch: bytes, row_bytes: bytes, rows: 1, ..softcp_mapping::default() }
}

fn decrypt(device: &TestDevice, session: &TestSession, [from, to]: [&softcp_mapping; 2], key: Option<&Block>, iv: u64) {
    let mut block = Block::default();
    block[..8].copy_from_slice(&iv.to_be_bytes());
    let (key, size) = key.map_or((null(), 0), |key| (key.as_ptr().cast::<c_void>(), 16));
    let (entry, from, to) = (device.table.pfnDecryptionBlt.unwrap(), cookie(from), cookie(to));
    // SAFETY: key and IV live past the call; the mappings live as long as the test.
    unsafe { entry(device.h_device, session.handle(), from, to, null(), size, key, 16, block.as_ptr().cast()) };
}

/// IVs must increase, read-backs are under the session key: all that a session remembers is in use. Every key takes the same
/// IVs, content keys too, of which each refresh brings a new one.
#[test]
#[ignore = "takes minutes"]
fn ten_million_refreshes_with_blits_take_no_memory() {
    let options = "capabilities.flags.sequential_ctr_iv=true;capabilities.flags.encrypted_read_back_key=false";
    let adapter = TestAdapter::new(options);
    let mut device = TestDevice::new(&adapter);
    device.replace(&adapter, &softcp_host { report_error: Some(count_failure), ..passing_host() });
    let certificate = device.certificate();
    let (session, _) = device.keyed_session(&certificate);
    // Two keys that come again and again, as K1, K2, K1, and new ones between them.
    let again = [(); 2].map(|()| KeyExchange::new(&certificate, &SystemRandom).unwrap());
    let mut memory = [[1_u8; 64], [2; 64]];
    let [one, other] = memory.each_mut().map(|memory| mapping(memory));
    let (mut number, mut iv, mut baseline, start) = (Block::default(), Block::default(), 0, Instant::now());
    let mut last_iv = 0;
    for round in 1..=REFRESHES {
        let (begin, finish) =
            (device.table.pfnStartSessionKeyRefresh.unwrap(), device.table.pfnFinishSessionKeyRefresh.unwrap());
        // SAFETY: the number lives past the call and has this size.
        unsafe { begin(device.h_device, session.handle(), 16, number.as_mut_ptr().cast()) };
        // SAFETY: the private memory lives past the call.
        unsafe { finish(device.h_device, session.handle()) };
        decrypt(&device, &session, [&one, &other], None, 1);
        decrypt(&device, &session, [&one, &other], Some(&number), 1);
        let entry = device.table.pfnEncryptionBlt.unwrap();
        // SAFETY: the IV lives past the call.
        unsafe { entry(device.h_device, session.handle(), cookie(&one), cookie(&other), 16, iv.as_mut_ptr().cast()) };
        if round % EXCHANGE == 0 {
            let exchange = match round / EXCHANGE % 3 {
                0 => &KeyExchange::new(&certificate, &SystemRandom).unwrap(),
                which => &again[which - 1],
            };
            assert_eq!(device.negotiate(&session, exchange.message().as_bytes()), S_OK);
            // Increases over all exchanges of one key.
            last_iv += 1;
            decrypt(&device, &session, [&one, &other], None, last_iv);
        }
        if round % 10_000 == 0 {
            assert_eq!(FAILURES.load(Ordering::Relaxed), 0, "round {round}");
        }
        if round % REPORT == 0 {
            let in_use = IN_USE.load(Ordering::Relaxed);
            println!("{round} refreshes: {in_use} bytes in use, {} KiB resident, {:.1?}", resident(), start.elapsed());
            if round == REPORT {
                baseline = in_use;
            }
            // Exchanged keys are remembered up to a number; the table of them doubles a few times at most.
            assert!(in_use <= baseline + (1 << 20), "{in_use} bytes in use, {baseline} after the first million");
        }
    }
    assert_ne!(memory, [[1; 64], [2; 64]]);
}
