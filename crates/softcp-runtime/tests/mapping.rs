//! Memory of mapped resources.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use fake::{Behaviour, device, log};
use std::mem::offset_of;

use softcp_abi::{D3DERR_CANNOTPROTECTCONTENT, E_INVALIDARG, softcp_driver, softcp_mapping, softcp_plane};
use softcp_runtime::{Device, Error, HResult, Resource, ResourceDesc, WrappedResource};

/// A resource whose mapping is `mapping`.
fn resource(mapping: softcp_mapping) -> Resource {
    let device = device(Behaviour { mapping, ..Behaviour::default() });
    let resource = device.create_resource(&ResourceDesc::buffer(1)).unwrap();
    log();
    resource
}

/// A mapping of this memory.
fn mapping(memory: &mut [u8], row_pitch: usize, row_bytes: usize, rows: usize) -> softcp_mapping {
    softcp_mapping { data: memory.as_mut_ptr().cast(), row_pitch, row_bytes, rows, ..Default::default() }
}

#[test]
fn map_and_unmap_are_called_in_pairs_with_the_access() {
    let mut memory = [0; 4];
    let mut resource = resource(mapping(&mut memory, 4, 4, 1));
    drop(resource.map_read().unwrap());
    drop(resource.map_write().unwrap());
    drop(resource.map_read_write().unwrap());
    assert_eq!(
        log(),
        [
            "map_resource 201 1",
            "unmap_resource 201",
            "map_resource 201 2",
            "unmap_resource 201",
            "map_resource 201 3",
            "unmap_resource 201"
        ]
    );
}

#[test]
fn rows_at_a_pitch_leave_the_padding_alone() {
    let mut memory = *b"abc-def-ghi";
    {
        let mut resource = resource(mapping(&mut memory, 4, 3, 3));
        let mut mapped = resource.map_read_write().unwrap();
        assert_eq!((mapped.rows(), mapped.row_pitch(), mapped.bytes()), (3, 4, None));
        assert_eq!(mapped.bytes_mut(), None);
        assert_eq!([mapped.row(0), mapped.row(1), mapped.row(2)], [b"abc", b"def", b"ghi"]);
        mapped.row_mut(1).fill(b'X');
    }
    assert_eq!(&memory, b"abc-XXX-ghi");
}

#[test]
fn padding_lies_between_the_rows_of_a_plane() {
    let (mut luma, mut chroma) = (*b"aa12bb34", *b"c5d");
    {
        let mut described = mapping(&mut luma, 4, 2, 2);
        described.extra_plane_count = 1;
        described.extra_planes[0] =
            softcp_plane { data: chroma.as_mut_ptr().cast(), row_pitch: 2, row_bytes: 1, rows: 2 };
        let mut resource = resource(described);
        let mut mapped = resource.map_read_write().unwrap();
        let padding: Vec<_> = (0..4).map(|row| mapped.padding(row)).collect();
        assert_eq!(padding, [&b"12"[..], b"", b"5", b""], "none behind a plane's last row");
        mapped.padding_mut(0).fill(b'X');
    }
    assert_eq!((&luma, &chroma), (b"aaXXbb34", b"c5d"));
}

#[test]
fn bytes_without_padding_come_at_once() {
    let mut memory = *b"abcdef";
    for (pitch, row_bytes, rows) in [(3, 3, 2), (100, 6, 1), (0, 6, 1)] {
        let mut resource = resource(mapping(&mut memory, pitch, row_bytes, rows));
        assert_eq!(resource.map_read().unwrap().bytes().unwrap(), b"abcdef");
        assert_eq!(resource.map_write().unwrap().bytes_mut().unwrap(), b"abcdef");
    }
}

#[test]
fn rows_of_further_planes_follow_those_of_the_first() {
    let (mut luma, mut chroma) = (*b"aabb", *b"c.d.");
    let mut described = mapping(&mut luma, 2, 2, 2);
    described.extra_plane_count = 1;
    described.extra_planes[0] = softcp_plane { data: chroma.as_mut_ptr().cast(), row_pitch: 2, row_bytes: 1, rows: 2 };
    let mut resource = resource(described);
    let mapped = resource.map_read().unwrap();
    assert_eq!((mapped.rows(), mapped.bytes()), (4, None));
    assert_eq!((0..4).map(|row| mapped.row(row)).collect::<Vec<_>>(), [&b"aa"[..], b"bb", b"c", b"d"]);
}

#[test]
#[should_panic(expected = "row 2 of a resource with 2 rows")]
fn row_past_the_last_panics() {
    let mut memory = [0; 4];
    let _ = resource(mapping(&mut memory, 2, 2, 2)).map_read().unwrap().row(2);
}

#[test]
fn format_and_protection_come_from_the_driver() {
    let mut memory = [0; 4];
    let mut described = mapping(&mut memory, 4, 4, 1);
    (described.format, described.flags) = (103, 1);
    let mut resource = resource(described);
    let mapped = resource.map_read().unwrap();
    assert!(mapped.is_protected() && mapped.format() == 103);
}

#[test]
fn mapping_that_describes_no_memory_is_refused_and_unmapped() {
    let mut memory = [0; 64];
    let null = softcp_mapping { data: std::ptr::null_mut(), ..mapping(&mut memory, 4, 4, 1) };
    let mut four_planes = mapping(&mut memory, 4, 4, 1);
    four_planes.extra_plane_count = 3;
    let mut null_plane = mapping(&mut memory, 4, 4, 1);
    null_plane.extra_plane_count = 1;
    (null_plane.extra_planes[0].rows, null_plane.extra_planes[0].row_bytes) = (1, 1);
    for described in [
        null,
        null_plane,
        four_planes,
        mapping(&mut memory, 3, 4, 2),
        mapping(&mut memory, usize::MAX, 4, 3),
        mapping(&mut memory, usize::MAX / 2, 4, 2),
        mapping(&mut memory, 0, usize::MAX, 1),
    ] {
        let mut resource = resource(described);
        let error = resource.map_read().unwrap_err();
        assert!(matches!(error, Error::BadAnswer { function: "map_resource", .. }), "{error}");
        assert_eq!(log(), ["map_resource 201 1", "unmap_resource 201"]);
    }
}

#[test]
fn resource_that_cannot_be_mapped_gives_the_hresult_and_is_not_unmapped() {
    let device =
        device(Behaviour { returns: vec![("map_resource", D3DERR_CANNOTPROTECTCONTENT)], ..Behaviour::default() });
    let mut resource = device.create_resource(&ResourceDesc::buffer(1)).unwrap();
    log();
    let Error::Driver(error) = resource.map_read().unwrap_err() else { panic!() };
    assert_eq!(error.hresult, HResult(D3DERR_CANNOTPROTECTCONTENT));
    assert_eq!(log(), ["map_resource 201 1"]);
}

fn wrap<'m>(device: &Device, memory: &'m mut [u8; 12]) -> softcp_runtime::Result<WrappedResource<'m>> {
    let described = softcp_mapping { flags: 1, format: 103, ..mapping(memory, 5, 3, 2) };
    // SAFETY: the memory is lent for as long as the resource, and longer than two rows.
    unsafe { device.wrap_resource(&described) }
}

#[test]
fn wrapped_resource_is_described_mapped_and_destroyed() {
    let device = device(Behaviour::default());
    assert!(device.wraps_resources());
    let mut memory = *b"abc--def----";
    let mut resource = wrap(&device, &mut memory).unwrap();
    let by_reference: &Resource = &resource;
    assert_eq!(by_reference.device().sub_device_id(), device.sub_device_id());
    assert_eq!(resource.map_read().unwrap().row(1), b"def");
    resource.map_write().unwrap().row_mut(0).fill(b'X');
    assert_eq!(resource.map_read_write().unwrap().row(0), b"XXX");
    drop(resource);
    assert_eq!(
        log(),
        [
            "wrap_resource 3x2/5 flags 1 format 103",
            "map_resource 303 1",
            "unmap_resource 303",
            "map_resource 303 2",
            "unmap_resource 303",
            "map_resource 303 3",
            "unmap_resource 303",
            "destroy_resource 303"
        ]
    );
    assert_eq!(&memory, b"XXX--def----");
}

#[test]
fn driver_without_the_entry_wraps_nothing() {
    let before = offset_of!(softcp_driver, wrap_resource);
    for behaviour in [
        Behaviour { missing: "wrap_resource", ..Behaviour::default() },
        Behaviour { driver_size: before, ..Behaviour::default() },
        Behaviour { driver_size: size_of::<softcp_driver>() - 1, ..Behaviour::default() },
    ] {
        let device = device(behaviour);
        assert!(!device.wraps_resources());
        let error = wrap(&device, &mut [0; 12]).unwrap_err();
        assert!(matches!(error, Error::MissingEntry { function: "wrap_resource" }), "{error}");
        assert_eq!(log(), [""; 0]);
    }
}

#[test]
fn memory_that_cannot_be_wrapped_gives_the_hresult_and_nothing_to_destroy() {
    let device = device(Behaviour { returns: vec![("wrap_resource", E_INVALIDARG)], ..Behaviour::default() });
    let Error::Driver(error) = wrap(&device, &mut [0; 12]).unwrap_err() else { panic!() };
    assert_eq!((error.function, error.hresult), ("wrap_resource", HResult(E_INVALIDARG)));
    assert_eq!(log(), ["wrap_resource 3x2/5 flags 1 format 103"]);
}
