//! Resources of the reference driver in memory of its caller's: blits work there and nowhere else.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Arc;

use common::host::Host;
use common::{Block, Decryption, FILL, IDENTITY, TestDevice, TestRandom, TestSession, size_u32};
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3DDDIERR_DEVICEREMOVED, D3DERR_CANNOTPROTECTCONTENT, D3DERR_INVALIDCALL,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEODEVICEFUNCS, E_INVALIDARG, E_OUTOFMEMORY, HRESULT, S_OK,
    SOFTCP_ACCESS_READ, SOFTCP_ACCESS_READ_WRITE, SOFTCP_ACCESS_WRITE, SOFTCP_DRIVER_INTERFACE_VERSION,
    SOFTCP_MAPPING_MULTISAMPLED, SOFTCP_MAPPING_PROTECTED, SOFTCP_RESOURCE_PROTECTED, softcp_driver,
    softcp_driver_desc, softcp_mapping, softcp_plane, softcp_resource_desc,
};
use softcp_client::{AesCtrIv, ClientSession};
use softcp_ddi::softcp_open_reference_driver;

/// Enforces protection without a channel.
const ENFORCED: &str = "capabilities.flags.protection_always_on=true";

const IV: AesCtrIv = AesCtrIv { iv: 3, count: 7 };

/// Planes as `(row_bytes, rows)`, with rows and planes that end within a block.
const PLANES: [(usize, usize); 2] = [(37, 9), (37, 4)];

/// A device of the reference driver with a keyed session.
struct Rig {
    driver: softcp_driver,
    device: TestDevice,
    session: TestSession,
    client: ClientSession,
}

impl Rig {
    fn new(options: &str) -> Self {
        let host = Arc::new(Host::default());
        let callbacks = Host::callbacks(&host);
        let options = std::ffi::CString::new(format!("identity.directory={IDENTITY};{options}")).unwrap();
        let desc = softcp_driver_desc {
            size: size_u32::<softcp_driver_desc>(),
            interface_version: SOFTCP_DRIVER_INTERFACE_VERSION,
            options: options.as_ptr(),
            error_context: callbacks.context,
            report_error: callbacks.report_error,
        };
        let mut driver = softcp_driver { size: size_u32::<softcp_driver>(), ..softcp_driver::default() };
        // SAFETY: both structures are whole, and the host lives until the driver is closed.
        assert_eq!(unsafe { softcp_open_reference_driver(&raw const desc, &raw mut driver) }, S_OK);
        let mut handle = D3D10DDI_HDEVICE::default();
        // SAFETY: the driver is open, and the output lives.
        assert_eq!(unsafe { driver.create_device.unwrap()(driver.context, &raw mut handle) }, S_OK);
        let mut table = D3DWDDM2_4DDI_VIDEODEVICEFUNCS::default();
        let (size, into) = (size_of_val(&table), (&raw mut table).cast());
        let retrieve = driver.retrieve_sub_object.unwrap();
        // SAFETY: the device lives, and the table is this sub-device's.
        let hresult = unsafe { retrieve(driver.context, handle, D3DWDDM2_4DDI_VIDEO_FUNCTIONS, size, into) };
        assert_eq!(hresult, S_OK);
        let device = TestDevice::of_driver(host, handle, &table);
        let (session, client) = device.keyed_session(&device.certificate());
        Self { driver, device, session, client }
    }

    /// `wrap_resource`: what it returns, and the output, which was not zero before.
    fn try_wrap(&self, memory: *const softcp_mapping) -> (HRESULT, D3D10DDI_HRESOURCE) {
        let mut resource = D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::without_provenance_mut(usize::MAX) };
        let (wrap, h_device) = (self.driver.wrap_resource.unwrap(), self.device.h_device);
        // SAFETY: null or a description that lives, of memory that outlives the resource; the output lives.
        let hresult = unsafe { wrap(self.driver.context, h_device, memory, &raw mut resource) };
        (hresult, resource)
    }

    fn wrap(&self, memory: &softcp_mapping) -> D3D10DDI_HRESOURCE {
        let (hresult, resource) = self.try_wrap(memory);
        assert_eq!((hresult, resource.pDrvPrivate.is_null()), (S_OK, false));
        resource
    }

    /// `create_resource`: what it returns, and the handle.
    fn try_create(&self, desc: softcp_resource_desc) -> (HRESULT, D3D10DDI_HRESOURCE) {
        let desc = softcp_resource_desc { size: size_u32::<softcp_resource_desc>(), ..desc };
        let mut resource = D3D10DDI_HRESOURCE::default();
        let (create, h_device) = (self.driver.create_resource.unwrap(), self.device.h_device);
        // SAFETY: description and output live.
        let hresult = unsafe { create(self.driver.context, h_device, &raw const desc, &raw mut resource) };
        (hresult, resource)
    }

    fn buffer(&self, bytes: usize, flags: u32) -> D3D10DDI_HRESOURCE {
        let desc = softcp_resource_desc { flags, row_bytes: bytes, rows: 1, ..softcp_resource_desc::default() };
        let (hresult, resource) = self.try_create(desc);
        assert_eq!(hresult, S_OK);
        resource
    }

    fn destroy(&self, resource: D3D10DDI_HRESOURCE) {
        // SAFETY: the driver is open; handles are looked up.
        unsafe { self.driver.destroy_resource.unwrap()(self.driver.context, self.device.h_device, resource) };
    }

    fn map(&self, resource: D3D10DDI_HRESOURCE, access: u32) -> (HRESULT, softcp_mapping) {
        let mut mapping = softcp_mapping::default();
        let (map, h_device) = (self.driver.map_resource.unwrap(), self.device.h_device);
        // SAFETY: the driver is open, handles are looked up, and the output lives.
        (unsafe { map(self.driver.context, h_device, resource, access, &raw mut mapping) }, mapping)
    }

    fn unmap(&self, resource: D3D10DDI_HRESOURCE) {
        // SAFETY: the driver is open; handles are looked up.
        unsafe { self.driver.unmap_resource.unwrap()(self.driver.context, self.device.h_device, resource) };
    }

    /// The visible bytes of a resource, by its mapping.
    fn read(&self, resource: D3D10DDI_HRESOURCE) -> Vec<u8> {
        let (hresult, mapping) = self.map(resource, SOFTCP_ACCESS_READ);
        assert_eq!(hresult, S_OK);
        // SAFETY: mapped to be read, and nothing else touches it.
        let bytes = rows(&mapping).flat_map(|(row, len)| unsafe { std::slice::from_raw_parts(row, len) }.to_vec());
        let bytes = bytes.collect();
        self.unmap(resource);
        bytes
    }

    fn write(&self, resource: D3D10DDI_HRESOURCE, bytes: &[u8]) {
        let (hresult, mapping) = self.map(resource, SOFTCP_ACCESS_WRITE);
        assert_eq!(hresult, S_OK);
        let mut rest = bytes;
        for (row, len) in rows(&mapping) {
            let (now, later) = rest.split_at(len);
            // SAFETY: mapped to be written, and nothing else touches it.
            unsafe { row.copy_from_nonoverlapping(now.as_ptr(), len) };
            rest = later;
        }
        self.unmap(resource);
    }

    fn decrypt(&self, source: D3D10DDI_HRESOURCE, destination: D3D10DDI_HRESOURCE) -> HRESULT {
        self.device.decryption_blt(&self.session, source, destination, &Decryption::with_iv(&IV.to_bytes()))
    }

    /// Clear bytes, and the same encrypted under the session key.
    fn content(&self, bytes: usize) -> (Vec<u8>, Vec<u8>) {
        let clear = TestRandom::new(1).bytes(bytes);
        let mut encrypted = clear.clone();
        self.client.data_cipher().encrypt(IV, &mut encrypted);
        (clear, encrypted)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // SAFETY: opened by `new`, closed once.
        unsafe { self.driver.close.unwrap()(self.driver.context) };
    }
}

/// The rows that a mapping describes: first byte and length.
fn rows(mapping: &softcp_mapping) -> impl Iterator<Item = (*mut u8, usize)> {
    let &softcp_mapping { data, row_pitch, row_bytes, rows, extra_planes, .. } = mapping;
    let first = softcp_plane { data, row_pitch, row_bytes, rows };
    let extra = extra_planes.into_iter().take(mapping.extra_plane_count as usize);
    let row_of = |plane: softcp_plane, row| plane.data.cast::<u8>().wrapping_add(row * plane.row_pitch);
    std::iter::once(first)
        .chain(extra)
        .flat_map(move |plane| (0..plane.rows).map(move |row| (row_of(plane, row), plane.row_bytes)))
}

/// Memory of the test's: planes one behind the other with padding between rows and planes, all of it [`FILL`] at first.
struct Memory {
    base: *mut u8,
    len: usize,
    mapping: softcp_mapping,
}

impl Memory {
    /// Planes as `(row_bytes, rows)`, each row followed by `padding`; the first one begins `start` bytes into the memory.
    fn new(planes: &[(usize, usize)], padding: usize, start: usize) -> Self {
        let bytes: usize = planes.iter().map(|(row_bytes, rows)| (row_bytes + padding) * rows).sum();
        let len = start + bytes;
        let base = Box::into_raw(vec![FILL; len].into_boxed_slice()).cast::<u8>();
        let mut end = start;
        let mut placed = planes.iter().map(|&(row_bytes, rows)| {
            let plane =
                softcp_plane { data: base.wrapping_add(end).cast(), row_pitch: row_bytes + padding, row_bytes, rows };
            end += plane.row_pitch * rows;
            plane
        });
        let softcp_plane { data, row_pitch, row_bytes, rows } = placed.next().unwrap();
        let mut mapping = softcp_mapping { data, row_pitch, row_bytes, rows, ..softcp_mapping::default() };
        for plane in placed {
            mapping.extra_planes[mapping.extra_plane_count as usize] = plane;
            mapping.extra_plane_count += 1;
        }
        Self { base, len, mapping }
    }

    fn protected(mut self) -> Self {
        self.mapping.flags |= SOFTCP_MAPPING_PROTECTED;
        self
    }

    fn all(&self) -> Vec<u8> {
        // SAFETY: the memory is this long, and no call is under way.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }.to_vec()
    }

    fn visible(&self) -> Vec<u8> {
        let all = self.all();
        rows(&self.mapping).flat_map(|(row, len)| all[row.addr() - self.base.addr()..][..len].to_vec()).collect()
    }

    fn fill(&self, visible: &[u8]) {
        let mut rest = visible;
        for (row, len) in rows(&self.mapping) {
            let (now, later) = rest.split_at(len);
            // SAFETY: the row lies in the memory, and no call is under way.
            unsafe { row.copy_from_nonoverlapping(now.as_ptr(), len) };
            rest = later;
        }
    }

    /// The bytes that are no visible ones.
    fn padding(&self) -> Vec<u8> {
        let mut all: Vec<_> = self.all().into_iter().map(Some).collect();
        rows(&self.mapping).for_each(|(row, len)| all[row.addr() - self.base.addr()..][..len].fill(None));
        all.into_iter().flatten().collect()
    }

    fn assert_padding_is_untouched(&self) {
        let padding = self.padding();
        assert!(!padding.is_empty());
        assert_eq!(padding, vec![FILL; padding.len()]);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: from `Box::into_raw`, given back once.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.base, self.len)) });
    }
}

/// Visible bytes of [`PLANES`].
fn bytes_of_planes() -> usize {
    PLANES.iter().map(|(row_bytes, rows)| row_bytes * rows).sum()
}

/// A created resource of [`PLANES`], with the driver's choice of pitch.
fn created(rig: &Rig) -> D3D10DDI_HRESOURCE {
    let [(row_bytes, rows), second] = PLANES;
    let mut desc = softcp_resource_desc { row_bytes, rows, extra_plane_count: 1, ..softcp_resource_desc::default() };
    desc.extra_planes[0] = softcp_plane { row_bytes: second.0, rows: second.1, ..softcp_plane::default() };
    let (hresult, resource) = rig.try_create(desc);
    assert_eq!(hresult, S_OK);
    resource
}

#[test]
fn decryption_into_wrapped_memory_equals_that_through_created_resources() {
    let rig = Rig::new("");
    let (clear, encrypted) = rig.content(bytes_of_planes());
    let (source, destination) = (created(&rig), created(&rig));
    rig.write(source, &encrypted);
    assert_eq!(rig.decrypt(source, destination), S_OK);
    let expected = rig.read(destination);
    assert_eq!(expected, clear);
    for (padding, start) in [(11, 0), (27, 5), (64, 64)] {
        let (from, to) = (Memory::new(&PLANES, 3, 1), Memory::new(&PLANES, padding, start));
        from.fill(&encrypted);
        let before = from.all();
        let (source, destination) = (rig.wrap(&from.mapping), rig.wrap(&to.mapping));
        assert_eq!(rig.decrypt(source, destination), S_OK, "{padding} {start}");
        assert_eq!(to.visible(), expected, "{padding} {start}");
        to.assert_padding_is_untouched();
        assert_eq!(from.all(), before, "a source is only read");
    }
}

#[test]
fn wrapped_memory_is_the_other_side_of_a_created_resource_and_both_sides_at_once() {
    let rig = Rig::new("");
    let (clear, encrypted) = rig.content(bytes_of_planes());
    let memory = Memory::new(&PLANES, 11, 3);
    let (wrapped, made) = (rig.wrap(&memory.mapping), created(&rig));
    memory.fill(&encrypted);
    assert_eq!(rig.decrypt(wrapped, made), S_OK);
    assert_eq!(rig.read(made), clear);
    rig.write(made, &encrypted);
    memory.fill(&vec![0; clear.len()]);
    assert_eq!(rig.decrypt(made, wrapped), S_OK);
    assert_eq!(memory.visible(), clear);
    memory.fill(&encrypted);
    assert_eq!(rig.decrypt(wrapped, wrapped), S_OK);
    assert_eq!(memory.visible(), clear);
    memory.assert_padding_is_untouched();
}

#[test]
fn encryption_into_wrapped_memory_opens_with_the_read_back_key() {
    let rig = Rig::new("");
    let mut key = Block::default();
    assert_eq!(rig.device.encryption_blt_key(&rig.session, &mut key), S_OK);
    let key = rig.client.read_back_key(&key);
    let (clear, _) = rig.content(bytes_of_planes());
    let (from, to) = (Memory::new(&PLANES, 3, 1).protected(), Memory::new(&PLANES, 11, 5));
    from.fill(&clear);
    let mut iv = [0; 16];
    let (source, destination) = (rig.wrap(&from.mapping), rig.wrap(&to.mapping));
    assert_eq!(rig.device.encryption_blt(&rig.session, source, destination, &mut iv), S_OK);
    let mut read = to.visible();
    assert_ne!(read, clear);
    key.data_cipher().encrypt(AesCtrIv::from_bytes(iv), &mut read);
    assert_eq!(read, clear);
    to.assert_padding_is_untouched();
    assert_eq!(from.visible(), clear);
}

#[test]
fn map_gives_the_callers_memory_and_keeps_blits_out() {
    let rig = Rig::new("");
    let memory = Memory::new(&PLANES, 11, 3).protected();
    let described = softcp_mapping { flags: 3, format: 103, ..memory.mapping };
    let beyond = softcp_plane { rows: 1, ..softcp_plane::default() };
    let mut with_more = described;
    with_more.extra_planes[1] = beyond;
    let resource = rig.wrap(&with_more);
    assert_eq!(rig.map(resource, SOFTCP_ACCESS_READ_WRITE), (S_OK, described), "and planes that do not count are zero");
    assert_eq!(rig.map(resource, SOFTCP_ACCESS_READ), (E_INVALIDARG, softcp_mapping::default()));
    assert_eq!(rig.decrypt(resource, resource), E_INVALIDARG);
    rig.unmap(resource);
}

/// A name, and what it does to a good description of three planes.
type Change = (&'static str, fn(&mut softcp_mapping));

#[test]
fn descriptions_that_make_no_sense_are_refused_and_the_handle_is_zero() {
    let rig = Rig::new("");
    let memory = Memory::new(&[(8, 4), (8, 2), (8, 2)], 8, 0);
    assert_eq!(rig.try_wrap(&raw const memory.mapping).0, S_OK);
    let bad: &[Change] = &[
        ("null data", |m| m.data = null_mut()),
        ("null data in the last plane", |m| m.extra_planes[1].data = null_mut()),
        ("no rows", |m| m.rows = 0),
        ("no rows in the second plane", |m| m.extra_planes[0].rows = 0),
        ("empty rows", |m| m.row_bytes = 0),
        ("empty rows in the last plane", |m| m.extra_planes[1].row_bytes = 0),
        ("no pitch", |m| m.row_pitch = 0),
        ("no pitch in one row", |m| (m.row_pitch, m.rows) = (0, 1)),
        ("pitch below the row", |m| m.row_pitch = m.row_bytes - 1),
        ("pitch below the row in the second plane", |m| m.extra_planes[0].row_pitch = 7),
        ("unknown flag", |m| m.flags = 4),
        ("unknown flag beside known ones", |m| m.flags = 1 << 31 | SOFTCP_MAPPING_MULTISAMPLED),
        ("reserved member", |m| m.reserved = 1),
        ("three extra planes", |m| m.extra_plane_count = 3),
        ("countless extra planes", |m| m.extra_plane_count = u32::MAX),
        ("endless rows", |m| m.rows = usize::MAX),
        ("endless row", |m| (m.row_bytes, m.row_pitch) = (usize::MAX, usize::MAX)),
        ("rows times pitch past all bounds", |m| (m.rows, m.row_pitch) = (4, usize::MAX / 4 + 1)),
        ("larger than any object", |m| (m.rows, m.row_pitch) = (2, 1 << (usize::BITS - 2))),
        ("past the last address", |m| m.data = std::ptr::without_provenance_mut(usize::MAX - 16)),
    ];
    for (what, change) in bad {
        let mut described = memory.mapping;
        change(&mut described);
        assert_eq!(rig.try_wrap(&raw const described), (E_INVALIDARG, D3D10DDI_HRESOURCE::default()), "{what}");
    }
    assert_eq!(rig.try_wrap(null()), (E_INVALIDARG, D3D10DDI_HRESOURCE::default()), "null description");
}

#[test]
fn null_output_and_handles_that_are_none_are_refused() {
    let rig = Rig::new("");
    let memory = Memory::new(&PLANES, 1, 0);
    let (wrap, context) = (rig.driver.wrap_resource.unwrap(), rig.driver.context);
    let call = |context: *mut c_void, device, resource| {
        // SAFETY: context and description live or are null, the output too, and device handles are looked up.
        unsafe { wrap(context, device, &raw const memory.mapping, resource) }
    };
    assert_eq!(call(context, rig.device.h_device, null_mut()), E_INVALIDARG);
    let other = D3D10DDI_HDEVICE { pDrvPrivate: std::ptr::without_provenance_mut(8) };
    for (context, device) in
        [(null_mut(), rig.device.h_device), (context, other), (context, D3D10DDI_HDEVICE::default())]
    {
        let mut resource = D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::without_provenance_mut(usize::MAX) };
        assert_eq!((call(context, device, &raw mut resource), resource), (E_INVALIDARG, D3D10DDI_HRESOURCE::default()));
    }
}

#[test]
fn enforced_protection_holds_for_wrapped_memory() {
    let rig = Rig::new(ENFORCED);
    let (clear, encrypted) = rig.content(bytes_of_planes());
    let from = Memory::new(&PLANES, 3, 1);
    from.fill(&encrypted);
    let source = rig.wrap(&from.mapping);
    let open = Memory::new(&PLANES, 11, 5);
    assert_eq!(rig.decrypt(source, rig.wrap(&open.mapping)), D3DERR_CANNOTPROTECTCONTENT);
    assert_eq!(open.all(), vec![FILL; open.len], "nothing is written");
    let safe = Memory::new(&PLANES, 11, 5).protected();
    let destination = rig.wrap(&safe.mapping);
    assert_eq!(rig.decrypt(source, destination), S_OK);
    assert_eq!(safe.visible(), clear);
    let refused = (D3DERR_CANNOTPROTECTCONTENT, softcp_mapping::default());
    assert_eq!(rig.map(destination, SOFTCP_ACCESS_READ), refused);
    assert_eq!(rig.map(source, SOFTCP_ACCESS_READ), (S_OK, from.mapping));
}

#[test]
fn multisampled_wrapped_memory_is_not_read_back() {
    let rig = Rig::new("");
    assert_eq!(rig.device.encryption_blt_key(&rig.session, &mut Block::default()), S_OK);
    for (flags, expected) in [(0, S_OK), (SOFTCP_MAPPING_MULTISAMPLED, E_INVALIDARG)] {
        let (mut from, to) = (Memory::new(&PLANES, 3, 1), Memory::new(&PLANES, 3, 1));
        from.mapping.flags = flags;
        let (source, destination) = (rig.wrap(&from.mapping), rig.wrap(&to.mapping));
        let hresult = rig.device.encryption_blt(&rig.session, source, destination, &mut [0; 16]);
        assert_eq!((hresult, to.all() == vec![FILL; to.len]), (expected, expected != S_OK));
    }
}

#[test]
fn two_resources_of_the_same_memory_are_no_blit_in_place() {
    let rig = Rig::new("");
    let memory = Memory::new(&PLANES, 3, 1);
    assert_eq!(rig.decrypt(rig.wrap(&memory.mapping), rig.wrap(&memory.mapping)), E_INVALIDARG);
    assert_eq!(memory.all(), vec![FILL; memory.len]);
}

#[test]
fn destroyed_resource_is_none_and_its_memory_may_go() {
    let rig = Rig::new("");
    let (from, to) = (Memory::new(&PLANES, 3, 1), Memory::new(&PLANES, 3, 1));
    let (source, destination) = (rig.wrap(&from.mapping), rig.wrap(&to.mapping));
    assert_eq!(rig.decrypt(source, destination), S_OK);
    rig.destroy(source);
    drop(from);
    let before = to.all();
    assert_eq!(rig.decrypt(source, destination), E_INVALIDARG);
    assert_eq!(to.all(), before);
    assert_eq!(rig.map(source, SOFTCP_ACCESS_READ).0, E_INVALIDARG);
    rig.destroy(source);
}

#[test]
fn wrapped_memory_takes_nothing_of_the_budget_and_gives_nothing_back() {
    let rig = Rig::new("memory.protected=1000");
    let large = Memory::new(&[(2000, 1)], 1, 0).protected();
    let resource = rig.wrap(&large.mapping);
    let fits = rig.buffer(960, SOFTCP_RESOURCE_PROTECTED);
    rig.destroy(resource);
    let more = softcp_resource_desc {
        flags: SOFTCP_RESOURCE_PROTECTED,
        row_bytes: 64,
        rows: 1,
        ..softcp_resource_desc::default()
    };
    assert_eq!(rig.try_create(more).0, E_OUTOFMEMORY);
    rig.destroy(fits);
    assert_eq!(rig.try_create(more).0, S_OK);
}

#[test]
fn lost_content_clears_created_resources_and_leaves_the_callers_memory() {
    let rig = Rig::new("faults.list=key-and-content-lost at=1");
    let memory = Memory::new(&[(64, 1)], 1, 0).protected();
    let (wrapped, made) = (rig.wrap(&memory.mapping), rig.buffer(64, SOFTCP_RESOURCE_PROTECTED));
    rig.write(made, &[FILL; 64]);
    assert_eq!(rig.decrypt(wrapped, made), D3DERR_INVALIDCALL);
    assert_eq!(rig.read(made), [0; 64]);
    assert_eq!(memory.all(), vec![FILL; memory.len]);
}

/// D36, of the driver's own functions.
#[test]
fn removed_device_makes_and_maps_no_resources_and_destroys_those_there_are() {
    let rig = Rig::new("faults.opt_in=true");
    let resource = rig.buffer(16, 0);
    let device = softcp_ddi::ddi::attach::attached_device(rig.device.h_device).unwrap();
    let pointer = Arc::as_ptr(&device);
    // SAFETY: the device is held, and the text lives.
    assert_eq!(unsafe { softcp_ddi::core::faults::softcp_inject_fault(pointer, c"device-removed".as_ptr()) }, S_OK);
    assert_eq!(rig.device.create_in(&TestSession::unborn()), D3DDDIERR_DEVICEREMOVED);
    let desc = softcp_resource_desc { row_bytes: 16, rows: 1, ..softcp_resource_desc::default() };
    let (hresult, made) = rig.try_create(desc);
    assert_eq!((hresult, made.pDrvPrivate), (D3DDDIERR_DEVICEREMOVED, null_mut()));
    let mut memory = [0_u8; 16];
    let described = softcp_mapping {
        data: memory.as_mut_ptr().cast(),
        row_pitch: 16,
        row_bytes: 16,
        rows: 1,
        ..softcp_mapping::default()
    };
    let (hresult, made) = rig.try_wrap(&raw const described);
    assert_eq!((hresult, made.pDrvPrivate), (D3DDDIERR_DEVICEREMOVED, null_mut()));
    assert_eq!(rig.map(resource, SOFTCP_ACCESS_READ).0, D3DDDIERR_DEVICEREMOVED);
    rig.destroy(resource);
    assert_eq!(rig.device.host.take_reports(), []);
}
