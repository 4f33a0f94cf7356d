/* Channels over a function table of the DDI: the stage on which the channel tests run, and what belongs to the entries
   alone: private memory, arguments, certificates, devices. */
#include "ddi_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

static D3D11_1DDI_HAUTHCHANNEL private_memory(const struct channel *channel)
{
    return (D3D11_1DDI_HAUTHCHANNEL){channel->object};
}

static HRESULT negotiate(const struct channel *channel, UINT size, void *data)
{
    struct device *device = channel->owner;
    return device->call.NegotiateAuthenticatedChannelKeyExchange(device->handle, private_memory(channel), size, data);
}

static HRESULT query(const struct channel *channel, UINT input_size, const void *input, UINT output_size, void *output)
{
    struct device *device = channel->owner;
    return device->call.QueryAuthenticatedChannel(device->handle, private_memory(channel), input_size, input,
                                                  output_size, output);
}

static HRESULT configure(const struct channel *channel, UINT input_size, const void *input, void *output)
{
    struct device *device = channel->owner;
    return device->call.ConfigureAuthenticatedChannel(device->handle, private_memory(channel), input_size, input,
                                                      output);
}

static void destroy(struct channel *channel)
{
    struct device *device = channel->owner;
    SILENT(device->ddi, device->call.DestroyAuthenticatedChannel(device->handle, private_memory(channel)),
           "DestroyAuthenticatedChannel");
    free(channel->object);
    channel->object = NULL;
}

static const struct channel_route table_route = {negotiate, query, configure, destroy};

/* A channel that has its private memory, filled with zeros, and is not created in it. */
static struct channel channel_memory(struct device *device, EVP_PKEY *driver_key, UINT type)
{
    const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {.ChannelType = type};
    size_t size = device->call.CalcPrivateAuthenticatedChannelSize(device->handle, &arguments);
    struct channel channel = {
        .route = &table_route, .owner = device, .object = calloc(1, size), .driver_key = driver_key, .type = type};
    if (channel.object == NULL) {
        tap_bail_out("no private memory of %zu bytes", size);
    }
    return channel;
}

static struct channel create(const struct stage *stage, UINT type)
{
    struct device *device = stage->owner;
    struct channel channel = channel_memory(device, stage->driver_key, type);
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {.ChannelType = type};
    HRESULT hresult = device->call.CreateAuthenticatedChannel(device->handle, &arguments, private_memory(&channel),
                                                              (D3D11_1DDI_HRTAUTHCHANNEL){&channel});
    if (hresult != S_OK || arguments.hChannel == NULL) {
        tap_bail_out("no channel of type %u: 0x%08x", type, (unsigned)hresult);
    }
    channel.handle = arguments.hChannel;
    return channel;
}

/* The stage, and what it is built of. */
struct table_stage {
    struct stage stage;
    struct session session, second_session, foreign_session;
    struct decoder decoder, second_decoder, foreign_decoder;
};

static struct table_stage stage_begin(struct device *device, struct device *other, EVP_PKEY *driver_key,
                                      const struct configured *configured)
{
    struct session stale_session = session_create(device, driver_key);
    struct decoder stale_decoder = decoder_create(device);
    struct table_stage built = {
        .stage = {.owner = device, .create = create, .driver_key = driver_key, .configured = *configured},
        .session = session_create(device, driver_key),
        .second_session = session_keyed(device, driver_key),
        .foreign_session = session_create(other, driver_key),
        .decoder = decoder_create(device),
        .second_decoder = decoder_create(device),
        .foreign_decoder = decoder_create(other),
    };
    struct stage *stage = &built.stage;
    stage->session = session_handle(&built.session);
    stage->second_session = session_handle(&built.second_session);
    stage->stale_session = session_handle(&stale_session);
    stage->foreign_session = session_handle(&built.foreign_session);
    stage->decoder = decoder_handle(&built.decoder);
    stage->second_decoder = decoder_handle(&built.second_decoder);
    stage->stale_decoder = decoder_handle(&stale_decoder);
    stage->foreign_decoder = decoder_handle(&built.foreign_decoder);
    session_end(&stale_session);
    decoder_end(&stale_decoder);
    const struct stage foreign = {.owner = other, .create = create, .driver_key = driver_key};
    struct channel channel = channel_ready(&foreign);
    stage->foreign_device = channel_device(&channel);
    channel_end(&channel);
    return built;
}

static void stage_end(struct table_stage *built)
{
    session_end(&built->session);
    session_end(&built->second_session);
    session_end(&built->foreign_session);
    decoder_end(&built->decoder);
    decoder_end(&built->second_decoder);
    decoder_end(&built->foreign_decoder);
}

static void test_channel_certificates(struct device *device, const char *root)
{
    struct ddi *ddi = device->ddi;
    static const UINT types[] = {D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
                                 D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE};
    D3D11_1DDI_CERTIFICATE_INFO info;
    UINT size = 0;
    for (int i = 0; i < 2; i++) {
        EVP_PKEY *key = channel_certificate(device, types[i], root);
        ok(key != NULL, "the certificate of a channel of type %u is verified", types[i]);
        EVP_PKEY_free(key);
    }
    memset(&info, FILL, sizeof info); /* of the union, only the channel type counts */
    info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL;
    info.u.ChannelType = types[0];
    SILENT(ddi, device->call.GetCertificateSize(device->handle, &info, &size), "the certificate has a size");
    uint8_t *blob = malloc(size + 1);
    memset(blob, FILL, size + 1);
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size - 1, blob),
            "the certificate into one byte less is refused");
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size + 1, blob),
            "the certificate into one byte more is refused");
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size, NULL),
            "the certificate into null is refused");
    static const UINT none[] = {0, D3D11_AUTHENTICATED_CHANNEL_D3D11, 4, UINT32_MAX};
    for (int i = 0; i < 4; i++) {
        info.u.ChannelType = none[i];
        UINT no_size = 7;
        REPORTS(ddi, "GetCertificateSize", E_INVALIDARG,
                device->call.GetCertificateSize(device->handle, &info, &no_size),
                "the certificate size of channel type %u is refused", none[i]);
        is_number(no_size, 0, "and written as zero (D30)");
        REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size, blob),
                "so is its certificate");
    }
    is_filled(blob, FILL, size + 1, "no refusal has written to the buffer (D30)");
    free(blob);
}

EVP_PKEY *channel_certificate(struct device *device, UINT type, const char *root)
{
    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL};
    info.u.ChannelType = type;
    UINT size = 0;
    SILENT(device->ddi, device->call.GetCertificateSize(device->handle, &info, &size), "GetCertificateSize");
    uint8_t *blob = malloc(size != 0 ? size : 1);
    SILENT(device->ddi, device->call.GetCertificate(device->handle, &info, size, blob), "GetCertificate");
    struct chain chain = client_chain(blob, size, true, root);
    free(blob);
    if (chain.verified && chain.leaf_first && chain.encipherment && chain.bits == 2048) {
        return chain.key;
    }
    EVP_PKEY_free(chain.key);
    return NULL;
}

static void test_create(struct device *device)
{
    struct channel channel = channel_memory(device, NULL, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    const D3D11_1DDI_HRTAUTHCHANNEL runtime = {&channel};
    const struct entries *call = &device->call;
    static const UINT none[] = {0, D3D11_AUTHENTICATED_CHANNEL_D3D11, 4, UINT32_MAX};
    for (int i = 0; i < 4; i++) {
        D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {.ChannelType = none[i], .hChannel = &channel};
        uintptr_t memory;
        memset(channel.object, FILL, sizeof memory);
        is_hresult(call->CreateAuthenticatedChannel(device->handle, &arguments, private_memory(&channel), runtime),
                   E_INVALIDARG, "CreateAuthenticatedChannel: type %u", none[i]);
        ok(arguments.hChannel == NULL, "the handle is zero (D25, D30)");
        memcpy(&memory, channel.object, sizeof memory);
        is_number(memory, 0, "the private memory is zero (D30)");
        SILENT(device->ddi, call->DestroyAuthenticatedChannel(device->handle, private_memory(&channel)),
               "DestroyAuthenticatedChannel: after a failed create is harmless");
    }
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {.ChannelType = D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
                                                          .hChannel = &channel};
    is_hresult(call->CreateAuthenticatedChannel(device->handle, NULL, private_memory(&channel), runtime), E_INVALIDARG,
               "CreateAuthenticatedChannel: null arguments");
    is_hresult(call->CreateAuthenticatedChannel(device->handle, &arguments, (D3D11_1DDI_HAUTHCHANNEL){NULL}, runtime),
               E_INVALIDARG, "CreateAuthenticatedChannel: null private memory");
    ok(arguments.hChannel == NULL, "the handle is zero (D30)");
    ok(call->CalcPrivateAuthenticatedChannelSize(device->handle, NULL) > 0,
       "CalcPrivateAuthenticatedChannelSize never fails, not even without arguments");
    free(channel.object);
}

/* Every entry with a channel that is no live one of the device: nothing can be signed. Without private memory or a
   device (`answered` false) nothing is answered at all. */
static void refuses_channel(struct channel channel, bool answered, const char *name)
{
    channel.keyed = false;
    struct query asked = channel_query(&channel, QUERY_PROTECTION);
    struct command command = command_protection(&channel, 1);
    if (answered) {
        is_right(channel_ask(&channel, asked.as.bytes, asked.size, HEADER_SIZE, HEADER_SIZE, E_INVALIDARG, NULL),
                 "QueryAuthenticatedChannel: %s", name);
        commands(&channel, &command, E_INVALIDARG, "ConfigureAuthenticatedChannel: %s", name);
    } else {
        uint8_t output[100];
        is_hresult(query(&channel, (UINT)asked.size, asked.as.bytes, sizeof output, output), E_INVALIDARG,
                   "QueryAuthenticatedChannel: %s", name);
        is_hresult(configure(&channel, (UINT)command.size, command.as.bytes, output), E_INVALIDARG,
                   "ConfigureAuthenticatedChannel: %s", name);
    }
    uint8_t message[RSA_SIZE];
    client_key_exchange(channel.driver_key, channel.key, KEY_SIZE, message);
    is_hresult(negotiate(&channel, sizeof message, message), E_INVALIDARG,
               "NegotiateAuthenticatedChannelKeyExchange: %s", name);
}

static void test_channels_that_are_none(const struct stage *stage, struct device *other)
{
    struct device *device = stage->owner;
    struct channel none = channel_memory(device, stage->driver_key, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    refuses_channel(none, true, "before create");
    SILENT(device->ddi, device->call.DestroyAuthenticatedChannel(device->handle, private_memory(&none)),
           "DestroyAuthenticatedChannel: before create is harmless");
    memset(none.object, FILL, sizeof(void *));
    refuses_channel(none, true, "private memory that holds garbage");
    REPORTS(device->ddi, "DestroyAuthenticatedChannel", E_INVALIDARG,
            device->call.DestroyAuthenticatedChannel(device->handle, private_memory(&none)),
            "DestroyAuthenticatedChannel: private memory that holds garbage");
    memcpy(none.object, &stage->session, sizeof(void *));
    refuses_channel(none, true, "private memory that holds a session");
    free(none.object);
    none.object = NULL;
    refuses_channel(none, false, "null private memory");
    REPORTS(device->ddi, "DestroyAuthenticatedChannel", E_INVALIDARG,
            device->call.DestroyAuthenticatedChannel(device->handle, private_memory(&none)),
            "DestroyAuthenticatedChannel: null private memory");

    struct channel channel = channel_ready(stage), foreign = channel;
    foreign.owner = other;
    refuses_channel(foreign, true, "channel of another device");
    REPORTS(other->ddi, "DestroyAuthenticatedChannel", E_INVALIDARG,
            other->call.DestroyAuthenticatedChannel(other->handle, private_memory(&channel)),
            "DestroyAuthenticatedChannel: channel of another device");
    struct command command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "which is as it was, and in order");

    void *stale;
    memcpy(&stale, channel.object, sizeof stale);
    struct channel gone = channel;
    SILENT(device->ddi, device->call.DestroyAuthenticatedChannel(device->handle, private_memory(&channel)),
           "DestroyAuthenticatedChannel");
    refuses_channel(gone, true, "after destroy");
    SILENT(device->ddi, device->call.DestroyAuthenticatedChannel(device->handle, private_memory(&channel)),
           "DestroyAuthenticatedChannel: a second time is harmless");
    memcpy(channel.object, &stale, sizeof stale);
    struct channel successor = channel_ready(stage);
    gone.key[0] ^= 1;
    refuses_channel(gone, true, "private memory of a destroyed channel, put back");
    REPORTS(device->ddi, "DestroyAuthenticatedChannel", E_INVALIDARG,
            device->call.DestroyAuthenticatedChannel(device->handle, private_memory(&gone)),
            "DestroyAuthenticatedChannel: private memory of a destroyed channel, put back");
    command = command_protection(&successor, 0);
    commands(&successor, &command, S_OK, "a channel created since is as it was");
    channel_end(&successor);
    free(channel.object);
}

/* A session that ends is bound to nothing any more, nor is a decoder made since. */
static void test_ended_sessions(const struct stage *stage)
{
    struct device *device = stage->owner;
    struct channel channel = channel_ready(stage);
    struct session session = session_create(device, stage->driver_key);
    struct decoder decoder = decoder_create(device);
    HANDLE handle = decoder_handle(&decoder), device_handle = channel_device(&channel);
    struct command command = command_crypto_session(&channel, handle, session_handle(&session), device_handle);
    commands(&channel, &command, S_OK, "a session is bound");
    session_end(&session);
    struct query asked = query_crypto_session(&channel, handle);
    union answer answer;
    asks(&channel, &asked, S_OK, &answer, "a decoder whose session has been destroyed");
    ok(answer.crypto_session.CryptoSessionHandle == NULL, "has none");
    decoder_end(&decoder);
    asked = query_crypto_session(&channel, handle);
    asks(&channel, &asked, E_INVALIDARG, NULL, "a decoder that has been destroyed");
    channel_end(&channel);
}

/* The reference driver's decoders, which are there to be bound to. */
static void test_decoders(const struct stage *stage, struct device *other)
{
    struct device *device = stage->owner;
    const struct entries *call = &device->call;
    struct decoder one = decoder_create(device), two = decoder_create(device);
    HANDLE const handle = decoder_handle(&one);
    ok(decoder_handle(&one) == handle, "a decoder's handle stays the same");
    ok(decoder_handle(&two) != handle && handle != stage->session, "and is no other object's (D25)");
    is_hresult(call->VideoDecoderGetHandle(device->handle, one.handle, NULL), E_INVALIDARG,
               "VideoDecoderGetHandle into null");
    const D3D11_1DDI_HDECODE null = {NULL};
    HANDLE got = &one;
    is_hresult(call->VideoDecoderGetHandle(device->handle, null, &got), E_INVALIDARG,
               "VideoDecoderGetHandle of a null decoder");
    ok(got == NULL, "the handle is zero (D30)");
    got = &one;
    is_hresult(other->call.VideoDecoderGetHandle(other->handle, one.handle, &got), E_INVALIDARG,
               "VideoDecoderGetHandle of another device's decoder");
    ok(got == NULL, "the handle is zero (D30)");
    REPORTS(other->ddi, "DestroyVideoDecoder", E_INVALIDARG,
            other->call.DestroyVideoDecoder(other->handle, one.handle), "DestroyVideoDecoder of another device's decoder");
    ok(decoder_handle(&one) == handle, "which is as it was");
    SILENT(device->ddi, call->DestroyVideoDecoder(device->handle, one.handle), "DestroyVideoDecoder");
    SILENT(device->ddi, call->DestroyVideoDecoder(device->handle, one.handle), "a second time is harmless");
    got = &one;
    is_hresult(call->VideoDecoderGetHandle(device->handle, one.handle, &got), E_INVALIDARG, "a destroyed decoder");
    ok(got == NULL, "the handle is zero (D30)");
    uintptr_t memory = 7;
    is_hresult(call->CreateVideoDecoder(device->handle, NULL, (D3D11_1DDI_HDECODE){&memory},
                                        (D3D11_1DDI_HRTDECODE){NULL}),
               E_INVALIDARG, "CreateVideoDecoder without arguments");
    is_number(memory, 0, "the private memory is zero (D30)");
    const D3D11_1DDIARG_CREATEVIDEODECODER arguments = {.Desc = {.SampleWidth = 16}};
    is_hresult(call->CreateVideoDecoder(device->handle, &arguments, null, (D3D11_1DDI_HRTDECODE){NULL}), E_INVALIDARG,
               "CreateVideoDecoder without private memory");
    REPORTS(device->ddi, "DestroyVideoDecoder", E_INVALIDARG, call->DestroyVideoDecoder(device->handle, null),
            "DestroyVideoDecoder of a null decoder");
    decoder_end(&two);
    free(one.handle.pDrvPrivate);
}

/* Protected resources that other processes may open, as the reference driver makes them. */
static void test_shared_resources(const struct stage *stage)
{
    struct device *device = stage->owner;
    struct channel channel = channel_ready(stage);
    const struct {
        uint32_t flags;
        bool counts;
    } kinds[] = {
        {0, false},
        {SOFTCP_RESOURCE_PROTECTED, false},
        {SOFTCP_RESOURCE_SHARED, false},
        {SOFTCP_RESOURCE_PROTECTED | SOFTCP_RESOURCE_SHARED | SOFTCP_RESOURCE_RESTRICTED, false},
        {SOFTCP_RESOURCE_PROTECTED | SOFTCP_RESOURCE_SHARED, true},
        {SOFTCP_RESOURCE_PROTECTED | SOFTCP_RESOURCE_SHARED, true},
    };
    struct surface surfaces[6];
    union answer answer;
    UINT expected = 0;
    for (int i = 0; i < 12; i++) {
        if (i < 6) {
            surfaces[i] = surface_create(device, shape_with(shape_buffer(100), kinds[i].flags));
            expected += kinds[i].counts;
        } else {
            surface_destroy(&surfaces[i - 6]);
            expected -= kinds[i - 6].counts;
        }
        struct query asked = channel_query(&channel, QUERY_UNRESTRICTED_COUNT);
        asks(&channel, &asked, S_OK, &answer, "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT");
        is_number(answer.unrestricted_count.UnrestrictedProtectedSharedResourceCount, expected,
                  "flags %u %s", kinds[i % 6].flags, i < 6 ? "created" : "destroyed");
    }
    const struct softcp_driver *driver = &device->ddi->driver;
    struct softcp_resource_desc restricted = shape_with(shape_buffer(100), SOFTCP_RESOURCE_RESTRICTED);
    D3D10DDI_HRESOURCE none = {&channel};
    is_hresult(driver->create_resource(driver->context, device->handle, &restricted, &none), E_INVALIDARG,
               "a resource that is restricted and not shared");
    ok(none.pDrvPrivate == NULL, "there is none (D30)");
    channel_end(&channel);
}

static void test_devices_that_are_none(const struct stage *stage)
{
    struct device *device = stage->owner;
    const struct softcp_driver *driver = &device->ddi->driver;
    struct device gone = *device;
    is_hresult(driver->create_device(driver->context, &gone.handle), S_OK, "create_device");
    const struct stage on_it = {.owner = &gone, .create = create, .driver_key = stage->driver_key};
    struct channel channel = channel_ready(&on_it);
    device_destroy(&gone);
    refuses_channel(channel, false, "destroyed device");
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {.ChannelType = D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
                                                          .hChannel = &gone};
    uintptr_t memory = 7;
    is_hresult(gone.call.CreateAuthenticatedChannel(gone.handle, &arguments, (D3D11_1DDI_HAUTHCHANNEL){&memory},
                                                    (D3D11_1DDI_HRTAUTHCHANNEL){NULL}),
               E_INVALIDARG, "CreateAuthenticatedChannel: destroyed device");
    ok(arguments.hChannel == NULL && memory == 0, "handle and private memory are zero (D30)");
    HANDLE decoder = &gone;
    is_hresult(gone.call.VideoDecoderGetHandle(gone.handle, (D3D11_1DDI_HDECODE){&memory}, &decoder), E_INVALIDARG,
               "VideoDecoderGetHandle: destroyed device");
    ok(decoder == NULL, "the handle is zero (D30)");
    gone.call.DestroyAuthenticatedChannel(gone.handle, private_memory(&channel));
    free(channel.object);
}

void test_channels(struct device *device, struct device *other, EVP_PKEY *driver_key, const char *root)
{
    test_channel_certificates(device, root);
    test_create(device);
    struct table_stage built = stage_begin(device, other, driver_key, &configured_by_default);
    const struct stage *stage = &built.stage;
    test_channels_that_are_none(stage, other);
    test_ended_sessions(stage);
    test_decoders(stage, other);
    test_shared_resources(stage);
    test_devices_that_are_none(stage);
    test_channel_queries(stage);
    test_channel_commands(stage);
    test_channel_order(stage);
    test_channel_sizes(stage);
    test_channel_attacks(stage);
    test_player(stage, root);
    stage_end(&built);
}

/* PROTECTION_ALWAYS_ON: no channel can switch it off. */
static void test_always_on(softcp_open_driver_fn open, const char *identity)
{
    char options[1024], root[1024];
    snprintf(options, sizeof options, "identity.directory=%s;capabilities.flags.protection_always_on=true", identity);
    snprintf(root, sizeof root, "%s/root.pem", identity);
    tap_context("protection always on");
    struct ddi ddi;
    struct device device;
    ddi_open(&ddi, open, options);
    device_create(&device, &ddi, &sub_devices[0]);
    EVP_PKEY *key = channel_certificate(&device, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, root);
    const struct stage stage = {.owner = &device, .create = create, .driver_key = key};
    struct channel channel = channel_ready(&stage);
    static const UINT flags[] = {0, 2, 1, 3, 0}, in_force[] = {1, 3, 1, 3, 1};
    for (int i = 0; i < 5; i++) {
        struct command command = command_protection(&channel, flags[i]);
        commands(&channel, &command, S_OK, "PROTECTION %u", flags[i]);
        struct query asked = channel_query(&channel, QUERY_PROTECTION);
        union answer answer;
        asks(&channel, &asked, S_OK, &answer, "PROTECTION");
        is_number(answer.protection.ProtectionFlags.Value, in_force[i], "what is in force");
    }
    channel_end(&channel);
    EVP_PKEY_free(key);
    device_destroy(&device);
    ddi_close(&ddi);
    tap_context(NULL);
}

void test_configured_channels(softcp_open_driver_fn open, const char *identity)
{
    static const uint64_t outputs[] = {7, 0x1000, 0x123456789ABCDEF0}, one = 1;
    static const GUID encryptions[] = {{0x00112233, 0x4455, 0x6677, {0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}},
                                       {0x9b6bd711, 0x4f74, 0x41c9, {0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f}}};
    static const struct {
        const char *options;
        struct configured configured;
    } worlds[] = {
        {"outputs.identifiers=[7, 0x1000, 0x123456789ABCDEF0];accessibility.bus=agp;accessibility.non_standard=true;"
         "accessibility.implementation=tracks-on-mother-board-to-socket;accessibility.contiguous_blocks=false;"
         "accessibility.encryption=[\"00112233-4455-6677-8899-aabbccddeeff\", \"aes128-ctr\"]",
         {outputs, 3, 0x80030004u, 0, 1, encryptions, 2}},
        {"outputs.identifiers=[];accessibility.encryption=[];accessibility.non_contiguous_blocks=false",
         {NULL, 0, D3D11_BUS_TYPE_OTHER, 1, 0, NULL, 0}},
        {"capabilities.profile=hardware-like",
         {&one, 1, D3D11_BUS_TYPE_PCIEXPRESS | D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR, 0, 0,
          &encryptions[1], 1}},
    };
    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        char options[1024], root[1024];
        snprintf(options, sizeof options, "identity.directory=%s;%s", identity, worlds[i].options);
        snprintf(root, sizeof root, "%s/root.pem", identity);
        tap_context("channels with options %zu", i);
        struct ddi ddi;
        struct device device, other;
        ddi_open(&ddi, open, options);
        device_create(&device, &ddi, &sub_devices[i]);
        device_create(&other, &ddi, &sub_devices[i]);
        EVP_PKEY *key = channel_certificate(&device, D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, root);
        struct table_stage built = stage_begin(&device, &other, key, &worlds[i].configured);
        test_channel_queries(&built.stage);
        stage_end(&built);
        EVP_PKEY_free(key);
        device_destroy(&other);
        device_destroy(&device);
        ddi_close(&ddi);
    }
    tap_context(NULL);
    test_always_on(open, identity);
}
