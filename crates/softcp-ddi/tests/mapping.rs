//! Hosts whose mappings fail, lie or overlap: a blit is refused with nothing written, or right, and every map that
//! succeeded has exactly one unmap (checked by [`TestDevice`] when it is dropped, and here after each refusal).

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ops::Range;
use std::ptr::without_provenance_mut;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::host::{HostResource, NULL_DATA};
use common::{Decryption, FILL, TestAdapter, TestDevice, TestRandom, TestSession, decrypts, size_u32};
use softcp_abi::{
    D3D10DDI_HRESOURCE, D3DERR_CANNOTPROTECTCONTENT, E_INVALIDARG, HRESULT, S_OK, SOFTCP_ACCESS_READ,
    SOFTCP_ACCESS_READ_WRITE, SOFTCP_ACCESS_WRITE, SOFTCP_MAPPING_MULTISAMPLED, SOFTCP_MAPPING_PROTECTED,
    softcp_mapping, softcp_plane,
};
use softcp_client::{AesCtrIv, ClientSession};
use softcp_ddi::softcp_host;

/// A failure of a host's own.
const HOST_FAILURE: HRESULT = -0x7FFB_EDCC;

/// A name, and what it does to a mapping.
type Change = (&'static str, fn(&mut softcp_mapping));

/// A keyed session on a device of its own.
struct Rig {
    device: TestDevice,
    session: TestSession,
    client: ClientSession,
}

impl Rig {
    fn new(options: &str) -> Self {
        let device = TestDevice::alone(options);
        let (session, client) = device.keyed_session(&device.certificate());
        Self { device, session, client }
    }

    /// A surface of two planes, filled with [`FILL`].
    fn surface(&self, row_pitch: usize) -> Arc<HostResource> {
        let plane = |rows| softcp_plane { row_bytes: 32, rows, row_pitch, ..softcp_plane::default() };
        let resource = self.device.host.planes(&[plane(8), plane(4)]);
        resource.set_bytes(&vec![FILL; resource.bytes().len()]);
        resource
    }

    fn blit(&self, source: &HostResource, destination: &HostResource) -> HRESULT {
        self.blit_handles(source.handle(), destination.handle())
    }

    fn blit_handles(&self, source: D3D10DDI_HRESOURCE, destination: D3D10DDI_HRESOURCE) -> HRESULT {
        self.device.decryption_blt(&self.session, source, destination, &Decryption::with_iv(&[0; 16]))
    }

    /// A blit that must fail, write nothing and leave nothing mapped.
    fn assert_refused(&self, source: &HostResource, destination: &HostResource, expected: HRESULT, what: &str) {
        let before = [source, destination].map(HostResource::bytes);
        assert_eq!(self.blit(source, destination), expected, "{what}");
        assert_eq!([source, destination].map(HostResource::bytes), before, "{what}: nothing is written");
        self.device.host.assert_balanced();
    }
}

#[test]
fn source_that_cannot_be_mapped_passes_the_hosts_failure_on() {
    let rig = Rig::new("");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    source.set_map_result(HOST_FAILURE);
    rig.assert_refused(&source, &destination, HOST_FAILURE, "source");
    assert_eq!(rig.device.host.maps(), 0, "the destination is not mapped then");
}

#[test]
fn destination_that_cannot_be_mapped_unmaps_the_source() {
    let rig = Rig::new("");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    destination.set_map_result(HOST_FAILURE);
    rig.assert_refused(&source, &destination, HOST_FAILURE, "destination");
    assert_eq!(source.counts(), (1, 1, SOFTCP_ACCESS_READ));
}

#[test]
fn resource_in_place_that_cannot_be_mapped_passes_the_hosts_failure_on() {
    let rig = Rig::new("");
    let resource = rig.surface(40);
    resource.set_map_result(HOST_FAILURE);
    rig.assert_refused(&resource, &resource, HOST_FAILURE, "in place");
}

#[test]
fn positive_result_of_map_is_success_and_unmapped() {
    let rig = Rig::new("");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    source.set_map_result(1);
    assert_eq!(rig.blit(&source, &destination), S_OK);
    assert_eq!(source.counts(), (1, 1, SOFTCP_ACCESS_READ));
    assert_eq!(destination.counts(), (1, 1, SOFTCP_ACCESS_WRITE));
}

/// A regression test: null handles of resources were passed on to the host's `map`.
#[test]
fn null_resource_never_reaches_the_host() {
    let rig = Rig::new("");
    let (resource, null) = (rig.surface(40), D3D10DDI_HRESOURCE::default());
    for (source, destination) in [(null, resource.handle()), (resource.handle(), null), (null, null)] {
        assert_eq!(rig.blit_handles(source, destination), E_INVALIDARG);
    }
    assert_eq!(rig.device.host.maps(), 0);
}

#[test]
fn impossible_mappings_are_refused_on_either_side_and_in_place() {
    let rig = Rig::new("");
    let lies: &[Change] = &[
        ("null data", |m| m.data = NULL_DATA),
        ("null data in the second plane", |m| m.extra_planes[0].data = NULL_DATA),
        ("three extra planes", |m| m.extra_plane_count = 3),
        ("countless extra planes", |m| m.extra_plane_count = u32::MAX),
        ("pitch below the row", |m| m.row_pitch = m.row_bytes - 1),
        ("no pitch", |m| m.row_pitch = 0),
        ("no pitch in the second plane", |m| m.extra_planes[0].row_pitch = 0),
        ("endless rows", |m| m.rows = usize::MAX),
        ("endless row", |m| m.row_bytes = usize::MAX),
        ("endless pitch", |m| m.row_pitch = usize::MAX),
        ("rows times pitch past all bounds", |m| (m.rows, m.row_pitch) = (1 << 33, 1 << 33)),
        ("a row of half the address space", |m| (m.rows, m.row_bytes) = (1, isize::MAX.cast_unsigned() + 1)),
        ("the third plane impossible", |m| {
            m.extra_plane_count = 2;
            m.extra_planes[1] = softcp_plane { rows: 2, row_bytes: usize::MAX, ..m.extra_planes[0] };
        }),
    ];
    for (what, lie) in lies {
        for side in 0..3 {
            let (source, destination) = (rig.surface(40), rig.surface(48));
            if side == 2 {
                source.change_mapping(lie);
                rig.assert_refused(&source, &source, E_INVALIDARG, &format!("{what}, in place"));
            } else {
                [&source, &destination][side].change_mapping(lie);
                rig.assert_refused(&source, &destination, E_INVALIDARG, &format!("{what}, side {side}"));
            }
        }
    }
    assert!(decrypts(&rig.device, &rig.session, &rig.client));
}

#[test]
fn data_past_the_end_of_the_address_space_is_refused() {
    let rig = Rig::new("");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    let half = isize::MAX.cast_unsigned();
    source.change_mapping(|m| (m.data, m.rows, m.row_bytes) = (without_provenance_mut(half), 1, half));
    rig.assert_refused(&source, &destination, E_INVALIDARG, "source");
    rig.assert_refused(&destination, &source, E_INVALIDARG, "destination");
    rig.assert_refused(&source, &source, E_INVALIDARG, "in place");
}

#[test]
fn surfaces_that_disagree_are_refused() {
    let rig = Rig::new("");
    let differences: &[Change] = &[
        ("fewer rows", |m| m.rows -= 1),
        ("shorter rows", |m| m.row_bytes -= 1),
        ("fewer rows in the second plane", |m| m.extra_planes[0].rows -= 1),
        ("one plane", |m| m.extra_plane_count = 0),
        ("two formats", |m| m.format = 28),
        ("an empty third plane", |m| {
            m.extra_plane_count = 2;
            m.extra_planes[1] = softcp_plane { data: NULL_DATA, ..softcp_plane::default() };
        }),
    ];
    for (what, change) in differences {
        let (source, destination) = (rig.surface(40), rig.surface(48));
        source.change_mapping(|mapping| mapping.format = 103);
        destination.change_mapping(|mapping| mapping.format = 103);
        source.change_mapping(change);
        rig.assert_refused(&source, &destination, E_INVALIDARG, what);
        rig.assert_refused(&destination, &source, E_INVALIDARG, what);
    }
}

#[test]
fn multisampled_destination_is_refused() {
    let rig = Rig::new("");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    source.change_mapping(|mapping| mapping.flags = SOFTCP_MAPPING_MULTISAMPLED);
    assert_eq!(rig.blit(&source, &destination), S_OK, "a multisampled source is nobody's business");
    rig.assert_refused(&destination, &source, E_INVALIDARG, "multisampled");
}

#[test]
fn enforced_protection_takes_protected_destinations_only() {
    let rig = Rig::new("capabilities.flags.protection_always_on=true");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    rig.assert_refused(&source, &destination, D3DERR_CANNOTPROTECTCONTENT, "not protected (D19)");
    destination.change_mapping(|mapping| mapping.flags = SOFTCP_MAPPING_PROTECTED);
    assert_eq!(rig.blit(&source, &destination), S_OK);
}

#[test]
fn cookies_of_one_resource_are_mapped_once() {
    let rig = Rig::new("");
    let (resource, other_name) = (rig.surface(40), rig.surface(40));
    other_name.set_same_as(&resource);
    for (source, destination) in [(&other_name, &resource), (&resource, &other_name), (&resource, &resource)] {
        let maps = rig.device.host.maps();
        assert_eq!(rig.blit(source, destination), S_OK);
        assert_eq!(rig.device.host.maps(), maps + 1);
        assert_eq!(destination.counts().2, SOFTCP_ACCESS_READ_WRITE);
        rig.device.host.assert_balanced();
    }
}

#[test]
fn pitch_of_a_single_row_has_no_meaning() {
    let rig = Rig::new("");
    for pitch in [0, 1, usize::MAX] {
        let (source, destination) = (rig.device.host.buffer(20), rig.device.host.buffer(20));
        source.change_mapping(|mapping| mapping.row_pitch = pitch);
        destination.change_mapping(|mapping| mapping.row_pitch = pitch);
        assert_eq!(rig.blit(&source, &destination), S_OK, "{pitch}");
        assert_eq!(rig.blit(&destination, &destination), S_OK, "{pitch}, in place");
    }
}

#[test]
fn empty_surfaces_need_no_data() {
    let rig = Rig::new("");
    for (rows, row_bytes) in [(0, 0), (0, 16), (16, 0), (usize::MAX, 0), (0, usize::MAX)] {
        let (source, destination) = (rig.device.host.buffer(20), rig.device.host.buffer(20));
        for resource in [&source, &destination] {
            resource.change_mapping(|m| (m.data, m.rows, m.row_bytes, m.row_pitch) = (NULL_DATA, rows, row_bytes, 0));
        }
        assert_eq!(rig.blit(&source, &destination), S_OK, "{rows} rows of {row_bytes} bytes");
        assert_eq!(rig.blit(&source, &source), S_OK, "{rows} rows of {row_bytes} bytes, in place");
    }
}

/// A regression test: a plane without bytes counted as overlapping the plane in whose middle its data pointed.
#[test]
fn empty_plane_inside_another_plane_is_no_overlap() {
    let rig = Rig::new("");
    let (source, destination) = (rig.surface(40), rig.surface(48));
    for resource in [&source, &destination] {
        resource.change_mapping(|mapping| {
            mapping.extra_planes[0] =
                softcp_plane { data: without_provenance_mut(5), row_bytes: 32, rows: 0, row_pitch: 0 };
        });
    }
    assert_eq!(rig.blit(&source, &destination), S_OK);
    assert_eq!(rig.blit(&source, &source), S_OK);
}

/// The bytes that a plane spans, padding between its rows included; none when it is empty.
fn extent(plane: &softcp_plane) -> Range<usize> {
    let start = plane.data.addr();
    match (plane.rows, plane.row_bytes) {
        (0, _) | (_, 0) => start..start,
        (rows, row_bytes) => start..start + (rows - 1) * plane.row_pitch + row_bytes,
    }
}

fn disjoint(a: &softcp_plane, b: &softcp_plane) -> bool {
    let (a, b) = (extent(a), extent(b));
    a.is_empty() || b.is_empty() || a.end <= b.start || b.end <= a.start
}

/// Up to three planes at random places of the arena that may overlap one another.
fn random_planes(random: &mut TestRandom, shape: &[(usize, usize)]) -> Vec<softcp_plane> {
    let plane = |&(row_bytes, rows): &(usize, usize)| softcp_plane {
        data: without_provenance_mut(random.below(ARENA - 1200)),
        row_bytes,
        rows,
        row_pitch: row_bytes + random.below(9),
    };
    shape.iter().map(plane).collect()
}

fn mapping(planes: &[softcp_plane]) -> softcp_mapping {
    let softcp_plane { data, row_pitch, row_bytes, rows } = planes[0];
    let mut extra_planes = [softcp_plane::default(); 2];
    extra_planes[..planes.len() - 1].copy_from_slice(&planes[1..]);
    let extra_plane_count = u32::try_from(planes.len() - 1).unwrap();
    softcp_mapping { data, row_pitch, row_bytes, rows, extra_plane_count, extra_planes, ..softcp_mapping::default() }
}

/// Bytes of memory that source and destination share.
const ARENA: usize = 4096;

/// Source and destination as windows of one memory: refused exactly when they overlap, or planes of the destination do;
/// otherwise exactly the visible bytes of the destination change.
#[test]
fn windows_of_one_memory_are_refused_exactly_when_they_overlap() {
    let rig = Rig::new("");
    let mut random = TestRandom::new(2);
    let (mut refused, mut done) = (0, 0);
    for round in 0..3000 {
        let shape: Vec<_> = (0..=random.below(3)).map(|_| (random.below(40), random.below(20))).collect();
        let (from, to) = (random_planes(&mut random, &shape), random_planes(&mut random, &shape));
        let memory = random.bytes(ARENA);
        // Two cookies of the same memory, which the host does not say are one resource.
        let arena = rig.device.host.resource(memory.clone(), mapping(&from));
        let destination = rig.device.host.window_of(&arena, mapping(&to));
        let planes = |count: usize| (0..count).flat_map(|b| (0..b).map(move |a| (a, b)));
        let allowed = from.iter().all(|a| to.iter().all(|b| disjoint(a, b)))
            && planes(to.len()).all(|(a, b)| disjoint(&to[a], &to[b]));

        let iv = AesCtrIv { iv: random.next_u64(), count: u64::MAX };
        let block = iv.to_bytes();
        let blit = Decryption::with_iv(&block);
        let hresult = rig.device.decryption_blt(&rig.session, arena.handle(), destination.handle(), &blit);
        rig.device.host.assert_balanced();
        let mut expected = memory.clone();
        if allowed {
            done += 1;
            assert_eq!(hresult, S_OK, "round {round}: {from:?} {to:?}");
            let cipher = rig.client.data_cipher();
            let mut stream = cipher.stream(iv);
            for (from, to) in from.iter().zip(&to) {
                for row in 0..from.rows {
                    let mut bytes = memory[from.data.addr() + row * from.row_pitch..][..from.row_bytes].to_vec();
                    stream.apply(&mut bytes);
                    expected[to.data.addr() + row * to.row_pitch..][..to.row_bytes].copy_from_slice(&bytes);
                }
            }
        } else {
            refused += 1;
            assert_eq!(hresult, E_INVALIDARG, "round {round}: {from:?} {to:?}");
        }
        assert!(arena.bytes() == expected, "round {round}: {from:?} {to:?}");
    }
    assert!(refused > 300 && done > 300, "{refused} refused, {done} done: the test looks at both");
}

/// The cookies in the order in which the host was asked to map and to unmap.
#[test]
fn resources_are_mapped_in_the_order_of_their_cookies_and_unmapped_in_the_reverse() {
    let rig = Rig::new("");
    let (low, high) = (rig.surface(40), rig.surface(48));
    assert!(low.handle().pDrvPrivate.addr() < high.handle().pDrvPrivate.addr());
    for (source, destination) in [(&low, &high), (&high, &low)] {
        rig.device.host.take_order();
        assert_eq!(rig.blit(source, destination), S_OK);
        let cookies = [&low, &high].map(|resource| resource.handle().pDrvPrivate.addr());
        let (first, last) = (cookies[0], cookies[1]);
        assert_eq!(rig.device.host.take_order(), [(true, first), (true, last), (false, last), (false, first)]);
    }
    // Whichever is the source: the one that is mapped first fails first, and the other is left alone.
    low.set_map_result(HOST_FAILURE);
    high.set_map_result(E_INVALIDARG);
    rig.assert_refused(&high, &low, HOST_FAILURE, "the smaller cookie");
    low.set_map_result(S_OK);
    rig.assert_refused(&high, &low, E_INVALIDARG, "the greater cookie");
}

/// A host with a lock for each resource, which `map` waits for and `unmap` releases, as drivers have them that block.
mod locks {
    use std::collections::HashMap;
    use std::ffi::c_void;
    use std::sync::{Condvar, Mutex};

    use softcp_abi::{HRESULT, S_OK, softcp_mapping};

    /// Which resources are locked, by cookie. The cookie is the address of the resource's mapping.
    #[derive(Default)]
    pub(super) struct Locks {
        held: Mutex<HashMap<usize, std::thread::ThreadId>>,
        released: Condvar,
        pub(super) waits: std::sync::atomic::AtomicU32,
    }

    pub(super) unsafe extern "C" fn map(
        context: *mut c_void,
        resource: *mut c_void,
        _access: u32,
        mapping: *mut softcp_mapping,
    ) -> HRESULT {
        // SAFETY: the context is the test's, which outlives the device.
        let locks = unsafe { &*context.cast::<Locks>() };
        let mut held = locks.held.lock().unwrap();
        while let Some(holder) = held.get(&resource.addr()) {
            assert_ne!(*holder, std::thread::current().id(), "a lock that is not recursive is taken twice");
            locks.waits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            held = locks.released.wait(held).unwrap();
        }
        held.insert(resource.addr(), std::thread::current().id());
        drop(held);
        // Threads meet between their two maps.
        std::thread::yield_now();
        // SAFETY: cookies of this host are mappings that live as long as the test.
        let described = unsafe { resource.cast::<softcp_mapping>().read() };
        // SAFETY: the library passes a mapping of its own.
        unsafe { mapping.write(described) };
        S_OK
    }

    pub(super) unsafe extern "C" fn unmap(context: *mut c_void, resource: *mut c_void) {
        // SAFETY: as in `map`.
        let locks = unsafe { &*context.cast::<Locks>() };
        let holder = locks.held.lock().unwrap().remove(&resource.addr());
        assert_eq!(holder, Some(std::thread::current().id()), "unlocked by the thread that has locked");
        locks.released.notify_all();
    }
}

/// Two threads blit between the same two resources in opposite directions. Mapped source first, each would soon hold what
/// the other waits for; a watchdog ends the test then.
#[test]
fn opposite_blits_over_locked_resources_never_deadlock() {
    const ROUNDS: usize = 5000;
    let adapter = TestAdapter::new("");
    let mut device = TestDevice::new(&adapter);
    let locks = locks::Locks::default();
    let callbacks = softcp_host {
        size: size_u32::<softcp_host>(),
        context: std::ptr::from_ref(&locks).cast_mut().cast(),
        map: Some(locks::map),
        unmap: Some(locks::unmap),
        ..softcp_host::default()
    };
    device.replace(&adapter, &callbacks);
    let certificate = device.certificate();
    let mut memory = [[0_u8; 64]; 2];
    let mappings = memory.each_mut().map(|bytes| softcp_mapping {
        data: bytes.as_mut_ptr().cast(),
        row_bytes: bytes.len(),
        rows: 1,
        ..softcp_mapping::default()
    });
    let cookie = |index: usize| std::ptr::from_ref(&mappings[index]).cast_mut().addr();
    let (done, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if matches!(end.recv_timeout(Duration::from_secs(60)), Err(mpsc::RecvTimeoutError::Timeout)) {
            eprintln!("two threads wait for each other's resource");
            std::process::abort();
        }
    });
    thread::scope(|scope| {
        for (from, to) in [(0, 1), (1, 0)] {
            let ([from, to], device, certificate) = ([from, to].map(cookie), &device, &certificate);
            let address = [&mappings[0], &mappings[1]].map(std::ptr::from_ref);
            let handle = move |cookie: usize| D3D10DDI_HRESOURCE {
                pDrvPrivate: address.iter().find(|at| at.addr() == cookie).unwrap().cast_mut().cast(),
            };
            let handles = Handles(handle(from), handle(to));
            scope.spawn(move || {
                let Handles(from, to) = handles.get();
                let (session, _) = device.keyed_session(certificate);
                for _ in 0..ROUNDS {
                    let blit = Decryption::with_iv(&[0; 16]);
                    assert_eq!(device.decryption_blt(&session, *from, *to, &blit), S_OK);
                }
            });
        }
    });
    drop(done);
    watchdog.join().unwrap();
    assert!(locks.waits.load(Ordering::Relaxed) > 0, "the threads never met");
    device.destroy();
}

/// Two handles that cross threads.
struct Handles(D3D10DDI_HRESOURCE, D3D10DDI_HRESOURCE);

// SAFETY: the host locks the resources that they name.
unsafe impl Send for Handles {}

impl Handles {
    fn get(&self) -> &Self {
        self
    }
}
