//! Where calls are made: on which thread, and at which addresses their byte buffers lie.
//!
//! By default a call is made on the thread that asks for it, with the caller's own buffers. A test that looks for state
//! tied to a thread, or to an address, has the same calls made elsewhere: see [`Driver::at`](crate::Driver::at).

use std::any::Any;
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::calls::{Input, Output, size};
use crate::error::{Error, Result};

/// The thread on which the entries of a device's table are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallThread {
    /// The one that asks for the call.
    #[default]
    Caller,
    /// One other thread, the same for all calls.
    Other,
    /// The caller's or the other one, decided for each call by a number that `seed` begins.
    Alternating {
        /// The same seed and the same calls: the same threads.
        seed: u64,
    },
}

/// Where the byte buffers of calls lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallBuffers {
    /// Where the caller has them.
    #[default]
    AsGiven,
    /// Each kind of argument at one address, the same for every call: an odd one, or for messages of channels, which
    /// drivers read as structures, a multiple of 8 that is none of 16. What lies around a buffer is watched: a driver
    /// that writes there is [`Error::BadAnswer`].
    Fixed,
}

/// A place from which calls are made. Calls from several threads at a time are made one after another where they go to the
/// other thread.
pub struct CallSite {
    thread: CallThread,
    next: AtomicU64,
    worker: Option<Worker>,
    buffers: CallBuffers,
    /// Buffers that no call uses now, by the argument that they are for.
    free: Mutex<HashMap<Argument, Vec<u8>>>,
}

impl CallSite {
    /// A place with these properties. The other thread, if there is to be one, starts now and ends with the place.
    #[must_use]
    pub fn new(thread: CallThread, buffers: CallBuffers) -> Arc<Self> {
        let seed = if let CallThread::Alternating { seed } = thread { seed } else { 0 };
        Arc::new(Self {
            thread,
            next: AtomicU64::new(seed),
            worker: (thread != CallThread::Caller).then(Worker::start),
            buffers,
            free: Mutex::default(),
        })
    }

    /// Makes a call of the driver.
    pub(crate) fn run<T>(&self, call: impl FnOnce() -> T) -> T {
        match &self.worker {
            Some(worker) if self.is_other() => worker.run(call),
            _ => call(),
        }
    }

    fn is_other(&self) -> bool {
        if self.thread == CallThread::Other {
            return true;
        }
        // SplitMix64, of which one bit is used.
        let state = self.next.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed >> 63 == 0
    }
}

impl fmt::Debug for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSite").field("thread", &self.thread).field("buffers", &self.buffers).finish_non_exhaustive()
    }
}

/// A call on its way to the other thread.
struct Job(*mut (dyn FnMut() + 'static));

// SAFETY: the closure calls one entry of a driver, which by the contract of the table may be called from any thread, with
// pointers to memory that its sender keeps and leaves alone until the call has ended.
unsafe impl Send for Job {}

type Ended = std::result::Result<(), Box<dyn Any + Send>>;

/// A thread that makes calls.
struct Worker {
    ways: Mutex<Option<(SyncSender<Job>, Receiver<Ended>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start() -> Self {
        let (to, jobs) = sync_channel::<Job>(0);
        let (done, from) = sync_channel(1);
        let thread = thread::spawn(move || {
            for Job(call) in jobs {
                let ended = catch_unwind(AssertUnwindSafe(|| {
                    // SAFETY: the sender waits for the end of the call with the closure alive and untouched.
                    unsafe { (*call)() }
                }));
                if done.send(ended).is_err() {
                    break;
                }
            }
        });
        Self { ways: Mutex::new(Some((to, from))), thread: Some(thread) }
    }

    fn run<T>(&self, call: impl FnOnce() -> T) -> T {
        let ways = lock(&self.ways);
        let Some((to, from)) = &*ways else { return call() };
        let (mut call, mut output) = (Some(call), None);
        let mut once = || output = call.take().map(|call| call());
        let job: *mut (dyn FnMut() + '_) = &raw mut once;
        // SAFETY: only the lifetime changes, and this function does not end before the other thread is done with the
        // closure: it is the only receiver of jobs, and answers each once.
        #[allow(clippy::transmute_ptr_to_ptr, reason = "a cast does not lengthen a lifetime")]
        let job = unsafe { std::mem::transmute::<*mut (dyn FnMut() + '_), *mut (dyn FnMut() + 'static)>(job) };
        to.send(Job(job)).expect("the other thread lives as long as this");
        let ended = from.recv().expect("the other thread answers each call");
        drop(ways);
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
        output.expect("the call has ended")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(lock(&self.ways).take());
        if let Some(thread) = self.thread.take() {
            // It catches what panics.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which argument of which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Argument {
    /// The entry.
    pub(crate) function: &'static str,
    /// What the argument is, as "the IV".
    pub(crate) name: &'static str,
    /// Whether it is a message of a channel, a structure.
    pub(crate) is_message: bool,
}

/// Bytes that are watched on both sides of a buffer.
const AROUND: usize = 32;
/// What they hold.
const WATCHED: u8 = 0xC3;
/// Arguments of up to so many bytes have a fixed address.
const LONGEST: usize = 1 << 13;

/// A buffer as it goes to the driver.
pub(crate) struct Lent<'a> {
    /// Its size, as the call claims it.
    pub(crate) size: u32,
    /// Its address.
    pub(crate) data: *mut c_void,
    copy: Option<Copy<'a>>,
}

/// A buffer in the place of the caller's.
struct Copy<'a> {
    site: &'a CallSite,
    argument: Argument,
    storage: Vec<u8>,
    start: usize,
    len: usize,
    /// Where its bytes go behind the call.
    to: Option<&'a mut [u8]>,
}

impl<'a> Lent<'a> {
    /// A buffer that the driver reads.
    pub(crate) fn input(site: Option<&'a CallSite>, argument: Argument, input: Input<'a>) -> Result<Self> {
        match input {
            Input::Null { size } => Ok(Self { size, data: std::ptr::null_mut(), copy: None }),
            Input::Bytes(bytes) => {
                let claimed = size(argument.function, bytes.len())?;
                match site.and_then(|site| site.copy(argument, bytes)) {
                    Some(mut copy) => Ok(Self { size: claimed, data: copy.data(), copy: Some(copy) }),
                    None => Ok(Self { size: claimed, data: bytes.as_ptr().cast_mut().cast(), copy: None }),
                }
            }
        }
    }

    /// A buffer that the driver writes.
    pub(crate) fn output(site: Option<&'a CallSite>, argument: Argument, output: Output<'a>) -> Result<Self> {
        match output {
            Output::Null { size } => Ok(Self { size, data: std::ptr::null_mut(), copy: None }),
            Output::Bytes(bytes) => {
                let claimed = size(argument.function, bytes.len())?;
                match site.and_then(|site| site.copy(argument, bytes)) {
                    Some(mut copy) => {
                        copy.to = Some(bytes);
                        Ok(Self { size: claimed, data: copy.data(), copy: Some(copy) })
                    }
                    None => Ok(Self { size: claimed, data: bytes.as_mut_ptr().cast(), copy: None }),
                }
            }
        }
    }

    /// Ends the loan behind the call: the caller's buffer gets what the driver wrote.
    pub(crate) fn end(mut self) -> Result<()> {
        self.copy.take().map_or(Ok(()), Copy::end)
    }
}

impl CallSite {
    /// A copy of these bytes at the address of the argument; none where they stay where they are.
    fn copy(&self, argument: Argument, bytes: &[u8]) -> Option<Copy<'_>> {
        if self.buffers == CallBuffers::AsGiven || bytes.len() > LONGEST {
            return None;
        }
        // Calls on several threads may have the same argument at a time: each further one gets memory of its own.
        let free = lock(&self.free).remove(&argument);
        let mut storage = free.unwrap_or_else(|| vec![WATCHED; LONGEST + 2 * AROUND + 16]);
        let start = storage.as_ptr().align_offset(16) + AROUND + if argument.is_message { 8 } else { 1 };
        let start = if start + bytes.len() + AROUND > storage.len() { start - 16 } else { start };
        storage[start - AROUND..start + bytes.len() + AROUND].fill(WATCHED);
        storage[start..start + bytes.len()].copy_from_slice(bytes);
        Some(Copy { site: self, argument, storage, start, len: bytes.len(), to: None })
    }
}

impl Copy<'_> {
    fn data(&mut self) -> *mut c_void {
        self.storage[self.start..].as_mut_ptr().cast()
    }

    fn end(self) -> Result<()> {
        let Self { site, argument, storage, start, len, to } = self;
        let around = [&storage[start - AROUND..start], &storage[start + len..start + len + AROUND]];
        let is_whole = around.iter().all(|side| side.iter().all(|byte| *byte == WATCHED));
        if let Some(to) = to {
            to.copy_from_slice(&storage[start..start + len]);
        }
        lock(&site.free).insert(argument, storage);
        if is_whole {
            return Ok(());
        }
        let defect = format!("it writes outside of the {len} bytes of {}", argument.name);
        Err(Error::BadAnswer { function: argument.function, defect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGUMENT: Argument = Argument { function: "DecryptionBlt", name: "the IV", is_message: false };

    #[test]
    fn calls_are_made_on_the_threads_that_are_asked_for() {
        let other = |thread| {
            let site = CallSite::new(thread, CallBuffers::AsGiven);
            (0..64).map(|_| site.run(|| thread::current().id())).collect::<std::collections::HashSet<_>>()
        };
        let this = thread::current().id();
        assert_eq!(other(CallThread::Caller), [this].into());
        let second = other(CallThread::Other);
        assert!(second.len() == 1 && !second.contains(&this));
        let both = other(CallThread::Alternating { seed: 7 });
        assert!(both.len() == 2 && both.contains(&this));
    }

    #[test]
    fn panic_on_the_other_thread_comes_back() {
        let site = CallSite::new(CallThread::Other, CallBuffers::AsGiven);
        assert!(catch_unwind(AssertUnwindSafe(|| site.run(|| panic!("as is to be seen")))).is_err());
        assert_eq!(site.run(|| 7), 7);
    }

    #[test]
    fn buffers_lie_at_one_odd_address_and_come_back() {
        let site = CallSite::new(CallThread::Caller, CallBuffers::Fixed);
        let mut addresses = Vec::new();
        for len in [16, 15, 300, LONGEST] {
            let mut bytes = vec![7; len];
            let lent = Lent::output(Some(&site), ARGUMENT, Output::Bytes(&mut bytes)).unwrap();
            addresses.push(lent.data.addr());
            // SAFETY: `len` bytes are lent.
            unsafe { lent.data.cast::<u8>().write_bytes(9, len) };
            lent.end().unwrap();
            assert_eq!(bytes, vec![9; len]);
        }
        assert!(addresses.iter().all(|address| *address == addresses[0] && address % 2 == 1), "{addresses:?}");
    }

    #[test]
    fn message_lies_at_a_multiple_of_8() {
        let site = CallSite::new(CallThread::Caller, CallBuffers::Fixed);
        let argument = Argument { is_message: true, ..ARGUMENT };
        let lent = Lent::input(Some(&site), argument, Input::Bytes(&[1; 40])).unwrap();
        assert_eq!(lent.data.addr() % 16, 8);
    }

    #[test]
    fn write_beside_a_buffer_is_found() {
        let site = CallSite::new(CallThread::Caller, CallBuffers::Fixed);
        let mut bytes = [7; 16];
        let lent = Lent::output(Some(&site), ARGUMENT, Output::Bytes(&mut bytes)).unwrap();
        // SAFETY: so many bytes behind the buffer are watched ones.
        unsafe { lent.data.cast::<u8>().wrapping_add(16).write(0) };
        let error = lent.end().unwrap_err();
        assert!(error.to_string().contains("outside of the 16 bytes of the IV"), "{error}");
    }
}
