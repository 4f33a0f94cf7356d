//! OpenSSL's EVP interface, from the shared library of the system, if there is one.
//!
//! The only unsafe code of this crate. It relies on two things: the functions have the types that OpenSSL documents for
//! them since version 1.1.0, and every pointer given to them is valid for the length given with it.
#![allow(unsafe_code, reason = "a C library that is loaded while the program runs")]

use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::ops::Range;
use std::ptr;
use std::rc::Rc;

use libloading::Library;

use super::{Cipher, IV, KEY, Layout, RegionCipher, SampleCipher};
use crate::error::BenchError;

/// Where OpenSSL is looked for.
#[cfg(windows)]
const LIBRARIES: [&str; 2] = ["libcrypto-3-x64.dll", "libcrypto-1_1-x64.dll"];
/// Where OpenSSL is looked for.
#[cfg(target_os = "macos")]
const LIBRARIES: [&str; 2] = ["libcrypto.3.dylib", "libcrypto.1.1.dylib"];
/// Where OpenSSL is looked for.
#[cfg(not(any(windows, target_os = "macos")))]
const LIBRARIES: [&str; 2] = ["libcrypto.so.3", "libcrypto.so.1.1"];

/// `OPENSSL_VERSION`: the text with name, number and date.
const OPENSSL_VERSION: c_int = 0;

type InitFn = unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void, *const c_uchar, *const c_uchar) -> c_int;
type UpdateFn = unsafe extern "C" fn(*mut c_void, *mut c_uchar, *mut c_int, *const c_uchar, c_int) -> c_int;

/// The library and its functions, under the names that it gives them.
pub(crate) struct OpenSsl {
    version: String,
    context_new: unsafe extern "C" fn() -> *mut c_void,
    context_free: unsafe extern "C" fn(*mut c_void),
    set_padding: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    aes_128_cbc: unsafe extern "C" fn() -> *const c_void,
    aes_128_ctr: unsafe extern "C" fn() -> *const c_void,
    aes_128_ecb: unsafe extern "C" fn() -> *const c_void,
    encrypt_init: InitFn,
    encrypt_update: UpdateFn,
    decrypt_init: InitFn,
    decrypt_update: UpdateFn,
    /// Keeps the functions valid.
    _library: Library,
}

impl OpenSsl {
    /// Loads the newest library that is installed.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub(crate) fn load() -> Result<Rc<Self>, String> {
        let mut reasons = Vec::new();
        for name in LIBRARIES {
            match Self::from_library(name) {
                Ok(openssl) => return Ok(Rc::new(openssl)),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        Err(reasons.join("; "))
    }

    /// What the library says it is, as `OpenSSL 3.0.15 3 Sep 2024`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// A cipher with keys and contexts ready.
    pub(crate) fn cipher(self: &Rc<Self>) -> Result<OpenSslCipher, BenchError> {
        OpenSslCipher::new(self)
    }

    fn from_library(name: &str) -> Result<Self, libloading::Error> {
        // SAFETY: the system's OpenSSL; its initialisers prepare nothing but itself.
        let library = unsafe { Library::new(name) }?;
        let version: unsafe extern "C" fn(c_int) -> *const c_char = function(&library, "OpenSSL_version")?;
        // SAFETY: any number is allowed.
        let version = unsafe { version(OPENSSL_VERSION) };
        // SAFETY: the function returns a static text for every number.
        let version = unsafe { CStr::from_ptr(version) };
        Ok(Self {
            version: version.to_string_lossy().into_owned(),
            context_new: function(&library, "EVP_CIPHER_CTX_new")?,
            context_free: function(&library, "EVP_CIPHER_CTX_free")?,
            set_padding: function(&library, "EVP_CIPHER_CTX_set_padding")?,
            aes_128_cbc: function(&library, "EVP_aes_128_cbc")?,
            aes_128_ctr: function(&library, "EVP_aes_128_ctr")?,
            aes_128_ecb: function(&library, "EVP_aes_128_ecb")?,
            encrypt_init: function(&library, "EVP_EncryptInit_ex")?,
            encrypt_update: function(&library, "EVP_EncryptUpdate")?,
            decrypt_init: function(&library, "EVP_DecryptInit_ex")?,
            decrypt_update: function(&library, "EVP_DecryptUpdate")?,
            _library: library,
        })
    }
}

/// A function of the library; `F` is its documented type.
fn function<F: Copy>(library: &Library, name: &str) -> Result<F, libloading::Error> {
    // SAFETY: each caller gives the type that OpenSSL documents for the name.
    unsafe { library.get::<F>(name) }.map(|symbol| *symbol)
}

/// A context of the library, freed when dropped.
struct Context {
    openssl: Rc<OpenSsl>,
    raw: *mut c_void,
}

impl Context {
    fn new(openssl: &Rc<OpenSsl>) -> Result<Self, BenchError> {
        // SAFETY: takes nothing.
        let raw = unsafe { (openssl.context_new)() };
        if raw.is_null() { Err(failed("make a context")) } else { Ok(Self { openssl: Rc::clone(openssl), raw }) }
    }

    /// Sets mode, key and IV; null and none leave what is there.
    fn init(&self, init: InitFn, mode: *const c_void, key: Option<&[u8; 16]>, iv: Option<&[u8; 16]>) -> c_int {
        let pointer = |bytes: Option<&[u8; 16]>| bytes.map_or(ptr::null(), |bytes| bytes.as_ptr());
        // SAFETY: the context is live; the mode is null or the library's own; AES-128 reads 16 bytes of key and of IV.
        unsafe { init(self.raw, mode, ptr::null_mut(), pointer(key), pointer(iv)) }
    }

    /// Passes `len` bytes on, from `source` to `destination`, which may be the same.
    ///
    /// # Safety
    ///
    /// `source` is valid to read, and `destination` to write, for `len` bytes; they are the same or do not overlap. The
    /// context is of a mode that writes as many bytes as it reads.
    unsafe fn update(
        &self,
        update: UpdateFn,
        source: *const u8,
        destination: *mut u8,
        len: usize,
        what: &'static str,
    ) -> Result<(), BenchError> {
        let len = c_int::try_from(len).map_err(|_| failed(what))?;
        let mut written = 0;
        // SAFETY: the context is live, and the caller vouches for the pointers.
        let done = unsafe { update(self.raw, destination, &raw mut written, source, len) };
        if done == 1 && written == len { Ok(()) } else { Err(failed(what)) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is live and not used after this.
        unsafe { (self.openssl.context_free)(self.raw) };
    }
}

/// OpenSSL with keys and contexts ready.
pub(crate) struct OpenSslCipher {
    ctr: Context,
    cbc: Context,
    /// For samples, whose key is another one each time.
    content: Context,
    /// For content keys.
    unwrapping: Context,
}

impl OpenSslCipher {
    fn new(openssl: &Rc<OpenSsl>) -> Result<Self, BenchError> {
        // SAFETY: takes nothing, and gives a constant of the library.
        let ctr_mode = unsafe { (openssl.aes_128_ctr)() };
        // SAFETY: as above.
        let ecb_mode = unsafe { (openssl.aes_128_ecb)() };
        // SAFETY: as above.
        let cbc_mode = unsafe { (openssl.aes_128_cbc)() };
        let (ctr, content, unwrapping) = (Context::new(openssl)?, Context::new(openssl)?, Context::new(openssl)?);
        let cbc = Context::new(openssl)?;
        let done = [
            ctr.init(openssl.encrypt_init, ctr_mode, Some(&KEY), Some(&IV)),
            content.init(openssl.encrypt_init, ctr_mode, Some(&KEY), Some(&IV)),
            unwrapping.init(openssl.decrypt_init, ecb_mode, Some(&KEY), None),
            // SAFETY: the context is live.
            unsafe { (openssl.set_padding)(unwrapping.raw, 0) },
            cbc.init(openssl.decrypt_init, cbc_mode, Some(&KEY), Some(&IV)),
            // SAFETY: the context is live.
            unsafe { (openssl.set_padding)(cbc.raw, 0) },
        ];
        if done == [1; 6] { Ok(Self { ctr, cbc, content, unwrapping }) } else { Err(failed("make a key ready")) }
    }
}

fn failed(what: &'static str) -> BenchError {
    BenchError::Peer { peer: "OpenSSL", what }
}

impl Cipher for OpenSslCipher {
    fn begin(&mut self) -> Result<(), BenchError> {
        let done = self.ctr.init(self.ctr.openssl.encrypt_init, ptr::null(), None, Some(&IV));
        if done == 1 { Ok(()) } else { Err(failed("set an IV")) }
    }

    fn copy(&mut self, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        let destination = &mut destination[..source.len()];
        let update = self.ctr.openssl.encrypt_update;
        // SAFETY: two slices of this length; counter mode writes as much as it reads.
        unsafe { self.ctr.update(update, source.as_ptr(), destination.as_mut_ptr(), source.len(), "encrypt a buffer") }
    }

    fn in_place(&mut self, data: &mut [u8]) -> Result<(), BenchError> {
        self.begin()?;
        let (data, len) = (data.as_mut_ptr(), data.len());
        // SAFETY: one slice of this length, read and written; counter mode writes as much as it reads.
        unsafe { self.ctr.update(self.ctr.openssl.encrypt_update, data, data, len, "encrypt in place") }
    }
}

impl SampleCipher for OpenSslCipher {
    fn open(
        &mut self,
        wrapped: &[u8; 16],
        runs: &[Range<usize>],
        source: &[u8],
        destination: &mut [u8],
    ) -> Result<(), BenchError> {
        let openssl = &self.content.openssl;
        // A block more than is needed: the context may have kept one.
        let mut content_key = [0; 32];
        let out = content_key.as_mut_ptr();
        // SAFETY: 16 bytes from an array of 16 to one of 32; without padding ECB writes each whole block at once.
        unsafe { self.unwrapping.update(openssl.decrypt_update, wrapped.as_ptr(), out, 16, "unwrap a content key") }?;
        let content_key = content_key.first_chunk().expect("there are 32 bytes");
        if self.content.init(openssl.encrypt_init, ptr::null(), Some(content_key), Some(&IV)) != 1 {
            return Err(failed("make a content key ready"));
        }
        destination[..source.len()].copy_from_slice(source);
        for run in runs {
            let run = &mut destination[run.clone()];
            let (data, len) = (run.as_mut_ptr(), run.len());
            // SAFETY: one slice of this length, read and written; counter mode writes as much as it reads.
            unsafe { self.content.update(openssl.encrypt_update, data, data, len, "decrypt a sample") }?;
        }
        Ok(())
    }
}

impl RegionCipher for OpenSslCipher {
    fn decrypt(&mut self, layout: Layout, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        const WHAT: &str = "decrypt a region";
        let destination = &mut destination[..source.len()];
        let openssl = &self.ctr.openssl;
        let (context, init, update) = if layout.is_chained {
            (&self.cbc, openssl.decrypt_init, openssl.decrypt_update)
        } else {
            (&self.ctr, openssl.encrypt_init, openssl.encrypt_update)
        };
        if context.init(init, ptr::null(), None, Some(&IV)) != 1 {
            return Err(failed("set an IV"));
        }
        if layout.pattern.is_none() {
            // SAFETY: two slices of this length; whole blocks, which both modes write as they read them.
            return unsafe { context.update(update, source.as_ptr(), destination.as_mut_ptr(), source.len(), WHAT) };
        }
        destination.copy_from_slice(source);
        for run in layout.runs(source.len()) {
            let run = &mut destination[run];
            let (data, len) = (run.as_mut_ptr(), run.len());
            // SAFETY: one slice of this length, read and written; whole blocks, as above.
            unsafe { context.update(update, data, data, len, WHAT) }?;
        }
        Ok(())
    }
}
