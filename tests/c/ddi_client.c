/* A client of the content-protection DDI that shares no code with the library: it opens a driver, takes each of its
   video function tables, and goes through the whole protocol with OpenSSL as its crypto.

   Usage: ddi_client IDENTITY [LIBRARY]
     IDENTITY  directory of the driver's identity, whose root.pem is the only certificate this client trusts
     LIBRARY   shared library to load the driver from; left out: the library this program is linked with

   Prints TAP; the exit code is 1 when a check fails. */
#include "ddi_tests.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *certificate_blob(struct device *device, UINT *size)
{
    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
    info.u.CryptoSessionType = D3D11_CRYPTO_TYPE_AES128_CTR;
    *size = 0;
    SILENT(device->ddi, device->call.GetCertificateSize(device->handle, &info, size), "the certificate has a size");
    uint8_t *blob = malloc(*size != 0 ? *size : 1);
    if (blob == NULL) {
        tap_bail_out("no memory for a certificate of %u bytes", *size);
    }
    SILENT(device->ddi, device->call.GetCertificate(device->handle, &info, *size, blob), "the certificate is read");
    return blob;
}

/* Gets the driver's chain and verifies it. Returns the leaf's key. */
static EVP_PKEY *test_certificate(struct device *device, const char *root)
{
    UINT size;
    uint8_t *blob = certificate_blob(device, &size);
    struct chain chain = client_chain(blob, size, true, root);
    ok(chain.key != NULL, "the certificate is one PKCS #7 blob of DER certificates (D13)");
    ok(chain.certificates > 1 && chain.leaf_first, "the chain is leaf first, each issued by the next (D13)");
    ok(chain.verified, "X509_verify_cert accepts the chain up to the root");
    ok(chain.encipherment, "the leaf may be used for key encipherment");
    is_number(chain.bits, 2048, "the leaf has an RSA-2048 key");

    uint8_t *again = calloc(1, size + 1);
    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
    info.u.CryptoSessionType = D3D11_CRYPTO_TYPE_AES128_CTR;
    SILENT(device->ddi, device->call.GetCertificate(device->handle, &info, size, again), "reading it again");
    is_bytes(again, blob, size, "it is the same certificate every time");

    struct ddi *ddi = device->ddi;
    memset(again, 0xA5, size + 1);
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size - 1, again),
            "GetCertificate into one byte less is refused");
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size + 1, again),
            "GetCertificate into one byte more is refused");
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, NULL, size, again),
            "GetCertificate without information is refused");
    REPORTS(ddi, "GetCertificate", E_INVALIDARG, device->call.GetCertificate(device->handle, &info, size, NULL),
            "GetCertificate into null is refused");
    info.u.CryptoSessionType = D3D11_KEY_EXCHANGE_RSAES_OAEP;
    REPORTS(ddi, "GetCertificate", D3DERR_UNSUPPORTEDCRYPTO,
            device->call.GetCertificate(device->handle, &info, size, again),
            "GetCertificate of an unknown crypto type is refused");
    is_filled(again, 0xA5, size + 1, "a failed GetCertificate leaves the buffer as it is (D30)");
    UINT wrong_size = 7;
    REPORTS(ddi, "GetCertificateSize", D3DERR_UNSUPPORTEDCRYPTO,
            device->call.GetCertificateSize(device->handle, &info, &wrong_size),
            "GetCertificateSize of an unknown crypto type is refused");
    is_number(wrong_size, 0, "a failed GetCertificateSize writes 0 (D30)");
    wrong_size = 7;
    REPORTS(ddi, "GetCertificateSize", E_INVALIDARG, device->call.GetCertificateSize(device->handle, NULL, &wrong_size),
            "GetCertificateSize without information is refused");
    is_number(wrong_size, 0, "and writes 0 (D30)");
    REPORTS(ddi, "GetCertificateSize", E_INVALIDARG, device->call.GetCertificateSize(device->handle, &info, NULL),
            "GetCertificateSize into null is refused");
    free(again);
    free(blob);
    return chain.key;
}

/* Whether an entry of a table is one that the reference driver provides: those of content protection, and those of
   decoders that sessions are bound to, their output views and their frames. */
static bool is_provided(size_t index)
{
    return (index >= 7 && index <= 9) || (index >= 11 && index <= 13) || (index >= 48 && index <= 50) ||
           (index >= 58 && index <= 78) || (index >= 81 && index <= 83) || index == 93 || index == 96;
}

/* A driver writes its own entries and leaves the host's as they are. */
static void test_tables(struct ddi *ddi)
{
    const struct softcp_driver *driver = &ddi->driver;
    D3D10DDI_HDEVICE device;
    is_hresult(driver->create_device(driver->context, &device), S_OK, "create_device");
    for (int i = 0; i < SUB_DEVICES; i++) {
        const struct sub_device *sub_device = &sub_devices[i];
        size_t count = sub_device->table_size / sizeof(void *);
        uintptr_t *table = malloc(sub_device->table_size);
        if (table == NULL) {
            tap_bail_out("no memory for a table");
        }
        memset(table, 0x5A, sub_device->table_size);
        is_hresult(driver->retrieve_sub_object(driver->context, device, sub_device->id, sub_device->table_size, table),
                   S_OK, "%s: the table is filled", sub_device->name);
        uintptr_t untouched;
        memset(&untouched, 0x5A, sizeof untouched);
        size_t wrong = 0;
        for (size_t index = 0; index < count; index++) {
            wrong += is_provided(index) ? table[index] == untouched || table[index] == 0 : table[index] != untouched;
        }
        is_number(wrong, 0, "%s: the driver's entries are written and the others of %zu are not", sub_device->name,
                  count);
        memset(table, 0x5A, sub_device->table_size);
        is_hresult(
            driver->retrieve_sub_object(driver->context, device, sub_device->id, sub_device->table_size - 1, table),
            E_INVALIDARG, "%s: one byte too few is refused", sub_device->name);
        is_filled(table, 0x5A, sub_device->table_size, "%s: and nothing is written", sub_device->name);
        free(table);
    }
    void *one_entry = NULL;
    is_hresult(driver->retrieve_sub_object(driver->context, device, 4, sizeof one_entry, &one_entry), E_INVALIDARG,
               "a sub-device without a table is refused");
    is_hresult(driver->retrieve_sub_object(driver->context, device, 2, sub_devices[0].table_size, NULL), E_INVALIDARG,
               "a null table is refused");
    driver->destroy_device(driver->context, device);
}

/* The function that opens the driver: from a shared library, or the one that this program is linked with. */
static softcp_open_driver_fn opener(const char *library)
{
    if (library == NULL) {
        return softcp_open_reference_driver;
    }
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle != NULL ? dlsym(handle, "softcp_open_reference_driver") : NULL;
    if (symbol == NULL) {
        tap_bail_out("%s", dlerror());
    }
    softcp_open_driver_fn open;
    memcpy(&open, &symbol, sizeof open); /* ISO C has no conversion from object to function pointers */
    return open;
}

int main(int count, char **arguments)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: ddi_client IDENTITY [LIBRARY]\n");
        return 2;
    }
    const char *identity = arguments[1];
    softcp_open_driver_fn open = opener(count > 2 ? arguments[2] : NULL);
    char options[1024], root[1024];
    snprintf(options, sizeof options, "identity.directory=%s", identity);
    snprintf(root, sizeof root, "%s/root.pem", identity);

    struct ddi ddi;
    ddi_open(&ddi, open, options);
    tap_note("driver \"%s\", version %s", ddi.driver.name, ddi.driver.version);
    ok(ddi.driver.name != NULL && ddi.driver.name[0] != '\0', "the driver has a name");
    ok(ddi.driver.version != NULL && ddi.driver.version[0] != '\0', "the driver has a version");
    is_number(ddi.driver.interface_version, SOFTCP_DRIVER_INTERFACE_VERSION, "the driver speaks this interface");
    test_tables(&ddi);
    test_omac();
    for (int i = 0; i < SUB_DEVICES; i++) {
        tap_context("%s", sub_devices[i].name);
        struct device device, other;
        device_create(&device, &ddi, &sub_devices[i]);
        device_create(&other, &ddi, &sub_devices[i]);
        test_capabilities(&device);
        EVP_PKEY *driver_key = test_certificate(&device, root);
        if (driver_key == NULL) {
            tap_bail_out("there is no key to go on with");
        }
        test_protocol(&device, driver_key);
        test_refusals(&device, &other, driver_key);
        test_channels(&device, &other, driver_key, root);
        EVP_PKEY_free(driver_key);
        device_destroy(&other);
        device_destroy(&device);
    }
    tap_context(NULL);
    ddi_close(&ddi);

    test_opening(open, identity);
    test_profiles(open, identity);
    test_configured_channels(open, identity);
    test_hardware(open, identity);
    return tap_done();
}
