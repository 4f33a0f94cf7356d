/* What the tests of decoders and of hardware protection over the core functions share. */
#ifndef CORE_HARDWARE_H
#define CORE_HARDWARE_H

#include "channel.h"
#include "core_tests.h"

extern const softcp_guid hw_cenc, hw_protection;

/* Registers a decoder with an encryption; ends the program when that fails. */
softcp_decoder core_decoder(struct core *core, const softcp_guid *encryption);

/* One buffer of a frame, encrypted by OpenSSL under a key; passes if the library answers as expected, and then with the
   clear bytes, or else without a byte. */
void decoder_decrypts(struct core *core, softcp_decoder decoder, const uint8_t key[KEY_SIZE], uint64_t iv,
                      softcp_hresult expected, const char *name);

/* A channel of the device with a key, initialised. */
struct channel core_channel_ready(struct core *core);

#endif
