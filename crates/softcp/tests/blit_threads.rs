//! `blit.threads`: threads that help with large surfaces. In a file of its own, so that no other test's threads are about.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::thread;

use common::Rig;

/// Threads of this process that help with blits; none where the system does not tell.
fn helpers() -> Option<usize> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    Some(names.filter(|name| name.trim() == "softcp-blit").count())
}

#[test]
fn helpers_are_started_for_large_surfaces_only_change_no_byte_and_end_with_the_adapter() {
    let large: Vec<u8> = (0..=250).cycle().take((3 << 20) + 5).collect();
    let small = &large[..1 << 19];
    let iv = [7; 16];
    let alone = Rig::new("");
    alone.negotiate([1; 16]);
    let expected = [alone.decrypt(small, iv), alone.decrypt(&large, iv)];
    assert_ne!(expected[1], large);
    if helpers().is_some() {
        assert_eq!(helpers(), Some(0), "without permission none is started");
    }

    let helped = Rig::new("blit.threads=1");
    helped.negotiate([1; 16]);
    assert!(helped.decrypt(small, iv) == expected[0]);
    if helpers().is_some() {
        assert_eq!(helpers(), Some(0), "a small surface starts none");
    }
    for _ in 0..20 {
        assert!(helped.decrypt(&large, iv) == expected[1]);
    }
    let spare = thread::available_parallelism().map_or(0, |processors| processors.get() - 1).min(1);
    if helpers().is_some() {
        assert_eq!(helpers(), Some(spare));
    }
    drop(helped);
    if helpers().is_some() {
        assert_eq!(helpers(), Some(0), "the adapter has gone, and they with it");
    }
}
