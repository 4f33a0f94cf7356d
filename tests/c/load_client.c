/* Loads the library at run time, uses it, and unloads it, again and again. This program is not linked with the
   library, so that it really can go.

   Usage: load_client LIBRARY IDENTITY

   Prints TAP; the exit code is 1 when a check fails. */
#include "ddi.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 20

/* Loads the library and finds the function that opens the driver. */
static void *load(const char *library, softcp_open_driver_fn *open)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle != NULL ? dlsym(handle, "softcp_open_reference_driver") : NULL;
    if (symbol == NULL) {
        tap_bail_out("%s", dlerror());
    }
    memcpy(open, &symbol, sizeof symbol); /* ISO C has no conversion from object to function pointers */
    return handle;
}

/* A session with a key and a blit, through a driver that is opened and closed again. Returns whether all was right. */
static bool use(softcp_open_driver_fn open, const char *identity)
{
    char options[1024], root[1024];
    snprintf(options, sizeof options, "identity.directory=%s", identity);
    snprintf(root, sizeof root, "%s/root.pem", identity);
    struct ddi ddi;
    struct device device;
    ddi_open(&ddi, open, options);
    device_create(&device, &ddi, &sub_devices[0]);
    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
    info.u.CryptoSessionType = D3D11_CRYPTO_TYPE_AES128_CTR;
    UINT size = 0;
    static uint8_t blob[16384];
    device.call.GetCertificateSize(device.handle, &info, &size);
    if (size == 0 || size > sizeof blob) {
        tap_bail_out("a certificate of %u bytes", size);
    }
    device.call.GetCertificate(device.handle, &info, size, blob);
    struct chain chain = client_chain(blob, size, true, root);
    struct session session = session_keyed(&device, chain.key);
    struct surface source = surface_create(&device, shape_buffer(1000));
    uint8_t clear[1000], bytes[1000], iv[IV_SIZE];
    client_random(clear, sizeof clear);
    client_random(iv, sizeof iv);
    memcpy(bytes, clear, sizeof bytes);
    client_ctr(session.key, iv, NULL, bytes, sizeof bytes);
    surface_write(&source, bytes);
    device.call.DecryptionBlt(device.handle, session.handle, source.handle, source.handle, NULL, 0, NULL, sizeof iv,
                              iv);
    surface_read(&source, bytes);
    bool right = chain.verified && ddi.reports.count == 0 && memcmp(bytes, clear, sizeof bytes) == 0;
    session_end(&session);
    surface_destroy(&source);
    device_destroy(&device);
    ddi_close(&ddi);
    EVP_PKEY_free(chain.key);
    return right;
}

/* A thread that uses the library, and ends when the library has been unloaded. */
struct visitor {
    softcp_open_driver_fn open;
    const char *identity;
    pthread_barrier_t used, unloaded;
    bool right;
};

static void *visit(void *argument)
{
    struct visitor *visitor = argument;
    visitor->right = use(visitor->open, visitor->identity);
    pthread_barrier_wait(&visitor->used);
    pthread_barrier_wait(&visitor->unloaded);
    return NULL; /* what the library left to be done at the end of this thread is done now */
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: load_client LIBRARY IDENTITY\n");
        return 2;
    }
    const char *library = arguments[1], *identity = arguments[2];
    softcp_open_driver_fn open;
    for (int i = 0; i < ROUNDS; i++) {
        void *handle = load(library, &open);
        ok(use(open, identity), "round %d: loaded and used", i);
        is_number(dlclose(handle), 0, "round %d: unloaded", i);
    }
    for (int i = 0; i < ROUNDS; i++) {
        void *handle = load(library, &open);
        struct visitor visitor = {.open = open, .identity = identity};
        pthread_t thread;
        if (pthread_barrier_init(&visitor.used, NULL, 2) != 0 || pthread_barrier_init(&visitor.unloaded, NULL, 2) != 0 ||
            pthread_create(&thread, NULL, visit, &visitor) != 0) {
            tap_bail_out("no thread");
        }
        pthread_barrier_wait(&visitor.used);
        is_number(dlclose(handle), 0, "round %d: unloaded while a thread that used it lives on", i);
        pthread_barrier_wait(&visitor.unloaded);
        pthread_join(thread, NULL);
        ok(visitor.right, "round %d: and the thread has ended", i);
        pthread_barrier_destroy(&visitor.used);
        pthread_barrier_destroy(&visitor.unloaded);
    }
    void *handle = load(library, &open);
    ok(use(open, identity) && handle != NULL, "loaded once more, and left loaded at exit");
    return tap_done();
}
