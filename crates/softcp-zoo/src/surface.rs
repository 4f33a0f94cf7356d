//! Resources as a broken blit sees them: rows of planes, and the padding between them.

use softcp_abi::{SOFTCP_ACCESS_READ, SOFTCP_ACCESS_READ_WRITE, softcp_mapping, softcp_plane};

use crate::driver::Device;

/// The visible bytes of one row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Whether it is the first of a plane.
    pub(crate) begins_plane: bool,
    pub(crate) bytes: Vec<u8>,
    /// The padding behind it. Of the last row of a plane it is not read, since there may be no memory.
    pub(crate) padding: Vec<u8>,
}

/// The rows of a resource; none if it cannot be mapped.
pub(crate) fn read(device: &Device, resource: usize) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    each_row(device, resource, SOFTCP_ACCESS_READ, |begins_plane, data, len, padding| {
        let copy = |from: *const u8, len| {
            // SAFETY: a row of a mapped plane and the padding up to the next one; nothing else uses it meanwhile.
            unsafe { std::slice::from_raw_parts(from, len) }.to_vec()
        };
        rows.push(Row { begins_plane, bytes: copy(data, len), padding: copy(data.wrapping_add(len), padding) });
    })?;
    Some(rows)
}

/// Fills the visible bytes of a resource with zeros, if it can be mapped.
pub(crate) fn zero(device: &Device, resource: usize) {
    let Some(mut rows) = read(device, resource) else { return };
    for row in &mut rows {
        row.bytes.fill(0);
    }
    write(device, resource, &rows, false);
}

/// Writes the rows' visible bytes, and their padding too if `with_padding`.
pub(crate) fn write(device: &Device, resource: usize, rows: &[Row], with_padding: bool) {
    let mut rows = rows.iter();
    each_row(device, resource, SOFTCP_ACCESS_READ_WRITE, |_, data, len, padding| {
        let Some(row) = rows.next() else { return };
        let store = |from: &[u8], to: *mut u8, len: usize| {
            // SAFETY: a row of a mapped plane, or the padding up to the next one; nothing else uses it meanwhile.
            unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, len.min(from.len())) };
        };
        store(&row.bytes, data, len);
        if with_padding {
            store(&row.padding, data.wrapping_add(len), padding);
        }
    });
}

/// All visible bytes.
pub(crate) fn visible(rows: &[Row]) -> Vec<u8> {
    rows.iter().flat_map(|row| &row.bytes).copied().collect()
}

/// Puts other visible bytes into the rows.
pub(crate) fn set_visible(rows: &mut [Row], bytes: &[u8]) {
    let mut bytes = bytes.iter();
    for byte in rows.iter_mut().flat_map(|row| &mut row.bytes) {
        if let Some(new) = bytes.next() {
            *byte = *new;
        }
    }
}

/// Maps a resource and calls `each` with each row: whether it begins a plane, its memory, its bytes and those of the padding
/// behind it.
fn each_row(
    device: &Device,
    resource: usize,
    access: u32,
    mut each: impl FnMut(bool, *mut u8, usize, usize),
) -> Option<()> {
    let mapping = device.map(resource, access)?;
    let extra = &mapping.extra_planes[..(mapping.extra_plane_count as usize).min(2)];
    for plane in std::iter::once(&first(&mapping)).chain(extra) {
        for row in 0..plane.rows {
            let data = plane.data.cast::<u8>().wrapping_add(row * plane.row_pitch);
            let padding = if row + 1 < plane.rows { plane.row_pitch - plane.row_bytes } else { 0 };
            each(row == 0, data, plane.row_bytes, padding);
        }
    }
    device.unmap(resource);
    Some(())
}

fn first(mapping: &softcp_mapping) -> softcp_plane {
    softcp_plane { data: mapping.data, row_pitch: mapping.row_pitch, row_bytes: mapping.row_bytes, rows: mapping.rows }
}
