/* The parts of ddi_client. Each takes a driver's device and the key of its verified certificate. */
#ifndef DDI_TESTS_H
#define DDI_TESTS_H

#include "channel_tests.h"
#include "ddi.h"

/* What an application gets to know before it creates a session: capabilities, key exchange types. */
void test_capabilities(struct device *device);

/* A session from key exchange to read-back, as a correct application uses it. */
void test_protocol(struct device *device, EVP_PKEY *driver_key);

/* Every wrong call of the session entries. `other` is a second device of the same driver. */
void test_refusals(struct device *device, struct device *other, EVP_PKEY *driver_key);

/* Everything about authenticated channels, with a driver of default options. `root` is the PEM file of the root. */
void test_channels(struct device *device, struct device *other, EVP_PKEY *driver_key, const char *root);

/* A protected player from its channel's certificate to the end of protection. */
void test_player(const struct stage *stage, const char *root);

/* Encrypted frames of a decoder to which the session is bound, as the output view shows them. While protection is enforced
   only a protected output takes them. */
/* Binds the session of a test to a decoder. */
typedef void bind_decoder(void *context, const struct decoder *decoder);

void test_frames(struct session *session, const struct decoder *decoder, bool enforced, bind_decoder *bind, void *context);

/* The queries of channels of drivers that are configured in other ways. */
void test_configured_channels(softcp_open_driver_fn open, const char *identity);

/* The key of a channel type's certificate; null if the chain is not as it should be. The caller frees it. */
EVP_PKEY *channel_certificate(struct device *device, UINT type, const char *root);

/* Drivers opened with other options, each with an identity directory. */
void test_profiles(softcp_open_driver_fn open, const char *identity);

/* Hardware protection over the tables 3, 5, 6 and 7, and what a browser does with it. */
void test_hardware(softcp_open_driver_fn open, const char *identity);

/* Opening with wrong arguments. */
void test_opening(softcp_open_driver_fn open, const char *identity);

/* Passes if the session decrypts a buffer under the key that both sides should have. */
void session_decrypts(struct session *session, const char *name);

/* Gets the certificate blob from the driver; the caller frees it. Null, after a failed check, when there is none. */
uint8_t *certificate_blob(struct device *device, UINT *size);

#endif
