/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* SoftCP: software content protection for Direct3D 11.1 drivers. Core functions.
   Generated from the Rust sources; do not edit.

   Every function returns an HRESULT (softcp_hresult) unless it says otherwise. Outputs of a failed call: handles,
   pointers, counts, sizes and status values are zero, data buffers keep their bytes. Capability and creation
   functions, and those about a whole device, may be called from any thread; calls on one session, channel or decoder
   are serialised by it. D1, D2 ... are the numbered decisions of docs/decisions.md. */
#ifndef SOFTCP_H
#define SOFTCP_H

#include <stddef.h>
#include <stdint.h>

/* Calling convention of every function and callback. */
#if defined(_WIN32)
#define SOFTCP_CALL __cdecl
#else
#define SOFTCP_CALL
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Flag of `softcp_adapter_desc`: take nothing from SOFTCP_CONF and SOFTCP_OPTIONS.
#define SOFTCP_ADAPTER_IGNORE_ENVIRONMENT 1

// Protection is done in software.
#define SOFTCP_CAPS_SOFTWARE 1

// Protection is done in hardware.
#define SOFTCP_CAPS_HARDWARE 2

// Protection is enforced at all times (D19).
#define SOFTCP_CAPS_PROTECTION_ALWAYS_ON 4

// Encrypted block information is understood.
#define SOFTCP_CAPS_PARTIAL_DECRYPTION 8

// Content keys.
#define SOFTCP_CAPS_CONTENT_KEY 16

// Session key refresh.
#define SOFTCP_CAPS_FRESHEN_SESSION_KEY 32

// Encrypted read-back.
#define SOFTCP_CAPS_ENCRYPTED_READ_BACK 64

// Read-back uses a key of its own.
#define SOFTCP_CAPS_ENCRYPTED_READ_BACK_KEY 128

// IVs must increase (D10).
#define SOFTCP_CAPS_SEQUENTIAL_CTR_IV 256

// Only slice data is encrypted in decoder buffers.
#define SOFTCP_CAPS_ENCRYPT_SLICEDATA_ONLY 512

// Decryption blits.
#define SOFTCP_CAPS_DECRYPTION_BLT 1024

// Uncompressed content is protected by hardware.
#define SOFTCP_CAPS_HARDWARE_PROTECT_UNCOMPRESSED 2048

// Protected memory can be paged.
#define SOFTCP_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE 4096

// Memory can become protected and unprotected.
#define SOFTCP_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION 8192

// The hardware can tear protection down.
#define SOFTCP_CAPS_HARDWARE_TEARDOWN 16384

// Hardware-protection key exchange.
#define SOFTCP_CAPS_HARDWARE_DRM_COMMUNICATION 32768

// Session status: nothing was lost.
#define SOFTCP_SESSION_STATUS_OK 0

// Session status: the key was lost; a new key exchange restores it (D23).
#define SOFTCP_SESSION_STATUS_KEY_LOST 1

// Session status: the key and the protected content were lost.
#define SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST 2

// Channel type: the driver's software.
#define SOFTCP_CHANNEL_DRIVER_SOFTWARE 2

// Channel type: the driver's hardware.
#define SOFTCP_CHANNEL_DRIVER_HARDWARE 3

// Major version of this header.
#define SOFTCP_VERSION_MAJOR 0

// Minor version of this header.
#define SOFTCP_VERSION_MINOR 1

// Patch version of this header.
#define SOFTCP_VERSION_PATCH 0

// The version of this header as one number, which grows from version to version. Compare it with the result of
// `softcp_version_number`, the version of the library that is loaded.
#define SOFTCP_VERSION_NUMBER (((SOFTCP_VERSION_MAJOR << 24) | (SOFTCP_VERSION_MINOR << 12)) | SOFTCP_VERSION_PATCH)

// Flag of `softcp_protection`: protection is enforced (D19).
#define SOFTCP_PROTECTION_ENABLED 1

// Flag of `softcp_protection`: content may be shown in an overlay or full screen only.
#define SOFTCP_PROTECTION_OVERLAY_OR_FULLSCREEN_REQUIRED 2

// Process type: the desktop window manager; the handle does not count.
#define SOFTCP_PROCESS_DWM 1

// Process type: the process of a handle.
#define SOFTCP_PROCESS_HANDLE 2

// Effect of a command: nothing that the status of a session tells.
#define SOFTCP_SECURE_EFFECT_NONE 0

// Effect of a command: the environment has what the session needs, which is SOFTCP_SESSION_STATUS_OK from now on.
#define SOFTCP_SECURE_EFFECT_PROVISIONED 1

// Effect of a command: the environment has forgotten everything, and every session of the adapter loses its key.
#define SOFTCP_SECURE_EFFECT_TORN_DOWN 2

// Flag of `softcp_error_report`: the runtime allows `hresult` for this entry, so that a host passes it on to the runtime's
// `pfnSetErrorCb`. Without the flag it must not: log it, and go on.
#define SOFTCP_REPORT_FORWARD 1

// Access of a mapping: the caller reads.
#define SOFTCP_ACCESS_READ 1

// Access of a mapping: the caller writes.
#define SOFTCP_ACCESS_WRITE 2

// Access of a mapping: the caller reads and writes.
#define SOFTCP_ACCESS_READ_WRITE 3

// Flag of a mapping: the resource is protected.
#define SOFTCP_MAPPING_PROTECTED 1

// Flag of a mapping: the resource is multisampled.
#define SOFTCP_MAPPING_MULTISAMPLED 2

// An adapter. Opaque; made by `softcp_adapter_create`.
typedef struct softcp_adapter softcp_adapter;

// A device. Opaque; made by `softcp_device_create`.
typedef struct softcp_device softcp_device;

// An HRESULT: zero or positive is success, negative a failure.
typedef int32_t softcp_hresult;

// A crypto session: a number that is looked up and checked on each use, never a pointer. It means something to the
// device it was created on alone. Zero is no session.
typedef size_t softcp_session;

// One command to the secure environment: of an application to `softcp_session_execute`, and of the library to the
// `execute` of a `softcp_secure_environment`. All sizes are in bytes.
typedef struct softcp_secure_command {
  // Size of this structure as the caller knows it.
  uint32_t size;
  // Number of the command, defined by the environment. The built-in one has 1 version, 2 provision, 3 load licence,
  // 4 make key blob, 5 revoke, 6 teardown.
  uint32_t function;
  // Private bytes of the command, as many as `softcp_private_data_sizes` says.
  const void *private_input;
  // The command's bytes; may be null for none (D29).
  const void *input;
  // Where the private bytes of the answer go, as many as `softcp_private_data_sizes` says.
  void *private_output;
  // Where the answer goes. All of it is written: the answer, then zeros. Does not overlap with anything else.
  void *output;
  // Bytes of `private_input`.
  uint32_t private_input_size;
  // Bytes of `input`.
  uint32_t input_size;
  // Bytes of `private_output`.
  uint32_t private_output_size;
  // Bytes of `output`.
  uint32_t output_size;
  // Written: bytes of the answer.
  uint32_t written;
  // Written: an HRESULT, how the command ended.
  softcp_hresult status;
  // Written: time on the way to the environment and back, in units of 100 ns.
  uint64_t transport_time;
  // Written: time in the environment, in units of 100 ns.
  uint64_t execution_time;
  // Written: SOFTCP_SECURE_EFFECT_, what the command did to the keys of sessions.
  uint32_t effect;
  // Reserved, zero.
  uint32_t reserved;
} softcp_secure_command;

// A GUID, laid out as the Windows type.
typedef struct softcp_guid {
  // First 32 bits.
  uint32_t data1;
  // Next 16 bits.
  uint16_t data2;
  // Next 16 bits.
  uint16_t data3;
  // Last eight bytes.
  uint8_t data4[8];
} softcp_guid;

// A secure environment: what stands behind the hardware-protection sessions of an adapter, in place of the built-in one.
// All callbacks but `execute` may be null. No lock is held while one of them runs, so it may call this library again.
// They are called on the thread of the call that needs them, from several threads at once.
//
// An adapter is given one by `softcp_adapter_desc.environment`, and uses it where its capabilities include hardware DRM
// communication (capabilities.flags.hardware_drm_communication), nowhere else.
typedef struct softcp_secure_environment {
  // Size of this structure in bytes as the host knows it.
  uint32_t size;
  // Private bytes that each command begins with, as `softcp_private_data_sizes` reports them; may be 0.
  uint32_t private_input_size;
  // Private bytes that each answer begins with; may be 0.
  uint32_t private_output_size;
  // Reserved, zero.
  uint32_t reserved;
  // First argument of every callback.
  void *context;
  // Runs one command of `session`, which is the handle that applications know the session by.
  //
  // `command` is the library's, for this call alone. It tells the function and what goes in; `private_input` has
  // `private_input_size` bytes and `private_output` room for `private_output_size`, both as above. The callback writes
  // the answer to `output`, room for `output_size` bytes, and sets `written` and whatever else is written in it. All of
  // these are zero when it begins: a callback that does nothing has succeeded with an empty answer. Pointers are null
  // where their size is 0.
  //
  // A command that fails says so in `status`. The effect counts in either case. An answer with more `written` than
  // there is room for, or an unknown effect, is not used at all: the command ends with E_UNEXPECTED, but a
  // SOFTCP_SECURE_EFFECT_TORN_DOWN counts nevertheless.
  void (SOFTCP_CALL *execute)(void *context, softcp_session session, struct softcp_secure_command *command);
  // Opens a sealed key blob and writes its 16-byte content key to `key`. `blob_size` is any number, 0 included; `blob`
  // is null where it is 0. `key_id` is the identifier of the key that the caller expects in it; null where the caller
  // says none, or says the null GUID or the crypto type's, which browsers do. A failure is passed on. Asked only if the
  // device's host has no `unwrap_key`. Null: sealed keys are SOFTCP_E_INVALIDARG.
  softcp_hresult (SOFTCP_CALL *open_key)(void *context,
                             const void *blob,
                             uint32_t blob_size,
                             const struct softcp_guid *key_id,
                             uint8_t *key);
  // Sets a session's hardware key up and writes its 64 bits for the application to `data`, for
  // GetDataForNewHardwareKey and `softcp_session_new_hardware_key`. `private_input` is null where its size is 0. A
  // failure is passed on. Null: SOFTCP_E_NOTIMPL.
  softcp_hresult (SOFTCP_CALL *new_hardware_key)(void *context,
                                     softcp_session session,
                                     uint32_t private_input_size,
                                     const void *private_input,
                                     uint64_t *data);
  // Forgets everything, keys and provisioning: `softcp_adapter_teardown` was called. The sessions lose their keys
  // afterwards. Not called for a command with SOFTCP_SECURE_EFFECT_TORN_DOWN, which has done so itself. Null: there is
  // nothing to forget.
  void (SOFTCP_CALL *teardown)(void *context);
} softcp_secure_environment;

// Describes an adapter. Zero members are defaults.
typedef struct softcp_adapter_desc {
  // Size of this structure in bytes as the caller knows it.
  uint32_t size;
  // SOFTCP_ADAPTER_ flags.
  uint32_t flags;
  // Configuration file, UTF-8 path of at most 65,536 bytes; null: the one that SOFTCP_CONF names, if any.
  const char *configuration_file;
  // Options laid over the file, "key=value;key=value" with the file's dotted keys, as
  // "identity.directory=/etc/softcp;capabilities.profile=hardware-like"; may be null. SOFTCP_OPTIONS is laid over
  // these in turn, so that who runs a program has the last word. At most 65,536 bytes (D34).
  //
  // The keys: identity.directory (holds root.pem, chain.pem, key.pem and, for certificate-revoked of
  // softcp_inject_fault, crl.pem; left out: made in memory),
  // identity.encoding (pkcs7 or der, D13), capabilities.profile (software, hardware-like or permissive),
  // capabilities.block_alignment (bytes, D7), capabilities.flags.NAME (true or false; NAME as content_key),
  // memory.protected (bytes, D24), blit.threads (that may help with large surfaces; 0, the default: none is ever started),
  // outputs.identifiers (a list of numbers of 64 bits), accessibility.bus (other, pci, pcix, pci-express or
  // agp), accessibility.implementation (as daughter-board-connector), accessibility.non_standard, .contiguous_blocks and
  // .non_contiguous_blocks (true or false), accessibility.encryption (a list of "aes128-ctr" and
  // GUIDs in quotes), true or false for quirks.status_echo (D21), quirks.caller_iv (D26) and
  // quirks.key_exchange_alias (D29), faults.opt_in (true allows softcp_inject_fault), faults.list (what goes wrong
  // from the start, as softcp_inject_fault takes it, with commas between several) and faults.control (a directory by
  // which the command softcp faults can set and clear them).
  const char *options;
  // The secure environment, which is copied; null: the built-in one for clear keys, one for each adapter.
  const struct softcp_secure_environment *environment;
} softcp_adapter_desc;

// One further plane of a planar surface. All sizes are in bytes.
typedef struct softcp_plane {
  // First byte of the first row; valid until the resource is unmapped.
  void *data;
  // Distance from one row to the next.
  size_t row_pitch;
  // Visible bytes of a row; the rest of the pitch is padding and is not touched (D9).
  size_t row_bytes;
  // Number of rows.
  size_t rows;
} softcp_plane;

// Memory of a mapped resource. All sizes are in bytes. A buffer is one row.
//
// The driver owns the memory; pointers are valid until the resource is unmapped.
typedef struct softcp_mapping {
  // First byte of the first row of the first plane.
  void *data;
  // Distance from one row to the next.
  size_t row_pitch;
  // Visible bytes of a row; the rest of the pitch is padding and is not touched (D9).
  size_t row_bytes;
  // Number of rows.
  size_t rows;
  // `SOFTCP_MAPPING_*`.
  uint32_t flags;
  // `DXGI_FORMAT`; 0 for an unknown format and for a buffer.
  uint32_t format;
  // Number of members of `extra_planes` that count: 0 to 2.
  uint32_t extra_plane_count;
  // Zero.
  uint32_t reserved;
  // Further planes, in memory order.
  struct softcp_plane extra_planes[2];
} softcp_mapping;

// A process.
typedef struct softcp_process {
  // SOFTCP_PROCESS_ value.
  uint32_t process_type;
  // Reserved, zero.
  uint32_t reserved;
  // The process of type SOFTCP_PROCESS_HANDLE: what applications pass as ProcessHandle. It is compared, never used.
  uint64_t handle;
} softcp_process;

// The failure of a DDI entry that returns nothing (D20), and whether the runtime may hear of it (D42).
//
// A code that the runtime does not allow for the function makes it lose the device on purpose, as if the device had been
// removed ("Handling Errors" in the Windows driver documentation). The reference allows no code for these entries but
// D3DDDIERR_DEVICEREMOVED, and for a check-type function not even that; all others are the mistake of an application, or a
// state that it can leave. What each entry reports, with "(forward)" behind a code that has SOFTCP_REPORT_FORWARD:
//
// - DestroyCryptoSession: E_INVALIDARG, E_FAIL
// - GetCertificateSize: E_INVALIDARG, UNSUPPORTEDCRYPTO, DEVICEREMOVED (forward), E_FAIL
// - GetCertificate: E_INVALIDARG, UNSUPPORTEDCRYPTO, DEVICEREMOVED (forward), E_FAIL
// - EncryptionBlt: E_INVALIDARG, INVALIDCALL, CANNOTPROTECTCONTENT, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL, and any
//   code of a callback
// - DecryptionBlt: E_INVALIDARG, INVALIDCALL, CANNOTPROTECTCONTENT, E_NOTIMPL, E_OUTOFMEMORY, DEVICEREMOVED (forward),
//   E_FAIL, and any code of a callback
// - StartSessionKeyRefresh: E_INVALIDARG, INVALIDCALL, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL
// - FinishSessionKeyRefresh: E_INVALIDARG, INVALIDCALL, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL
// - GetEncryptionBltKey: E_INVALIDARG, INVALIDCALL, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL
// - DestroyAuthenticatedChannel: E_INVALIDARG, E_FAIL
// - CheckCryptoSessionStatus: E_INVALIDARG, DEVICEREMOVED, E_FAIL
// - GetCryptoSessionPrivateDataSize: E_INVALIDARG, UNSUPPORTEDCRYPTO, DEVICEREMOVED (forward), E_FAIL
// - SetHardwareProtection: E_INVALIDARG, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL, and any code of a callback
//
// A code of a callback is what `map`, `unwrap_key`, `set_hardware_protection` or the secure environment failed with; a
// DEVICEREMOVED of theirs has the flag too. docs/errors.md says what the codes mean, and what a host can do.
typedef struct softcp_error_report {
  // Size of this structure in bytes as the library knows it.
  uint32_t size;
  // SOFTCP_REPORT_ flags.
  uint32_t flags;
  // What the entry failed with.
  softcp_hresult hresult;
  // Reserved, zero.
  uint32_t reserved;
  // Name of the entry without pfn, as "DecryptionBlt", UTF-8. Never null.
  const char *function;
  // What is wrong, UTF-8. Never null.
  const char *text;
} softcp_error_report;

// Callbacks of the host. All but `map` and `unmap` may be null. No lock is held while one of them runs, so it may
// call this library again. They are called on the thread of the call that needs them.
typedef struct softcp_host {
  // Size of this structure in bytes as the host knows it.
  uint32_t size;
  // Reserved, zero.
  uint32_t reserved;
  // First argument of every callback.
  void *context;
  // Makes the memory of `resource` accessible and describes it. `resource` is what the caller of a blit passed,
  // never null. `access` is a SOFTCP_ACCESS_ value; mapping for writing keeps what the memory holds. The mapping is
  // zero when the callback begins. A failure is passed on; it is not unmapped.
  //
  // A blit maps its source and its destination, or once where they are the same resource. It is refused when they
  // overlap otherwise, or when planes of the destination do, the padding between rows included. Calls on other
  // threads may map the same resource at the same time; a host that cannot have that fails, or waits.
  //
  // Order, for a host whose `map` takes a lock that `unmap` releases (D43): the resource with the smaller cookie, as an
  // address, is mapped first, whichever of the two is the source, and unmapped last. No lock of the library is held
  // meanwhile, and a thread maps no more than these two. So a lock for each resource, recursive or not, cannot deadlock
  // when one thread blits from A to B and another from B to A, as long as each resource has one cookie. Where two
  // cookies can name one resource (`same_resource`), their order is not the resources': such a host takes one lock for
  // all resources (recursive, since a blit maps two), or only tries a lock and fails, as with E_FAIL. So must a host
  // whose locks are also held elsewhere in another order.
  softcp_hresult (SOFTCP_CALL *map)(void *context, void *resource, uint32_t access, struct softcp_mapping *mapping);
  // Ends a mapping: once for each `map` that succeeded, on the same thread, before the call that needed it returns.
  void (SOFTCP_CALL *unmap)(void *context, void *resource);
  // Whether two different cookies name the same resource (non-zero) or not (zero). Null: they never do.
  int32_t (SOFTCP_CALL *same_resource)(void *context, void *a, void *b);
  // Receives the failure of a DDI entry that returns nothing, once for each failed call (D20). Most codes must not be
  // passed on to `pfnSetErrorCb`: `report_error2` says which may. Not called where that is set.
  void (SOFTCP_CALL *report_error)(void *context, const char *function, softcp_hresult hresult, const char *text);
  // Opens a sealed key blob and writes the 16-byte content key to `key` (D28). Asked for content keys that are not
  // 16 bytes, so `blob_size` is any other number, 0 included, and for those of decoders with sealed keys, of any size; a
  // failure is passed on. Null: the secure environment opens them; where hardware DRM communication is not offered, they
  // are E_INVALIDARG.
  softcp_hresult (SOFTCP_CALL *unwrap_key)(void *context, const void *blob, uint32_t blob_size, uint8_t *key);
  // Writes the identifiers of the outputs that show the device's images to `identifiers`, up to `capacity` of them, and
  // returns how many there are. Asked at each query about outputs, with a capacity of 64, and where there are more once
  // again with one of 1024. More than that are too many: the query is then answered with E_FAIL, signed as every answer
  // is (D17, D35). Null: the outputs are those configured (outputs.identifiers).
  uint32_t (SOFTCP_CALL *outputs)(void *context, uint64_t *identifiers, uint32_t capacity);
  // Writes the processes that may open restricted shared resources from the start to `processes`, as `outputs` does, with
  // the same capacities. Asked when the device is made, which fails with E_INVALIDARG where there are too many; no channel
  // can revoke these. Null: none.
  uint32_t (SOFTCP_CALL *allowed_processes)(void *context, struct softcp_process *processes, uint32_t capacity);
  // Hears of a teardown that took something: of one session, or of the whole adapter when `session` is zero.
  // `status` is SOFTCP_SESSION_STATUS_KEY_LOST or SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST; with the latter the host
  // must fill the device's protected resources with zeros (D23). It is where a host signals the teardown event of its
  // runtime. Called before the call that caused it returns.
  void (SOFTCP_CALL *teardown)(void *context, size_t session, uint32_t status);
  // Makes a resource protected (1) or unprotected (0), for SetHardwareProtection; a failure is passed on. Null: that
  // entry reports E_NOTIMPL.
  softcp_hresult (SOFTCP_CALL *set_hardware_protection)(void *context, void *resource, uint32_t is_protected);
  // As `report_error`, and called in its place where it is set: the report also says whether its code may be passed on
  // to the runtime. Must not unwind. `report` and its strings are valid during the call only.
  void (SOFTCP_CALL *report_error2)(void *context, const struct softcp_error_report *report);
} softcp_host;

// What the driver offers for a crypto type and a decode profile.
typedef struct softcp_content_protection_caps {
  // SOFTCP_CAPS_ bits, the DDI's.
  uint32_t caps;
  // How many key exchange types can be enumerated.
  uint32_t key_exchange_type_count;
  // Bytes that every pattern run must be a multiple of (D7).
  uint32_t block_alignment_size;
  // Reserved, zero.
  uint32_t reserved;
  // Protected memory in bytes; the largest number when unlimited, never 0 (D24).
  uint64_t protected_memory_size;
} softcp_content_protection_caps;

// What a session is for.
typedef struct softcp_session_desc {
  // Size of this structure in bytes as the caller knows it.
  uint32_t size;
  // AES-128-CTR: {9b6bd711-4f74-41c9-9e7b-0be2d7d93b4f}.
  struct softcp_guid crypto_type;
  // Decode profile, or all zero when nothing is decoded.
  struct softcp_guid decode_profile;
  // RSAES-OAEP: {c1949895-d72a-4a1d-8e5d-ed857d171520}.
  struct softcp_guid key_exchange_type;
} softcp_session_desc;

// Which bytes of a partly encrypted surface are encrypted: first those at the beginning, then to the end of the
// surface a clear run and an encrypted run in turn. `encrypt` 0: the rest is clear; `skip` 0 with `encrypt` not 0:
// everything is encrypted (D8). Clear bytes consume no keystream (D6). All members are in bytes.
typedef struct softcp_encrypted_block_info {
  // Encrypted bytes at the beginning.
  uint32_t at_beginning;
  // Length of each clear run.
  uint32_t skip;
  // Length of each encrypted run.
  uint32_t encrypt;
} softcp_encrypted_block_info;

// An authenticated channel: a number as `softcp_session` is. It is also the handle that the channel's messages carry.
typedef size_t softcp_channel;

// What kind of decoder to register. Zero members are defaults.
typedef struct softcp_decoder_desc {
  // Size of this structure in bytes as the caller knows it.
  uint32_t size;
  // guidConfigBitstreamEncryption of the decoder's configuration. Zero, AES-128-CTR or
  // D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC: AES-CTR (the schemes cenc and cens) under the session bound to the
  // decoder. D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS: AES-CBC (cbcs and cbc1) under that session.
  // D3D11_DECODER_ENCRYPTION_HW_CENC: AES-CTR under sealed keys. DXVA_NoEncrypt: nothing is encrypted.
  struct softcp_guid bitstream_encryption;
} softcp_decoder_desc;

// A decoder of the host: a number as `softcp_session` is. It is also the handle by which messages of a channel name it.
typedef size_t softcp_decoder;

// One subsample of a Common Encryption sample: clear bytes, then encrypted ones. Laid out as
// D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK.
typedef struct softcp_subsample {
  // Clear bytes.
  uint32_t clear_size;
  // Encrypted bytes that follow.
  uint32_t encrypted_size;
} softcp_subsample;

// One compressed buffer of a frame.
typedef struct softcp_decoder_buffer {
  // Size of this structure in bytes as the caller knows it.
  uint32_t size;
  // D3D11_VIDEO_DECODER_BUFFER_TYPE: 6 for bitstream. The DDI's numbers (D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE) are
  // greater by one.
  uint32_t buffer_type;
  // The compressed data.
  const void *source;
  // Where the clear data goes, which may be `source`; else they do not overlap.
  void *destination;
  // 16 bytes. For AES-CTR the first counter block (D5): an IV and a block count of 8 bytes each, both big-endian. For
  // AES-CBC the initialization vector. Null: the buffer is clear, and copied.
  const void *iv;
  // Which bytes are encrypted, in a pattern of bytes; for AES-CTR without stripes only (D68). Null: all, or those of the
  // subsamples.
  const struct softcp_encrypted_block_info *pattern;
  // Which bytes are encrypted, in subsamples that cover the data exactly.
  const struct softcp_subsample *subsamples;
  // Bytes of the data.
  uint32_t data_size;
  // Bytes of `iv`: 16.
  uint32_t iv_size;
  // Number of subsamples, at most 65,536 (D34); 0 for none. Not together with a pattern.
  uint32_t subsample_count;
  // Reserved, zero.
  uint32_t reserved;
  // Blocks of 16 bytes that are encrypted in each stripe of an encrypted region, as
  // D3D11_VIDEO_DECODER_BUFFER_DESC2.cBlocksStripeEncrypted. A region is the encrypted part of a subsample, or all of the
  // data without subsamples. 0 with the next member 0: no stripes, so that the scheme is cenc or cbc1. Both not 0: cens
  // or cbcs. One of them 0 is an error (D64).
  uint32_t stripe_encrypted_blocks;
  // Blocks of 16 bytes that are clear behind them.
  uint32_t stripe_clear_blocks;
} softcp_decoder_buffer;

// Success.
#define SOFTCP_S_OK 0

// 0x80070057: null pointer, wrong size, bad value, stale or foreign handle, a key exchange that failed, or a message on a
// channel that is not authentic or out of order.
#define SOFTCP_E_INVALIDARG ((int32_t)0x80070057u)

// 0x8007000E: protected memory or handles are used up.
#define SOFTCP_E_OUTOFMEMORY ((int32_t)0x8007000eu)

// 0x80004005: unknown command or query, IVs are used up, the random generator or the identity failed, or an internal
// error.
#define SOFTCP_E_FAIL ((int32_t)0x80004005u)

// 0x80004001: the capability profile does not offer this.
#define SOFTCP_E_NOTIMPL ((int32_t)0x80004001u)

// 0x8876086C: the call does not fit the session's state: no key yet, no refresh pending, no read-back key, key lost.
#define SOFTCP_E_INVALIDCALL ((int32_t)0x8876086cu)

// 0x88760870: the device was removed. Every function of it answers so but those that destroy, unregister and release, those
// about faults, and those that ask what channels have set (D36).
#define SOFTCP_E_DEVICEREMOVED ((int32_t)0x88760870u)

// 0x8876087E: crypto type, decode profile or key exchange type is not supported.
#define SOFTCP_E_UNSUPPORTEDCRYPTO ((int32_t)0x8876087eu)

// 0x8876087D: protection is enforced and a resource is not protected, or is and would be exposed.
#define SOFTCP_E_CANNOTPROTECTCONTENT ((int32_t)0x8876087du)

// The names of an entry in the order in which they are looked for (D40).
#define SOFTCP_OPEN_DRIVER_NAMES { SOFTCP_OPEN_DRIVER, SOFTCP_OPEN_REFERENCE_DRIVER, }

// Makes an adapter and writes it to `adapter`. `desc` may be null for all defaults.
//
// SOFTCP_E_INVALIDARG: null `adapter`, or a configuration that cannot be read or holds an unknown key or bad value
// (softcp_last_error says which, and where it stands), a directory of faults.control that cannot be used, or an environment without `execute`.
// SOFTCP_E_FAIL: the identity directory cannot be used. SOFTCP_E_NOTIMPL: faults.list asks for certificate-revoked, for
// which there is no revocation list, as softcp_inject_fault says.
//
// # Safety
// `desc` is null or points to a structure of its `size` whose strings end in a zero byte and whose environment is null or
// a structure of its `size`; `adapter` is null or valid for a write. Until the adapter and all its devices are destroyed
// and no call is under way on them, the environment's callbacks may be called with their context from any thread that
// calls this library.
softcp_hresult SOFTCP_CALL softcp_adapter_create(const struct softcp_adapter_desc *desc,
                                     struct softcp_adapter **adapter);

// Destroys an adapter; null does nothing. Its devices live on until they are destroyed themselves.
//
// # Safety
// `adapter` is null or came from `softcp_adapter_create` and is not used again.
softcp_hresult SOFTCP_CALL softcp_adapter_destroy(struct softcp_adapter *adapter);

// The library's version as "major.minor.patch", valid for the life of the program.
const char *SOFTCP_CALL softcp_version(void);

// Makes a device on `adapter` over the host's callbacks, which are copied, and writes it to `device`.
//
// SOFTCP_E_INVALIDARG: a null pointer, a host without `map` or `unmap`, or one that allows a process of an unknown type or
// more than 1024. SOFTCP_E_OUTOFMEMORY: too many devices.
//
// # Safety
// `adapter` came from `softcp_adapter_create`; `host` points to a structure of its `size`; `device` is null or valid
// for a write. Until the device is destroyed the callbacks may be called with their context from any thread that
// calls this library, and what `map` describes is memory that, until `unmap`, is valid for the access asked for and
// touched by nobody else.
softcp_hresult SOFTCP_CALL softcp_device_create(const struct softcp_adapter *adapter,
                                    const struct softcp_host *host,
                                    struct softcp_device **device);

// Destroys a device with all its sessions, channels and decoders, and detaches it from every `hDevice`; null does
// nothing. Calls under way, on other threads or in whose callback this is called, go on to their end with the host's
// callbacks; the host's context must live as long. No new call may begin.
//
// # Safety
// `device` is null or came from `softcp_device_create` and is not used again.
softcp_hresult SOFTCP_CALL softcp_device_destroy(struct softcp_device *device);

// The host has lost its device: the runtime was told of a removal, the hardware is gone or was reset. From now on every
// DDI entry and every function on the device answers SOFTCP_E_DEVICEREMOVED, or reports it where an entry returns
// nothing; outputs are as those of any failed call (D30). It cannot be undone: make a new device.
//
// What destroys and gives back still works (D36): `softcp_device_destroy`, `softcp_session_destroy`,
// `softcp_channel_destroy`, `softcp_decoder_unregister`, `softcp_protected_memory_release`,
// `softcp_unrestricted_share_remove`, and the entries that destroy. So do the questions what channels have set
// (`softcp_protection_enforced` and its like), since a host that got no answer might stop to protect; `softcp_ddi_attach` and
// `softcp_ddi_detach`; and the functions for faults, which belong to the adapter. Other devices of the adapter are not
// touched.
//
// May be called from any thread, in a callback too, and again. A call in flight on another thread may still end as it
// would have; its outputs are then as good as ever.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_device_removed(const struct softcp_device *device);

// Takes `bytes` from the protected-memory budget for a protected resource that the host is about to make (D24).
// SOFTCP_E_OUTOFMEMORY: they are not there. SOFTCP_E_DEVICEREMOVED: the device was removed (D36).
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_protected_memory_reserve(const struct softcp_device *device, uint64_t bytes);

// Gives `bytes` of a protected resource back to the budget when the resource is destroyed.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_protected_memory_release(const struct softcp_device *device, uint64_t bytes);

// Writes to `caps` what is offered for a crypto type and a decode profile; null or the null GUID stands for none of
// either (D27). SOFTCP_E_UNSUPPORTEDCRYPTO: type or profile is unknown.
//
// # Safety
// `device` is null or came from `softcp_device_create`; the GUIDs are null or readable; `caps` is null or valid for a
// write.
softcp_hresult SOFTCP_CALL softcp_caps(const struct softcp_device *device,
                           const struct softcp_guid *crypto_type,
                           const struct softcp_guid *decode_profile,
                           struct softcp_content_protection_caps *caps);

// Writes to `key_exchange_type` the key exchange type at `index`. SOFTCP_E_UNSUPPORTEDCRYPTO: type or profile is
// unknown. SOFTCP_E_INVALIDARG: no type at this index.
//
// # Safety
// `device` is null or came from `softcp_device_create`; the GUIDs are null or readable; `key_exchange_type` is null
// or valid for a write.
softcp_hresult SOFTCP_CALL softcp_key_exchange_type(const struct softcp_device *device,
                                        const struct softcp_guid *crypto_type,
                                        const struct softcp_guid *decode_profile,
                                        uint32_t index,
                                        struct softcp_guid *key_exchange_type);

// Creates a session and writes it to `session`. SOFTCP_E_UNSUPPORTEDCRYPTO: crypto type, decode profile or key
// exchange type is not supported. SOFTCP_E_OUTOFMEMORY: too many sessions.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `desc` is null or points to a structure of its `size`;
// `session` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_session_create(const struct softcp_device *device,
                                     const struct softcp_session_desc *desc,
                                     softcp_session *session);

// Destroys a session. Zero does nothing. SOFTCP_E_INVALIDARG: not a live session of this device, which is harmless.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_session_destroy(const struct softcp_device *device, softcp_session session);

// Writes the size of the certificate chain in bytes to `size`. The first call may make the identity, which takes up to
// half a second. SOFTCP_E_UNSUPPORTEDCRYPTO: the crypto type has no certificate.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `crypto_type` is null or readable; `size` is null or valid
// for a write.
softcp_hresult SOFTCP_CALL softcp_session_certificate_size(const struct softcp_device *device,
                                               const struct softcp_guid *crypto_type,
                                               uint32_t *size);

// Writes the certificate chain, leaf first, to `certificate`: one PKCS #7 blob, or the DER certificates one after
// another, as configured (D13). `size` must be exactly its size, else SOFTCP_E_INVALIDARG and the buffer is untouched.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `crypto_type` is null or readable; `certificate` is null or
// valid for writes of `size` bytes.
softcp_hresult SOFTCP_CALL softcp_session_certificate(const struct softcp_device *device,
                                          const struct softcp_guid *crypto_type,
                                          uint32_t size,
                                          void *certificate);

// Key exchange: `data` is the session key, encrypted with RSAES-OAEP (SHA-512, MGF1-SHA-512, empty label) to the
// certificate's key, exactly 256 bytes. Any state; replaces a key, discards a pending refresh (D4) and the read-back
// key, and ends a loss. SOFTCP_E_INVALIDARG: wrong size or failed decryption, not told apart further (D22); then
// nothing changes.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `data` is null or valid for reads of `size` bytes.
softcp_hresult SOFTCP_CALL softcp_session_negotiate(const struct softcp_device *device,
                                        softcp_session session,
                                        uint32_t size,
                                        const void *data);

// Decrypts `source` into `destination`, which may be the same resource. The session needs a key.
//
// `info` null: everything is encrypted. `content_key` null: the session key decrypts; 16 bytes: that key, encrypted
// with AES-128-ECB under the session key; any other size, up to 65,536 bytes: opened by the host's `unwrap_key` or the
// secure environment (D28, D34). `iv`: 16 bytes, the first counter block (D5): an IV and a block count of 8 bytes each, both
// big-endian. It may be null where `info` leaves every byte clear (D38). Both surfaces agree in row bytes, rows, planes and
// format, where format 0 agrees with every format (D37); pitches may differ (D9).
//
// Where SEQUENTIAL_CTR_IV is reported, `iv` is greater than the last one used with the same key in this session (D10, D32).
// The session remembers this of the key in force and of 4096 content keys and exchanged keys; under others only an IV above
// those of all forgotten keys is taken, until the next refresh or key exchange (D31). Else SOFTCP_E_INVALIDARG.
//
// SOFTCP_E_INVALIDCALL: no key, or lost. SOFTCP_E_NOTIMPL: not offered. SOFTCP_E_CANNOTPROTECTCONTENT: protection is
// enforced and the destination is not protected (D19). SOFTCP_E_INVALIDARG: everything else that is wrong with the
// arguments. A failure of a host callback is passed on. A failed call writes nothing.
//
// # Safety
// `device` is null or came from `softcp_device_create`; the resources mean something to the host; `info` is null or
// readable; `content_key` and `iv` are null or valid for reads of their sizes.
softcp_hresult SOFTCP_CALL softcp_session_decryption_blt(const struct softcp_device *device,
                                             softcp_session session,
                                             void *source,
                                             void *destination,
                                             const struct softcp_encrypted_block_info *info,
                                             uint32_t content_key_size,
                                             const void *content_key,
                                             uint32_t iv_size,
                                             const void *iv);

// Encrypts `source`, a protected surface, into `destination` under the read-back key where one is offered, else under
// the session key. The 16 bytes of `iv` receive the IV that was chosen (D11, D26). Under a session key that comes back in
// this session the IVs go on (D33). The session needs a key.
//
// SOFTCP_E_INVALIDCALL: no key, lost, or no read-back key yet (D12). SOFTCP_E_FAIL: all IVs of the key are used.
// Otherwise as `softcp_session_decryption_blt`.
//
// # Safety
// `device` is null or came from `softcp_device_create`; the resources mean something to the host; `iv` is null or
// valid for writes of `iv_size` bytes.
softcp_hresult SOFTCP_CALL softcp_session_encryption_blt(const struct softcp_device *device,
                                             softcp_session session,
                                             void *source,
                                             void *destination,
                                             uint32_t iv_size,
                                             void *iv);

// Starts a session key refresh: writes a fresh random number of 16 bytes to `number` and remembers it. The old key
// stays in force until `softcp_session_finish_key_refresh`; a second Start replaces the number (D2).
// SOFTCP_E_INVALIDARG: `size` is not 16 (D1). SOFTCP_E_INVALIDCALL: no key, or lost (D3).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `number` is null or valid for writes of `size` bytes.
softcp_hresult SOFTCP_CALL softcp_session_start_key_refresh(const struct softcp_device *device,
                                                softcp_session session,
                                                uint32_t size,
                                                void *number);

// Finishes a session key refresh: the key becomes the old one XOR the number, for everything after this call.
// SOFTCP_E_INVALIDCALL: none was started, or a key exchange discarded it (D3, D4); the key is unchanged.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_session_finish_key_refresh(const struct softcp_device *device, softcp_session session);

// Makes a new read-back key and writes it to `key`, 16 bytes, encrypted with AES-128-ECB under the session key.
// SOFTCP_E_INVALIDARG: `size` is not 16 (D1). SOFTCP_E_INVALIDCALL: no key, or lost.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `key` is null or valid for writes of `size` bytes.
softcp_hresult SOFTCP_CALL softcp_session_encryption_blt_key(const struct softcp_device *device,
                                                 softcp_session session,
                                                 uint32_t size,
                                                 void *key);

// Writes to `handle` the HANDLE by which applications know the session, never zero on success and unique among the
// adapter's live objects (D25).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `handle` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_session_handle(const struct softcp_device *device, softcp_session session, size_t *handle);

// Writes the session's SOFTCP_SESSION_STATUS_ to `status`. Any state.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `status` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_session_status(const struct softcp_device *device, softcp_session session, uint32_t *status);

// Tells the session that a teardown took its key (SOFTCP_SESSION_STATUS_KEY_LOST) or its key and the protected content
// (SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST). Any state; a session without a key has nothing to lose. If something was
// lost, the host's `teardown` is called. SOFTCP_E_INVALIDARG: another status.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_session_invalidate(const struct softcp_device *device,
                                         softcp_session session,
                                         uint32_t status);

// A teardown of the whole adapter, as by a power event, a display change, a tampering that was noticed: what the secure
// environment holds is forgotten, and every session of every device loses its key, and with
// SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST its content. Each host on whose device something was lost has its `teardown`
// called once. SOFTCP_E_INVALIDARG: another status.
//
// # Safety
// `adapter` is null or came from `softcp_adapter_create`.
softcp_hresult SOFTCP_CALL softcp_adapter_teardown(const struct softcp_adapter *adapter,
                                       uint32_t status);

// Creates a channel and writes it to `channel`: the number is also the handle that its messages carry, as
// `(HANDLE)channel` in hChannel (D25).
//
// An application then starts it up in this order: it checks the certificate, exchanges a key (`softcp_channel_negotiate`),
// sends the command INITIALIZE with the first sequence numbers for queries and commands, asks QUERY_CHANNEL_TYPE, and from
// then on sends commands and queries whose numbers begin with those and grow. Messages are the structures
// `D3D11_AUTHENTICATED_CONFIGURE_…` and `D3D11_AUTHENTICATED_QUERY_…` of d3d11.h, which softcp_ddi.h has too, with their
// GUIDs. An `omac` member is the AES-128 CMAC under the channel's key of all bytes behind it, padding included.
//
// SOFTCP_E_INVALIDARG: another type than the two of a driver. SOFTCP_E_OUTOFMEMORY: too many channels.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `channel` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_channel_create(const struct softcp_device *device,
                                     uint32_t channel_type,
                                     softcp_channel *channel);

// Destroys a channel: what it has set ends with it. Zero does nothing. SOFTCP_E_INVALIDARG: not a live channel of this
// device, which is harmless.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_channel_destroy(const struct softcp_device *device, softcp_channel channel);

// Writes the size of the certificate chain for channels of a type in bytes to `size`. The first call may make the
// identity, which takes up to half a second. SOFTCP_E_INVALIDARG: another type than the two of a driver.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `size` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_channel_certificate_size(const struct softcp_device *device,
                                               uint32_t channel_type,
                                               uint32_t *size);

// Writes the certificate chain for channels of a type to `certificate`, in the form of `softcp_session_certificate`.
// `size` must be exactly its size, else SOFTCP_E_INVALIDARG and the buffer is untouched.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `certificate` is null or valid for writes of `size` bytes.
softcp_hresult SOFTCP_CALL softcp_channel_certificate(const struct softcp_device *device,
                                          uint32_t channel_type,
                                          uint32_t size,
                                          void *certificate);

// Key exchange: `data` is the channel key, encrypted as a session key is (`softcp_session_negotiate`), exactly 256
// bytes. Any state; replaces a key, while the sequence numbers go on. SOFTCP_E_INVALIDARG: wrong size or failed
// decryption, not told apart further (D22); then nothing changes.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `data` is null or valid for reads of `size` bytes.
softcp_hresult SOFTCP_CALL softcp_channel_negotiate(const struct softcp_device *device,
                                        softcp_channel channel,
                                        uint32_t size,
                                        const void *data);

// Query. `input` holds a D3D11_AUTHENTICATED_QUERY_INPUT, or the longer structure of the query; `output` receives the
// structure of its answer. Both may be larger, may overlap, and need no alignment.
//
// A refused query is answered too, with the return code in the answer and zeros behind the header. What is written, and
// what the answer's `omac` covers, is the whole structure of the query's answer if `output_size` has room for it; else, and
// for an unknown query, a D3D11_AUTHENTICATED_QUERY_OUTPUT. It is signed if the channel has a key, else its `omac` is zero.
// Only when `input` or `output` cannot hold a header is nothing written (D17). SOFTCP_E_INVALIDARG: wrong channel handle, not
// initialised, sequence number not greater than the last (it is used up otherwise, whatever comes after), a size too
// small, an index past the end, a handle that names nothing or another kind of object, as the channel itself (D39).
// SOFTCP_E_FAIL: unknown query, or outputs that the host cannot tell (D35). SOFTCP_E_DEVICEREMOVED: the device was removed;
// that, too, is answered and signed (D36).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `input` is null or valid for reads of `input_size` bytes,
// `output` null or valid for writes of `output_size` bytes.
softcp_hresult SOFTCP_CALL softcp_channel_query(const struct softcp_device *device,
                                    softcp_channel channel,
                                    uint32_t input_size,
                                    const void *input,
                                    uint32_t output_size,
                                    void *output);

// Command. `input` is exactly the structure of the command (D14), which begins with a
// D3D11_AUTHENTICATED_CONFIGURE_INPUT; `output` receives a D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, 48 bytes, or 44 on 32-bit
// machines. Both may overlap, and need no alignment. Of an input of more than 4096 bytes only the header is read; it is
// refused as one with a wrong OMAC.
//
// The answer repeats the header and carries the return code, of a refused command too; it is signed if the channel has
// a key. SOFTCP_E_INVALIDARG, in the order of the checks (D15): shorter than a header, wrong OMAC, wrong channel handle,
// not initialised or a second INITIALIZE (D16), sequence number not greater than the last; then nothing changes. Past
// that the number is used up: SOFTCP_E_FAIL for an unknown command, SOFTCP_E_INVALIDARG for a wrong size or a value
// that is refused, a handle of another kind included (D39), SOFTCP_E_OUTOFMEMORY for too many allowed processes; nothing
// else changes. SOFTCP_E_DEVICEREMOVED: the device was removed; that, too, is answered and signed (D36).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `input` is null or valid for reads of `input_size` bytes,
// `output` null or valid for a write of the structure.
softcp_hresult SOFTCP_CALL softcp_channel_configure(const struct softcp_device *device,
                                        softcp_channel channel,
                                        uint32_t input_size,
                                        const void *input,
                                        void *output);

// Registers a decoder that the host has made, and writes to `decoder` the handle that the host's VideoDecoderGetHandle
// must answer: an application binds a session to it over an authenticated channel. `desc` may be null for all defaults.
// SOFTCP_E_UNSUPPORTEDCRYPTO: an encryption that is none of those above. SOFTCP_E_OUTOFMEMORY: too many.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `desc` is null or points to a structure of its `size`;
// `decoder` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_decoder_register(const struct softcp_device *device,
                                       const struct softcp_decoder_desc *desc,
                                       softcp_decoder *decoder);

// The host has destroyed the decoder. Zero does nothing. SOFTCP_E_INVALIDARG: not a live decoder of this device, which
// is harmless.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_decoder_unregister(const struct softcp_device *device, softcp_decoder decoder);

// Writes to `session` the session that an authenticated channel has bound to the decoder; zero before that, and after
// the session or the channel is destroyed. SOFTCP_E_INVALIDARG: not a live decoder of this device.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `session` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_decoder_session(const struct softcp_device *device,
                                      softcp_decoder decoder,
                                      softcp_session *session);

// Begins a frame. `content_key` null: the session key, the one in force at each buffer. 16 bytes: that key, encrypted
// with AES-128-ECB under the session key in force now. Any other size, and any size with a `session`: a sealed key blob,
// opened by the host's `unwrap_key` or by the secure environment (D28).
//
// The key is the same for AES-CTR and AES-CBC; which of them it is used in is the decoder's (D62, D63).
//
// `session` is zero for the session bound to the decoder, or names the one of a frame with a sealed key; `key_id` is then
// the identifier of the key in it, and may be null. A decoder registered without encryption ignores all three.
//
// SOFTCP_E_INVALIDCALL: a frame has begun already, no session is bound, or it has no key, or lost it.
// SOFTCP_E_NOTIMPL: content keys are not offered. SOFTCP_E_INVALIDARG: a handle that is stale or of another kind (D39), a
// null `content_key` with a size, or a blob that has more than 65,536 bytes (D34) or cannot be opened, also for want of
// somebody who opens it (D28).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `content_key` is null or valid for reads of `content_key_size`
// bytes, `key_id` null or readable.
softcp_hresult SOFTCP_CALL softcp_decoder_begin_frame(const struct softcp_device *device,
                                          softcp_decoder decoder,
                                          softcp_session session,
                                          uint32_t content_key_size,
                                          const void *content_key,
                                          const struct softcp_guid *key_id);

// Decrypts one buffer of a frame, or copies a clear one. The destination is written only when all is well.
//
// The decoder's encryption and the stripes say which scheme of ISO/IEC 23001-7 the buffer has: AES-CTR is cenc, with stripes
// cens (D60); AES-CBC is cbc1 (D61), with stripes cbcs. Each buffer begins with its own IV. In all but cenc, the bytes behind
// the last whole block of a region are clear. Structures of the first version, without the stripe members, have none.
//
// SOFTCP_E_INVALIDCALL: no frame has begun, or the session has no key, or lost it. SOFTCP_E_NOTIMPL: patterns, subsamples
// and stripes are not offered. SOFTCP_E_INVALIDARG: a type that is none, an IV for a buffer that cannot be encrypted (a
// decoder without encryption, or another type than bitstream where ENCRYPT_SLICEDATA_ONLY is reported), an IV of another
// size, or for AES-CTR not greater than the last where SEQUENTIAL_CTR_IV is reported (D10, D69), a pattern out of alignment
// (D7) or for another scheme than cenc (D68), subsamples that do not cover the data, stripes of which one count is 0 (D64),
// pattern and subsamples together, a null pointer, or overlapping memory.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `buffer` is null or points to a structure of its `size`, whose
// pointers are null or valid for their sizes; nothing else touches source and destination during the call.
softcp_hresult SOFTCP_CALL softcp_decoder_decrypt_buffer(const struct softcp_device *device,
                                             softcp_decoder decoder,
                                             const struct softcp_decoder_buffer *buffer);

// Ends a frame and forgets its key. SOFTCP_E_INVALIDCALL: none has begun.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_decoder_end_frame(const struct softcp_device *device, softcp_decoder decoder);

// Carries one command of a session whose key exchange type is D3D11_KEY_EXCHANGE_HW_PROTECTION to the secure environment.
// May be called from several threads at once. A command that the environment refuses is SOFTCP_S_OK here; `status` says
// so. A command that tears down has the host's `teardown` called.
//
// SOFTCP_E_INVALIDCALL: a session of another key exchange. SOFTCP_E_INVALIDARG: private bytes of another size, input or
// output of more than 1,048,576 bytes (D34), before a byte of them is touched; null pointers. Then the outputs keep their bytes, and the written members are zero but for `status`.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `command` is null or points to a structure of its `size`, valid
// for writes, whose pointers are null or valid for their sizes; nothing else touches the outputs during the call.
softcp_hresult SOFTCP_CALL softcp_session_execute(const struct softcp_device *device,
                                      softcp_session session,
                                      struct softcp_secure_command *command);

// Writes how many private bytes a command and its answer begin with; both are zero for other key exchange types than
// D3D11_KEY_EXCHANGE_HW_PROTECTION, and for the built-in environment. A null decode profile stands for none.
// SOFTCP_E_UNSUPPORTEDCRYPTO: no session can be created for these.
//
// # Safety
// `device` is null or came from `softcp_device_create`; the GUIDs are null or readable; the sizes are null or valid for a
// write.
softcp_hresult SOFTCP_CALL softcp_private_data_sizes(const struct softcp_device *device,
                                         const struct softcp_guid *crypto_type,
                                         const struct softcp_guid *decode_profile,
                                         const struct softcp_guid *key_exchange_type,
                                         uint32_t *input_size,
                                         uint32_t *output_size);

// Has the secure environment set a session's hardware key up, and writes its 64 bits for the application to `data`. A
// session that lost its key is SOFTCP_SESSION_STATUS_OK afterwards. SOFTCP_E_INVALIDCALL: the session's keys do not come
// from the environment. SOFTCP_E_NOTIMPL: hardware DRM communication is not offered. SOFTCP_E_INVALIDARG: a private input of
// more than 65,536 bytes (D34).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `private_input` is null or valid for reads of its size; `data` is
// null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_session_new_hardware_key(const struct softcp_device *device,
                                               softcp_session session,
                                               uint32_t private_input_size,
                                               const void *private_input,
                                               uint64_t *data);

// Sets a fault on the device's adapter, for all its devices: `text` is its name, and when it occurs, as "key-lost at=3",
// "wrong-mac every=5 times=2", "slow-key-exchange every=1 delay=250ms" or "refresh-refused probability=0.1 seed=7".
// Without more than a name it occurs at the next call that counts for it. Calls are counted from now on.
//
// The names: key-lost, key-and-content-lost, device-removed, protected-memory-exhausted, out-of-memory,
// unsupported-crypto, certificate-expired, certificate-wrong-root, certificate-wrong-key, certificate-revoked,
// slow-key-exchange, wrong-mac, repeated-random-number, refresh-refused. The keys: at=N, every=N or probability=P with
// seed=S; times=N; after=T and delay=T, a time as 250ms or 2s.
//
// SOFTCP_E_NOTIMPL: the configuration does not allow it (faults.opt_in), or it leaves certificate-revoked without a
// revocation list (an identity.directory without crl.pem, or identity.encoding=der). SOFTCP_E_INVALIDARG: null, a text
// that says something else, or one of more than 65,536 bytes. SOFTCP_E_OUTOFMEMORY: 256 faults are set already. Then
// nothing is set (softcp_last_error says what is wrong).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `text` is null or a string that ends in a zero byte.
softcp_hresult SOFTCP_CALL softcp_inject_fault(const struct softcp_device *device,
                                   const char *text);

// Clears all faults of the device's adapter, those of its configuration too. What they have done stays done.
// SOFTCP_E_NOTIMPL: the configuration does not allow it (faults.opt_in).
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_clear_faults(const struct softcp_device *device);

// What the last failed call of this thread was, and why it failed: "softcp_session_negotiate: the key exchange failed
// (0x80070057)", UTF-8. Null when no call of this thread has failed yet.
//
// Failed functions of softcp.h, `softcp_ddi_attach`, `_fill` and `_entry`, and `softcp_open_reference_driver` set it; a call that
// succeeds leaves it as it is. DDI entries leave it too: what they fail with goes to the host's callbacks (D20). The text
// is valid until the next failed call of the same thread, or until the thread ends; it must not be freed. It never holds a
// key or content, and no text of a message on a channel.
const char *SOFTCP_CALL softcp_last_error(void);

// The library's version as one number: major << 24 | minor << 12 | patch, as SOFTCP_VERSION_NUMBER has it for the header.
// A program may run with a library whose number is greater than its header's, within one major version, and below 1.0.0
// within one minor version (docs/abi.md).
uint32_t SOFTCP_CALL softcp_version_number(void);

// Writes to `enforced` whether protection is enforced (1) or not (0): while it is, the host must refuse to map
// protected resources and to copy them to unprotected ones (D19).
//
// # Safety
// `device` is null or came from `softcp_device_create`; `enforced` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_protection_enforced(const struct softcp_device *device, uint32_t *enforced);

// Writes to `flags` the protection in force on the device, as SOFTCP_PROTECTION_ flags: that of all its channels
// together. The second flag is for the host to enforce, which knows how its images are shown.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `flags` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_protection(const struct softcp_device *device, uint32_t *flags);

// Writes to `allowed` whether a process may open the device's restricted shared resources (1) or not (0): those that the
// host allowed from the start, and those that a channel allows. SOFTCP_E_INVALIDARG: an unknown process type.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `process` is null or readable; `allowed` is null or valid for a
// write.
softcp_hresult SOFTCP_CALL softcp_process_allowed(const struct softcp_device *device,
                                      const struct softcp_process *process,
                                      uint32_t *allowed);

// Writes to `encryption` the encryption that a channel has chosen for content before it becomes accessible, as by being
// paged out to memory that others reach; all zero is none. It is for the host to apply, which moves the content.
//
// # Safety
// `device` is null or came from `softcp_device_create`; `encryption` is null or valid for a write.
softcp_hresult SOFTCP_CALL softcp_accessible_encryption(const struct softcp_device *device, struct softcp_guid *encryption);

// The host has made a protected resource that is shared with other processes without restriction: channels report how
// many there are.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_unrestricted_share_add(const struct softcp_device *device);

// The host has destroyed a resource of `softcp_unrestricted_share_add`.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_unrestricted_share_remove(const struct softcp_device *device);

#ifdef __cplusplus
}
#endif

/* What softcp_session_desc takes. */
static const softcp_guid SOFTCP_CRYPTO_TYPE_AES128_CTR = {0x9b6bd711, 0x4f74, 0x41c9, {0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f}};
static const softcp_guid SOFTCP_KEY_EXCHANGE_RSAES_OAEP = {0xc1949895, 0xd72a, 0x4a1d, {0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20}};

#endif
