//! Members of a message, each at the offset that its structure in `softcp-abi` gives it.
//!
//! A message is its C structure byte for byte: native byte order, natural alignment, padding zero.

use std::mem::{offset_of, size_of};

use softcp_abi as abi;

// A handle is a pointer in the structures and a `usize` here: the driver gives its bits meaning, nobody follows them.
const _: () = assert!(size_of::<abi::HANDLE>() == size_of::<usize>());

/// A plain value as the structures hold it.
pub(super) trait Field: Copy {
    /// Writes the value over exactly its size.
    fn write(self, dest: &mut [u8]);

    /// Reads the value from exactly its size.
    fn read(src: &[u8]) -> Self;
}

macro_rules! number_fields {
    ($($number:ty),+) => {$(
        impl Field for $number {
            fn write(self, dest: &mut [u8]) {
                dest.copy_from_slice(&self.to_ne_bytes());
            }

            fn read(src: &[u8]) -> Self {
                let mut bytes = [0; size_of::<Self>()];
                bytes.copy_from_slice(src);
                Self::from_ne_bytes(bytes)
            }
        }
    )+};
}

number_fields!(u16, u32, i32, u64, usize);

impl Field for abi::GUID {
    fn write(self, dest: &mut [u8]) {
        put(dest, offset_of!(Self, Data1), self.Data1);
        put(dest, offset_of!(Self, Data2), self.Data2);
        put(dest, offset_of!(Self, Data3), self.Data3);
        dest[offset_of!(Self, Data4)..].copy_from_slice(&self.Data4);
    }

    fn read(src: &[u8]) -> Self {
        let mut guid = Self {
            Data1: get(src, offset_of!(Self, Data1)),
            Data2: get(src, offset_of!(Self, Data2)),
            Data3: get(src, offset_of!(Self, Data3)),
            Data4: [0; 8],
        };
        guid.Data4.copy_from_slice(&src[offset_of!(Self, Data4)..]);
        guid
    }
}

/// Writes the member at `offset`, which must lie within `message`.
pub(super) fn put<T: Field>(message: &mut [u8], offset: usize, value: T) {
    value.write(&mut message[offset..offset + size_of::<T>()]);
}

/// Reads the member at `offset`, which must lie within `message`.
pub(super) fn get<T: Field>(message: &[u8], offset: usize) -> T {
    T::read(&message[offset..offset + size_of::<T>()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guid_first_groups_are_native_and_the_rest_as_written() {
        let guid = abi::GUID::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let mut bytes = [0; 18];
        put(&mut bytes, 1, guid);
        let mut expected = vec![0];
        expected.extend(0x0011_2233_u32.to_ne_bytes());
        expected.extend(0x4455_u16.to_ne_bytes());
        expected.extend(0x6677_u16.to_ne_bytes());
        expected.extend([0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0]);
        assert_eq!(bytes.to_vec(), expected);
        assert_eq!(get::<abi::GUID>(&bytes, 1), guid);
    }

    #[test]
    fn numbers_take_their_size_and_leave_the_bytes_around() {
        let mut bytes = [0xaa; 10];
        put(&mut bytes, 2, 0x1234_5678_u32);
        let [a, b, c, d] = 0x1234_5678_u32.to_ne_bytes();
        assert_eq!(bytes, [0xaa, 0xaa, a, b, c, d, 0xaa, 0xaa, 0xaa, 0xaa]);
        assert_eq!(get::<u32>(&bytes, 2), 0x1234_5678);
    }
}
