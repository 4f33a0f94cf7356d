/* The DDI adapter over this host: attaching a device to an hDevice, filling a table, errors of entries that return
   nothing. */
#include "channel.h"
#include "core_tests.h"

#include <string.h>

#define FILL 0xA5

static void test_filling(void)
{
    D3D11_1DDI_VIDEODEVICEFUNCS table;
    memset(&table, 0, sizeof table);
    is_hresult(softcp_ddi_fill(D3D11_1DDI_VIDEO_FUNCTIONS, sizeof table, NULL), SOFTCP_E_INVALIDARG, "a null table");
    is_hresult(softcp_ddi_fill(D3D11_1DDI_VIDEO_FUNCTIONS, sizeof table - 8, &table), SOFTCP_E_INVALIDARG,
               "a table that is too small");
    is_hresult(softcp_ddi_fill(D3D11_1DDI_VIDEO_FUNCTIONS, sizeof table + 8, &table), SOFTCP_E_INVALIDARG,
               "a table that is too large");
    is_hresult(softcp_ddi_fill(4, sizeof table, &table), SOFTCP_E_INVALIDARG, "a sub-device that has no table");
    is_filled(&table, 0, sizeof table, "nothing is written");
    is_hresult(softcp_ddi_fill(D3D11_1DDI_VIDEO_FUNCTIONS, sizeof table, &table), SOFTCP_S_OK, "a table is filled");
    const void *entries[sizeof table / sizeof(void *)];
    memcpy(entries, &table, sizeof table);
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        bool provided = (i >= 58 && i <= 76) || i == 78; /* 77, VideoDecoderGetHandle, is the host's */
        wrong += (entries[i] != NULL) != provided;
    }
    is_number(wrong, 0, "sessions and channels are the library's, decoders and the rest are the host's");
    ok(softcp_ddi_entry("pfnConfigureAuthenticatedChannel") == entries[76], "an entry of channels by name");
    ok(softcp_ddi_entry("pfnVideoDecoderGetHandle") == NULL, "a decoder's entry has none");
    const void *entry = softcp_ddi_entry("pfnDecryptionBlt");
    ok(entry != NULL && memcmp(&entry, &table.pfnDecryptionBlt, sizeof entry) == 0, "an entry by name is the table's");
    ok(softcp_ddi_entry("pfnNoSuchEntry") == NULL, "an unknown name has no entry");
    ok(softcp_ddi_entry("") == NULL && softcp_ddi_entry(NULL) == NULL, "neither has an empty or null name");
}

static void test_attaching(struct core *core, D3D10DDI_HDEVICE h_device, D3D10DDI_HDEVICE second)
{
    const D3D10DDI_HDEVICE null = {NULL};
    is_hresult(softcp_ddi_attach(NULL, h_device), SOFTCP_E_INVALIDARG, "attaching nothing");
    is_hresult(softcp_ddi_attach(core->device, null), SOFTCP_E_INVALIDARG, "attaching to a null hDevice");
    is_hresult(softcp_ddi_detach(h_device), SOFTCP_S_OK, "detaching from an hDevice that has nothing is harmless");
    is_hresult(softcp_ddi_attach(core->device, h_device), SOFTCP_S_OK, "attaching");
    is_hresult(softcp_ddi_attach(core->device, h_device), SOFTCP_E_INVALIDARG, "attaching twice");
    is_hresult(softcp_ddi_attach(core->device, second), SOFTCP_S_OK, "one device may have two hDevices");
    is_hresult(softcp_ddi_detach(second), SOFTCP_S_OK, "detaching");
}

/* One whole session over the table, with resources of this host. */
static void test_entries(struct core *core, const D3DWDDM2_0DDI_VIDEODEVICEFUNCS *table, D3D10DDI_HDEVICE h_device)
{
    const D3D11_1DDIARG_CREATECRYPTOSESSION arguments = {
        .CryptoType = D3D11_CRYPTO_TYPE_AES128_CTR,
        .KeyExchangeType = D3D11_KEY_EXCHANGE_RSAES_OAEP,
    };
    is_number(table->pfnCalcPrivateCryptoSessionSize(h_device, &arguments), sizeof(void *),
              "the private memory of a session is one pointer");
    void *private_memory = NULL;
    const D3D11_1DDI_HCRYPTOSESSION session = {&private_memory};
    is_hresult(table->pfnCreateCryptoSession(h_device, &arguments, session, (D3D11_1DDI_HRTCRYPTOSESSION){NULL}), S_OK,
               "CreateCryptoSession");
    uint8_t key[KEY_SIZE], message[RSA_SIZE], iv[IV_SIZE], clear[300];
    client_random(key, sizeof key);
    client_key_exchange(core->driver_key, key, sizeof key, message);
    is_hresult(table->pfnNegotiateCryptoSessionKeyExchange(h_device, session, sizeof message, message), S_OK,
               "NegotiateCryptoSessionKeyExchange");
    client_random(clear, sizeof clear);
    client_random(iv, sizeof iv);
    struct resource *source = resource_buffer(sizeof clear), *destination = resource_buffer(sizeof clear);
    resource_write(source, clear);
    client_ctr(key, iv, NULL, source->memory, source->size);
    const D3D10DDI_HRESOURCE from = {source}, to = {destination};
    table->pfnDecryptionBlt(h_device, session, from, to, NULL, 0, NULL, sizeof iv, iv);
    is_bytes(destination->memory, clear, sizeof clear, "DecryptionBlt: a cookie is the pDrvPrivate of an HRESOURCE");
    is_number(core->host.reports, 0, "nothing is reported");

    resource_fill(destination, FILL);
    destination->map_result = (softcp_hresult)0x80041111;
    table->pfnDecryptionBlt(h_device, session, from, to, NULL, 0, NULL, sizeof iv, iv);
    is_number(core->host.reports, 1, "a map that fails is one report (D20)");
    is_hresult(core->host.reported, (softcp_hresult)0x80041111, "with the host's HRESULT");
    ok(strcmp(core->host.function, "DecryptionBlt") == 0, "for the entry");
    destination->map_result = 0;
    table->pfnEncryptionBlt(h_device, session, to, from, sizeof iv, iv);
    is_number(core->host.reports, 2, "a call in the wrong order is one report");
    is_hresult(core->host.reported, D3DERR_INVALIDCALL, "with D3DERR_INVALIDCALL (D12)");
    ok(strcmp(core->host.function, "EncryptionBlt") == 0, "for the entry");
    is_filled(destination->memory, FILL, destination->size, "nothing is written");

    size_t id;
    memcpy(&id, &private_memory, sizeof id);
    is_hresult(softcp_session_invalidate(core->device, id, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_S_OK,
               "the private memory holds the softcp_session: a host can invalidate it");
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = 7;
    table->pfnCheckCryptoSessionStatus(h_device, session, &status);
    is_number(status, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST, "CheckCryptoSessionStatus says so (D23)");
    table->pfnDecryptionBlt(h_device, session, from, to, NULL, 0, NULL, sizeof iv, iv);
    is_hresult(core->host.reported, D3DERR_INVALIDCALL, "and blits are refused (D23)");
    table->pfnDestroyCryptoSession(h_device, session);
    is_number(core->host.reports, 3, "DestroyCryptoSession reports nothing");
    ok(private_memory == NULL, "and leaves zero");
    host_is_balanced(&core->host, "table");
    resource_free(source);
    resource_free(destination);
}

/* A channel over the table, with a decoder of this host. */
struct table_channel {
    const D3DWDDM2_0DDI_VIDEODEVICEFUNCS *table;
    D3D10DDI_HDEVICE h_device;
    void *private_memory;
};

static D3D11_1DDI_HAUTHCHANNEL handle_of(const struct channel *channel)
{
    struct table_channel *over = channel->owner;
    return (D3D11_1DDI_HAUTHCHANNEL){&over->private_memory};
}

static HRESULT negotiate(const struct channel *channel, UINT size, void *data)
{
    const struct table_channel *over = channel->owner;
    return over->table->pfnNegotiateAuthenticatedChannelKeyExchange(over->h_device, handle_of(channel), size, data);
}

static HRESULT query(const struct channel *channel, UINT input_size, const void *input, UINT output_size, void *output)
{
    const struct table_channel *over = channel->owner;
    return over->table->pfnQueryAuthenticatedChannel(over->h_device, handle_of(channel), input_size, input, output_size,
                                                     output);
}

static HRESULT configure(const struct channel *channel, UINT input_size, const void *input, void *output)
{
    const struct table_channel *over = channel->owner;
    return over->table->pfnConfigureAuthenticatedChannel(over->h_device, handle_of(channel), input_size, input, output);
}

static void destroy(struct channel *channel)
{
    const struct table_channel *over = channel->owner;
    over->table->pfnDestroyAuthenticatedChannel(over->h_device, handle_of(channel));
}

static void test_channel_entries(struct core *core, const D3DWDDM2_0DDI_VIDEODEVICEFUNCS *table,
                                 D3D10DDI_HDEVICE h_device)
{
    static const struct channel_route route = {negotiate, query, configure, destroy};
    struct table_channel over = {.table = table, .h_device = h_device};
    struct channel channel = {.route = &route, .owner = &over, .driver_key = core->driver_key};
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {
        .ChannelType = D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE};
    is_number(table->pfnCalcPrivateAuthenticatedChannelSize(h_device, &arguments), sizeof(void *),
              "the private memory of a channel is one pointer");
    is_hresult(table->pfnCreateAuthenticatedChannel(h_device, &arguments, handle_of(&channel),
                                                    (D3D11_1DDI_HRTAUTHCHANNEL){NULL}),
               S_OK, "CreateAuthenticatedChannel");
    ok(arguments.hChannel != NULL && arguments.hChannel == over.private_memory,
       "handle and private memory are the softcp_channel");
    channel.handle = arguments.hChannel;
    is_hresult(channel_negotiate(&channel), S_OK, "NegotiateAuthenticatedChannelKeyExchange");
    channel_initialize(&channel, 1, 1);

    struct core_session session = core_session_keyed(core);
    softcp_decoder decoder = 0;
    softcp_session bound = 0;
    is_hresult(softcp_decoder_register(core->device, NULL, &decoder), SOFTCP_S_OK, "the host registers a decoder");
    struct command command = command_crypto_session(&channel, (HANDLE)(uintptr_t)decoder, (HANDLE)(uintptr_t)session.id,
                                                    channel_device(&channel));
    commands(&channel, &command, S_OK, "CONFIGURE_CRYPTO_SESSION binds a session to it");
    is_hresult(softcp_decoder_session(core->device, decoder, &bound), SOFTCP_S_OK, "the host asks for the session");
    is_number(bound, session.id, "and gets it");

    const unsigned reports = core->host.reports;
    struct resource *source = resource_buffer(64), *destination = resource_buffer(64);
    void *private_memory = (void *)(uintptr_t)session.id;
    const D3D11_1DDI_HCRYPTOSESSION h_session = {&private_memory};
    const D3D10DDI_HRESOURCE from = {source}, to = {destination};
    uint8_t iv[IV_SIZE] = {0};
    command = command_protection(&channel, D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED);
    commands(&channel, &command, S_OK, "PROTECTION on");
    table->pfnDecryptionBlt(h_device, h_session, from, to, NULL, 0, NULL, sizeof iv, iv);
    is_number(core->host.reports, reports + 1, "a blit to a resource that is not protected is one report");
    is_hresult(core->host.reported, D3DERR_CANNOTPROTECTCONTENT, "with D3DERR_CANNOTPROTECTCONTENT (D19)");
    destination->mapping.flags = SOFTCP_MAPPING_PROTECTED;
    table->pfnDecryptionBlt(h_device, h_session, from, to, NULL, 0, NULL, sizeof iv, iv);
    is_number(core->host.reports, reports + 1, "a blit to a protected one is none");
    destination->mapping.flags = 0;
    channel.route->destroy(&channel);
    ok(over.private_memory == NULL, "DestroyAuthenticatedChannel leaves zero");
    table->pfnDecryptionBlt(h_device, h_session, from, to, NULL, 0, NULL, sizeof iv, iv);
    is_number(core->host.reports, reports + 1, "and ends the protection");
    is_hresult(softcp_decoder_unregister(core->device, decoder), SOFTCP_S_OK, "the host's decoder is gone");
    host_is_balanced(&core->host, "channel");
    resource_free(source);
    resource_free(destination);
}

void test_attached(const char *identity)
{
    test_filling();
    struct core core;
    core_begin(&core, identity, NULL);
    int host_device = 0, second_host_device = 0; /* what a driver's device would be; only its address counts */
    const D3D10DDI_HDEVICE h_device = {&host_device}, second = {&second_host_device};
    test_attaching(&core, h_device, second);
    D3DWDDM2_0DDI_VIDEODEVICEFUNCS table;
    memset(&table, 0, sizeof table);
    is_hresult(softcp_ddi_fill(D3DWDDM2_0DDI_VIDEO_FUNCTIONS, sizeof table, &table), SOFTCP_S_OK, "a table is filled");
    test_entries(&core, &table, h_device);
    test_channel_entries(&core, &table, h_device);

    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps;
    is_hresult(softcp_ddi_detach(h_device), SOFTCP_S_OK, "detaching");
    is_hresult(table.pfnGetContentProtectionCaps(h_device, NULL, NULL, &caps), E_INVALIDARG, "a detached hDevice");
    is_hresult(softcp_ddi_attach(core.device, h_device), SOFTCP_S_OK, "attaching again");
    is_hresult(table.pfnGetContentProtectionCaps(h_device, NULL, NULL, &caps), S_OK, "an attached hDevice");
    is_hresult(softcp_device_destroy(core.device), SOFTCP_S_OK, "destroying the device");
    core.device = NULL;
    is_hresult(table.pfnGetContentProtectionCaps(h_device, NULL, NULL, &caps), E_INVALIDARG, "detaches it");
    core_end(&core);
}
