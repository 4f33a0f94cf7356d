//! Blits and refreshes through the table allocate nothing.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{from_ref, null};

use common::host::passing_host;
use common::{Block, TestAdapter, TestDevice, TestSession};
use softcp_abi::{D3D10DDI_HRESOURCE, D3D11_1DDI_ENCRYPTED_BLOCK_INFO, S_OK, softcp_mapping, softcp_plane};
use softcp_client::{ContentKey, SystemRandom};

const CALLS: usize = 1000;

/// The system's allocator, which counts what each thread asks of it.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends counts no more.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's duty is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's duty is the same.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's duty is the same.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Calls of the allocator, of either kind, while `body` runs.
fn allocations(body: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    body();
    COUNT.with(Cell::get) - before
}

/// A device over a host that hands mappings out, with the memory of two resources of three planes each.
struct Rig {
    device: TestDevice,
    memory: [Vec<u8>; 2],
}

impl Rig {
    fn new() -> Self {
        let adapter = TestAdapter::new("");
        let mut device = TestDevice::new(&adapter);
        device.replace(&adapter, &passing_host());
        Self { device, memory: [vec![1; 300], vec![2; 300]] }
    }

    /// Mappings of all of the memory as one plane, or as three.
    fn mappings(&mut self, is_of_three_planes: bool) -> [softcp_mapping; 2] {
        self.memory.each_mut().map(|memory| {
            let part = |index: usize, bytes: usize| softcp_plane {
                data: memory.as_ptr().wrapping_add(100 * index).cast_mut().cast(),
                row_pitch: bytes,
                row_bytes: bytes,
                rows: 1,
            };
            let first = part(0, if is_of_three_planes { 100 } else { 300 });
            softcp_mapping {
                data: first.data,
                row_pitch: first.row_pitch,
                row_bytes: first.row_bytes,
                rows: 1,
                extra_plane_count: if is_of_three_planes { 2 } else { 0 },
                extra_planes: [part(1, 100), part(2, 100)],
                ..softcp_mapping::default()
            }
        })
    }

    fn decrypt(
        &self,
        session: &TestSession,
        [from, to]: [&softcp_mapping; 2],
        info: Option<&D3D11_1DDI_ENCRYPTED_BLOCK_INFO>,
        key: Option<&Block>,
    ) {
        let entry = self.device.table.pfnDecryptionBlt.unwrap();
        let iv = [7_u8; 16];
        let (key, key_size) = key.map_or((null(), 0), |key| (key.as_ptr().cast::<c_void>(), 16));
        let (info, iv, from, to) = (info.map_or(null(), from_ref), iv.as_ptr().cast(), cookie(from), cookie(to));
        // SAFETY: information, key and IV live past the call; the mappings live as long as the test.
        unsafe { entry(self.device.h_device, session.handle(), from, to, info, key_size, key, 16, iv) };
    }

    fn encrypt(&self, session: &TestSession, [from, to]: [&softcp_mapping; 2]) {
        let entry = self.device.table.pfnEncryptionBlt.unwrap();
        let mut iv = [0_u8; 16];
        let (iv, from, to) = (iv.as_mut_ptr().cast(), cookie(from), cookie(to));
        // SAFETY: the IV lives past the call; the mappings live as long as the test.
        unsafe { entry(self.device.h_device, session.handle(), from, to, 16, iv) };
    }

    fn refresh(&self, session: &TestSession) {
        let mut number = Block::default();
        let start = self.device.table.pfnStartSessionKeyRefresh.unwrap();
        // SAFETY: the number lives past the call and has this size.
        unsafe { start(self.device.h_device, session.handle(), 16, number.as_mut_ptr().cast()) };
        assert_ne!(number, Block::default());
        self.device.finish_refresh_unobserved(session);
    }
}

fn cookie(mapping: &softcp_mapping) -> D3D10DDI_HRESOURCE {
    D3D10DDI_HRESOURCE { pDrvPrivate: from_ref(mapping).cast_mut().cast() }
}

#[test]
fn allocations_are_counted() {
    assert!(allocations(|| drop(vec![0_u8; 10])) >= 2);
}

#[test]
fn blits_allocate_nothing() {
    let mut rig = Rig::new();
    let certificate = rig.device.certificate();
    let (session, client) = rig.device.keyed_session(&certificate);
    assert_eq!(rig.device.encryption_blt_key(&session, &mut [0; 16]), S_OK);
    // More keys than a session keeps: some are opened at each blit.
    let wrapped = || *client.wrap_content_key(&ContentKey::generate(&SystemRandom).unwrap()).as_bytes();
    let keys: Vec<Block> = (0..30).map(|_| wrapped()).collect();
    let info = D3D11_1DDI_ENCRYPTED_BLOCK_INFO {
        NumEncryptedBytesAtBeginning: 20,
        NumBytesInSkipPattern: 5,
        NumBytesInEncryptPattern: 9,
    };
    for is_of_three_planes in [false, true] {
        let [one, other] = rig.mappings(is_of_three_planes);
        let (apart, in_place) = ([&one, &other], [&one, &one]);
        // The first call of a thread makes room to remember the device.
        rig.decrypt(&session, apart, None, None);
        let before = rig.memory.clone();
        let count = allocations(|| {
            for call in 0..CALLS {
                rig.decrypt(&session, apart, None, None);
                rig.decrypt(&session, in_place, Some(&info), Some(&keys[call % keys.len()]));
                rig.encrypt(&session, apart);
            }
        });
        assert_eq!(count, 0);
        assert_ne!(rig.memory, before, "nothing was blitted");
    }
    assert_eq!(rig.device.host.take_reports(), []);
}

#[test]
fn refreshes_allocate_nothing() {
    let rig = Rig::new();
    let certificate = rig.device.certificate();
    let (session, _client) = rig.device.keyed_session(&certificate);
    rig.refresh(&session);
    assert_eq!(allocations(|| (0..CALLS).for_each(|_| rig.refresh(&session))), 0);
}
