/* An application's half of content protection, from end to end: certificate, authenticated channel, key exchange, blits under
   a content key, encrypted read-back, session key refresh. OpenSSL 3 is its only cryptography.

     cc -std=c99 client.c $(pkg-config --cflags --libs softcp libcrypto) -o client
     ./client DIRECTORY      an identity: root.pem, chain.pem, key.pem (softcp cert new DIRECTORY)

   It calls a driver's function table, whose entries have the names of ID3D11VideoDevice's and ID3D11VideoContext's methods
   and take the same arguments: what is called here is what a Windows program calls. The driver is SoftCP's reference driver,
   which is linked in; any other driver has the same table. README.md beside this file goes through the steps. */
#include <softcp_ddi.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { KEY_SIZE = 16, EXCHANGE_SIZE = 256, WIDTH = 48, HEIGHT = 30, CONTENT = WIDTH * HEIGHT };

/* Ends the program unless something holds. A program that protects content does not go on after a check that failed. */
static void require(int holds, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!holds) {
        fputs("client: not so: ", stderr);
        vfprintf(stderr, format, arguments);
        fputs("\n", stderr);
        exit(1);
    }
    va_end(arguments);
}

/* Cryptography ----------------------------------------------------------------------------------------------------- */

/* AES-128-CTR over `bytes`, in place: encrypts and decrypts. `iv` is the first counter block, and the count is its last 8
   bytes; contents shorter than 2^64 blocks never wrap it, so that OpenSSL's counter of 16 bytes does the same (D5). */
static void aes_ctr(const uint8_t key[KEY_SIZE], const void *iv, uint8_t *bytes, size_t size)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int written;
    require(cipher != NULL && EVP_EncryptInit_ex(cipher, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
            EVP_EncryptUpdate(cipher, bytes, &written, bytes, (int)size) == 1, "AES-128-CTR");
    EVP_CIPHER_CTX_free(cipher);
}

/* AES-128-ECB of one block: how one key travels under another. */
static void aes_block(int encrypts, const uint8_t key[KEY_SIZE], const uint8_t in[KEY_SIZE], uint8_t out[KEY_SIZE])
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int written;
    require(cipher != NULL && EVP_CipherInit_ex(cipher, EVP_aes_128_ecb(), NULL, key, NULL, encrypts) == 1 &&
            EVP_CIPHER_CTX_set_padding(cipher, 0) == 1 && EVP_CipherUpdate(cipher, out, &written, in, KEY_SIZE) == 1,
            "AES-128-ECB");
    EVP_CIPHER_CTX_free(cipher);
}

/* The OMAC of a message on a channel: AES-128 CMAC (NIST SP 800-38B) of all bytes behind its first member. */
static void omac(const uint8_t key[KEY_SIZE], const void *message, size_t size, BYTE mac[16])
{
    char aes[] = "AES-128-CBC";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, aes, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    size_t written;
    require(context != NULL && EVP_MAC_init(context, key, KEY_SIZE, parameters) == 1 &&
            EVP_MAC_update(context, (const uint8_t *)message + 16, size - 16) == 1 &&
            EVP_MAC_final(context, mac, &written, 16) == 1, "CMAC");
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
}

static void random_bytes(void *bytes, int size)
{
    require(RAND_bytes(bytes, size) == 1, "random numbers");
}

/* The driver -------------------------------------------------------------------------------------------------------- */

static softcp_driver driver;
static D3D10DDI_HDEVICE device;
static D3DWDDM2_0DDI_VIDEODEVICEFUNCS table;

/* Entries that return nothing fail through here. In a Windows program their failure shows in what they did not write. */
static HRESULT last_error;

static void SOFTCP_CALL report_error(void *context, const char *function, HRESULT hresult, const char *text)
{
    (void)context;
    last_error = hresult;
    printf("  %s: 0x%08x, %s\n", function, (unsigned)hresult, text);
}

/* Whether the last call of an entry that returns nothing has succeeded. */
static int succeeded(void)
{
    const HRESULT hresult = last_error;
    last_error = S_OK;
    return hresult == S_OK;
}

static void open_driver(const char *directory)
{
    char options[1024];
    snprintf(options, sizeof options, "identity.directory=%s", directory);
    const softcp_driver_desc desc = {
        .size = sizeof desc,
        .interface_version = SOFTCP_DRIVER_INTERFACE_VERSION,
        .options = options,
        .report_error = report_error,
    };
    driver.size = sizeof driver;
    require(softcp_open_reference_driver(&desc, &driver) == S_OK, "the driver opens with the identity in %s", directory);
    require(driver.create_device(driver.context, &device) == S_OK, "a device");
    require(driver.retrieve_sub_object(driver.context, device, D3DWDDM2_0DDI_VIDEO_FUNCTIONS, sizeof table, &table) == S_OK,
            "the video function table of WDDM 2.0");
}

/* A surface of one byte a pixel: a staging texture of an application, or a protected one of the driver. */
static D3D10DDI_HRESOURCE create_surface(uint32_t flags)
{
    const softcp_resource_desc desc = {.size = sizeof desc, .flags = flags, .row_bytes = WIDTH, .rows = HEIGHT};
    D3D10DDI_HRESOURCE surface;
    require(driver.create_resource(driver.context, device, &desc, &surface) == S_OK, "a surface");
    return surface;
}

/* Copies a surface's visible bytes from `in`, or to `out`; rows have a pitch. Returns what Map answers. */
static HRESULT copy_surface(D3D10DDI_HRESOURCE surface, const uint8_t *in, uint8_t *out)
{
    softcp_mapping mapping;
    const uint32_t access = in != NULL ? SOFTCP_ACCESS_WRITE : SOFTCP_ACCESS_READ;
    const HRESULT hresult = driver.map_resource(driver.context, device, surface, access, &mapping);
    if (hresult != S_OK)
        return hresult;
    for (size_t row = 0; row < mapping.rows; row++) {
        uint8_t *line = (uint8_t *)mapping.data + row * mapping.row_pitch;
        if (in != NULL)
            memcpy(line, &in[row * mapping.row_bytes], mapping.row_bytes);
        else
            memcpy(&out[row * mapping.row_bytes], line, mapping.row_bytes);
    }
    driver.unmap_resource(driver.context, device, surface);
    return S_OK;
}

/* Certificate and key exchange --------------------------------------------------------------------------------------- */

/* The driver's public key, after its chain has been verified up to a root that this program trusts. A driver without a good
   chain may be anybody, and would get every key. */
static EVP_PKEY *verified_key(const D3D11_1DDI_CERTIFICATE_INFO *info, const char *root)
{
    UINT size = 0;
    table.pfnGetCertificateSize(device, info, &size);
    require(succeeded() && size != 0, "a certificate");
    uint8_t *blob = malloc(size);
    require(blob != NULL, "memory for the certificate");
    table.pfnGetCertificate(device, info, size, blob);
    require(succeeded(), "the certificate");

    const uint8_t *at = blob;
    PKCS7 *chain = d2i_PKCS7(NULL, &at, (long)size); /* certificates only, leaf first (D13) */
    require(chain != NULL && PKCS7_type_is_signed(chain) && sk_X509_num(chain->d.sign->cert) > 0, "a chain of certificates");
    X509 *leaf = sk_X509_value(chain->d.sign->cert, 0);
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    require(trusted != NULL && context != NULL && X509_STORE_load_file(trusted, root) == 1, "the root certificate %s", root);
    require(X509_STORE_CTX_init(context, trusted, leaf, chain->d.sign->cert) == 1 && X509_verify_cert(context) == 1,
            "a chain that leads to the root: %s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    require((X509_get_key_usage(leaf) & KU_KEY_ENCIPHERMENT) != 0, "a certificate for key encipherment");
    EVP_PKEY *key = X509_get_pubkey(leaf);
    require(key != NULL && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == 2048, "an RSA key of 2048 bits");
    X509_STORE_CTX_free(context);
    X509_STORE_free(trusted);
    PKCS7_free(chain);
    free(blob);
    return key;
}

/* Makes a key that nobody else has, and encrypts it to the driver: RSAES-OAEP, SHA-512 for hash and mask, empty label. */
static void make_exchange(EVP_PKEY *driver_key, uint8_t key[KEY_SIZE], uint8_t message[EXCHANGE_SIZE])
{
    random_bytes(key, KEY_SIZE);
    EVP_PKEY_CTX *rsa = EVP_PKEY_CTX_new(driver_key, NULL);
    size_t written = EXCHANGE_SIZE;
    require(rsa != NULL && EVP_PKEY_encrypt_init(rsa) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_OAEP_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_oaep_md(rsa, EVP_sha512()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(rsa, EVP_sha512()) == 1 &&
            EVP_PKEY_encrypt(rsa, message, &written, key, KEY_SIZE) == 1 && written == EXCHANGE_SIZE, "RSAES-OAEP");
    EVP_PKEY_CTX_free(rsa);
}

/* The authenticated channel ------------------------------------------------------------------------------------------- */

static struct {
    D3D11_1DDI_HAUTHCHANNEL handle; /* names the channel in calls */
    HANDLE in_messages;             /* names it in messages */
    uint8_t key[KEY_SIZE];
    UINT next_command, next_query; /* sequence numbers: each greater than the one before, so that nothing can be replayed */
} channel;

/* Signs a command, sends it, and checks the answer before it believes a word of it: OMAC, type, handle and number, and then
   the return code, which is the channel's word. What the call returns is not signed. */
static void command(D3D11_AUTHENTICATED_CONFIGURE_INPUT *input, size_t size, const GUID *type)
{
    input->ConfigureType = *type;
    input->hChannel = channel.in_messages;
    input->SequenceNumber = channel.next_command++;
    omac(channel.key, input, size, input->omac.Omac);
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT output;
    memset(&output, 0, sizeof output);
    table.pfnConfigureAuthenticatedChannel(device, channel.handle, (UINT)size, input, &output);
    BYTE expected[16];
    omac(channel.key, &output, sizeof output, expected);
    require(CRYPTO_memcmp(output.omac.Omac, expected, sizeof expected) == 0, "an answer signed with the channel's key");
    require(memcmp(&output.ConfigureType, type, sizeof *type) == 0 && output.hChannel == channel.in_messages &&
            output.SequenceNumber == input->SequenceNumber, "the answer to this command");
    require(output.ReturnCode == S_OK, "a command that is carried out: 0x%08x", (unsigned)output.ReturnCode);
}

/* Sends a query, and checks its answer of `size` bytes in the same way. The query itself has no signature (D17). */
static void query(const GUID *type, D3D11_AUTHENTICATED_QUERY_OUTPUT *output, size_t size)
{
    D3D11_AUTHENTICATED_QUERY_INPUT input;
    memset(&input, 0, sizeof input);
    input.QueryType = *type;
    input.hChannel = channel.in_messages;
    input.SequenceNumber = channel.next_query++;
    memset(output, 0, size);
    table.pfnQueryAuthenticatedChannel(device, channel.handle, sizeof input, &input, (UINT)size, output);
    BYTE expected[16];
    omac(channel.key, output, size, expected);
    require(CRYPTO_memcmp(output->omac.Omac, expected, sizeof expected) == 0, "an answer signed with the channel's key");
    require(memcmp(&output->QueryType, type, sizeof *type) == 0 && output->hChannel == channel.in_messages &&
            output->SequenceNumber == input.SequenceNumber, "the answer to this query");
    require(output->ReturnCode == S_OK, "a query that is answered: 0x%08x", (unsigned)output->ReturnCode);
}

static void set_protection(UINT flags)
{
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT input;
    memset(&input, 0, sizeof input); /* padding is signed too */
    input.Protections.Value = flags;
    command(&input.Parameters, sizeof input, &D3D11_AUTHENTICATED_CONFIGURE_PROTECTION);
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT output;
    query(&D3D11_AUTHENTICATED_QUERY_PROTECTION, &output.Output, sizeof output);
    require(output.ProtectionFlags.Value == flags, "the protection that was asked for");
}

static void open_channel(const char *root)
{
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL create = {.ChannelType = D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE};
    const D3D11_1DDI_HRTAUTHCHANNEL runtime_channel = {NULL};
    channel.handle.pDrvPrivate = calloc(1, table.pfnCalcPrivateAuthenticatedChannelSize(device, &create));
    require(channel.handle.pDrvPrivate != NULL &&
            table.pfnCreateAuthenticatedChannel(device, &create, channel.handle, runtime_channel) == S_OK, "a channel");
    channel.in_messages = create.hChannel;

    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL};
    info.u.ChannelType = create.ChannelType;
    EVP_PKEY *driver_key = verified_key(&info, root);
    uint8_t message[EXCHANGE_SIZE];
    make_exchange(driver_key, channel.key, message);
    EVP_PKEY_free(driver_key);
    require(table.pfnNegotiateAuthenticatedChannelKeyExchange(device, channel.handle, sizeof message, message) == S_OK,
            "the channel's key exchange");

    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT start;
    memset(&start, 0, sizeof start);
    random_bytes(&start.StartSequenceQuery, sizeof start.StartSequenceQuery);
    random_bytes(&start.StartSequenceConfigure, sizeof start.StartSequenceConfigure);
    start.StartSequenceQuery >>= 1; /* room to count up */
    start.StartSequenceConfigure >>= 1;
    command(&start.Parameters, sizeof start, &D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE);
    channel.next_query = start.StartSequenceQuery;
    channel.next_command = start.StartSequenceConfigure;

    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT type;
    query(&D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, &type.Output, sizeof type);
    require(type.ChannelType == create.ChannelType, "a channel of the type that was asked for");
}

/* The session: content in, content out ---------------------------------------------------------------------------------- */

static struct {
    D3D11_1DDI_HCRYPTOSESSION handle;
    uint8_t key[KEY_SIZE], read_back_key[KEY_SIZE];
} session;

static void open_session(const char *root)
{
    const D3D11_1DDIARG_CREATECRYPTOSESSION create = {
        .CryptoType = D3D11_CRYPTO_TYPE_AES128_CTR,
        .KeyExchangeType = D3D11_KEY_EXCHANGE_RSAES_OAEP,
    };
    const D3D11_1DDI_HRTCRYPTOSESSION runtime_session = {NULL};
    session.handle.pDrvPrivate = calloc(1, table.pfnCalcPrivateCryptoSessionSize(device, &create));
    require(session.handle.pDrvPrivate != NULL &&
            table.pfnCreateCryptoSession(device, &create, session.handle, runtime_session) == S_OK, "a session");

    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
    info.u.CryptoSessionType = D3D11_CRYPTO_TYPE_AES128_CTR;
    EVP_PKEY *driver_key = verified_key(&info, root);
    uint8_t message[EXCHANGE_SIZE], wrapped[KEY_SIZE];
    make_exchange(driver_key, session.key, message);
    EVP_PKEY_free(driver_key);
    require(table.pfnNegotiateCryptoSessionKeyExchange(device, session.handle, sizeof message, message) == S_OK,
            "the session's key exchange");

    table.pfnGetEncryptionBltKey(device, session.handle, sizeof wrapped, wrapped);
    require(succeeded(), "a read-back key");
    aes_block(0, session.key, wrapped, session.read_back_key);
}

/* Content as it comes from a file: encrypted under `content_key` from `iv` on. Decrypts it into the protected surface. The
   content key travels under `session_key`. */
static void decrypt_into(D3D10DDI_HRESOURCE to, const uint8_t *encrypted, const uint8_t content_key[KEY_SIZE],
                         const uint8_t session_key[KEY_SIZE], const D3D11_AES_CTR_IV *iv)
{
    uint8_t wrapped[KEY_SIZE];
    const D3D10DDI_HRESOURCE staging = create_surface(0);
    require(copy_surface(staging, encrypted, NULL) == S_OK, "a staging surface that can be written");
    aes_block(1, session_key, content_key, wrapped);
    table.pfnDecryptionBlt(device, session.handle, staging, to, NULL, sizeof wrapped, wrapped, sizeof *iv, iv);
    require(succeeded(), "DecryptionBlt");
    driver.destroy_resource(driver.context, device, staging);
}

/* Reads a protected surface back: encrypted by the driver under the read-back key, with an IV of its own, and opened here. */
static void read_back(D3D10DDI_HRESOURCE from, uint8_t *content)
{
    static D3D11_AES_CTR_IV last; /* the driver's IVs go up, never one twice under a key (D11) */
    D3D11_AES_CTR_IV iv = {0, 0};
    const D3D10DDI_HRESOURCE staging = create_surface(0);
    table.pfnEncryptionBlt(device, session.handle, from, staging, sizeof iv, &iv);
    require(succeeded(), "EncryptionBlt");
    require(memcmp(&iv, &last, sizeof iv.IV) > 0, "an IV that is greater than the last one"); /* big-endian, as in memory */
    last = iv;
    require(copy_surface(staging, NULL, content) == S_OK, "a staging surface that can be read");
    aes_ctr(session.read_back_key, &iv, content, CONTENT);
    driver.destroy_resource(driver.context, device, staging);
}

/* Session key refresh: both sides make the key key XOR number. The new one counts for every call after Finish. */
static void refresh_session_key(void)
{
    const uint8_t nothing[KEY_SIZE] = {0};
    uint8_t number[KEY_SIZE] = {0};
    table.pfnStartSessionKeyRefresh(device, session.handle, sizeof number, number);
    require(succeeded() && memcmp(number, nothing, sizeof number) != 0, "a random number"); /* zero would change no key */
    table.pfnFinishSessionKeyRefresh(device, session.handle);
    require(succeeded(), "FinishSessionKeyRefresh");
    for (int i = 0; i < KEY_SIZE; i++)
        session.key[i] ^= number[i];
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: client DIRECTORY   (with root.pem, chain.pem and key.pem; softcp cert new DIRECTORY)\n");
        return 2;
    }
    char root[1024];
    snprintf(root, sizeof root, "%s/root.pem", arguments[1]);
    open_driver(arguments[1]);
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps;
    const GUID no_profile = {0};
    require(table.pfnGetContentProtectionCaps(device, &D3D11_CRYPTO_TYPE_AES128_CTR, &no_profile, &caps) == S_OK,
            "AES-128-CTR");
    const UINT needed = SOFTCP_CAPS_DECRYPTION_BLT | SOFTCP_CAPS_CONTENT_KEY | SOFTCP_CAPS_FRESHEN_SESSION_KEY |
                        SOFTCP_CAPS_ENCRYPTED_READ_BACK | SOFTCP_CAPS_ENCRYPTED_READ_BACK_KEY;
    require((caps.Caps & needed) == needed, "content keys, refresh and encrypted read-back: 0x%x", caps.Caps);
    printf("driver: %s %s, capabilities 0x%x\n", driver.name, driver.version, caps.Caps);

    open_channel(root);
    set_protection(SOFTCP_PROTECTION_ENABLED);
    printf("channel: keyed, initialised, protection is on\n");
    open_session(root);
    printf("session: keyed, with a read-back key\n");

    /* Content, and what a file has of it. */
    uint8_t content[CONTENT], encrypted[CONTENT], seen[CONTENT], content_key[KEY_SIZE];
    D3D11_AES_CTR_IV iv = {0, 0};
    random_bytes(content_key, sizeof content_key);
    random_bytes(&iv.IV, sizeof iv.IV);
    for (size_t i = 0; i < CONTENT; i++)
        content[i] = (uint8_t)(i % WIDTH + i / WIDTH);
    memcpy(encrypted, content, CONTENT);
    aes_ctr(content_key, &iv, encrypted, CONTENT);

    const D3D10DDI_HRESOURCE surface = create_surface(SOFTCP_RESOURCE_PROTECTED);
    decrypt_into(surface, encrypted, content_key, session.key, &iv);
    require(copy_surface(surface, NULL, seen) == D3DERR_CANNOTPROTECTCONTENT, "a protected surface that cannot be mapped");
    read_back(surface, seen);
    require(memcmp(seen, content, CONTENT) == 0, "the content, read back");
    printf("blit: decrypted into a protected surface, read back encrypted, the same content\n");

    uint8_t old_key[KEY_SIZE];
    memcpy(old_key, session.key, sizeof old_key);
    refresh_session_key();
    decrypt_into(surface, encrypted, content_key, session.key, &iv);
    read_back(surface, seen);
    require(memcmp(seen, content, CONTENT) == 0, "the content under the refreshed key");
    decrypt_into(surface, encrypted, content_key, old_key, &iv);
    read_back(surface, seen);
    require(memcmp(seen, content, CONTENT) != 0, "nothing but noise under the old key");
    printf("refresh: the new session key counts, the old one does not\n");

    set_protection(0);
    require(copy_surface(surface, NULL, seen) == S_OK, "a surface that can be mapped again");
    driver.destroy_resource(driver.context, device, surface);
    table.pfnDestroyCryptoSession(device, session.handle);
    table.pfnDestroyAuthenticatedChannel(device, channel.handle);
    require(succeeded(), "objects that are destroyed");
    free(session.handle.pDrvPrivate);
    free(channel.handle.pDrvPrivate);
    OPENSSL_cleanse(&session, sizeof session);
    OPENSSL_cleanse(&channel, sizeof channel);
    driver.destroy_device(driver.context, device);
    driver.close(driver.context);
    printf("done: every step verified\n");
    return 0;
}
