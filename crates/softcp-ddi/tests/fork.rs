//! A process and its fork never hand out the same random numbers.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;

use common::{Block, TestDevice, TestSession};

/// Refreshes on each side: more than a batch of random numbers holds.
const NUMBERS: usize = 500;

fn numbers(device: &TestDevice, session: &TestSession) -> Vec<u8> {
    let mut numbers = vec![0; NUMBERS * size_of::<Block>()];
    let start = device.table.pfnStartSessionKeyRefresh.unwrap();
    for number in numbers.chunks_mut(size_of::<Block>()) {
        // SAFETY: the number lives past the call and has this size.
        unsafe { start(device.h_device, session.handle(), 16, number.as_mut_ptr().cast()) };
    }
    numbers
}

/// What a child process makes of the same device and session, and its own child.
fn forked(device: &TestDevice, session: &TestSession, generations: usize) -> Vec<u8> {
    let mut ends = [0; 2];
    // SAFETY: the output has room for two.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: opened above, and owned by nobody else.
    let [mut reader, mut writer] = ends.map(|end| unsafe { File::from_raw_fd(end) });
    // SAFETY: the C library's allocator works in a child; other locks of other threads are not taken there.
    let process = unsafe { libc::fork() };
    if process == 0 {
        drop(reader);
        let further = if generations > 1 { forked(device, session, generations - 1) } else { Vec::new() };
        let is_written = writer.write_all(&[numbers(device, session), further].concat()).is_ok();
        // SAFETY: ends the child and nothing else.
        unsafe { libc::_exit(i32::from(!is_written)) };
    }
    assert!(process > 0);
    drop(writer);
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    let mut status = 0;
    // SAFETY: the child made above; the output lives past the call.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    assert_eq!(status, 0);
    all
}

#[test]
fn parent_child_and_grandchild_never_hand_out_the_same_numbers() {
    let device = TestDevice::alone("");
    let (session, _client) = device.keyed_session(&device.certificate());
    // The parent has a batch in hand when it forks, and forks again in its middle.
    let mut all = numbers(&device, &session);
    for _ in 0..2 {
        all.extend(forked(&device, &session, 2));
        all.extend(numbers(&device, &session));
    }
    let distinct: HashSet<&[u8]> = all.chunks(size_of::<Block>()).collect();
    assert_eq!((all.len() / size_of::<Block>(), distinct.len()), (7 * NUMBERS, 7 * NUMBERS));
}
