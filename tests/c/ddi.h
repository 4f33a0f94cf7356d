/* Plays the Direct3D runtime for a driver: opens it, takes its function tables, gives private memory to its sessions,
   and remembers what it reports for entries that return nothing. */
#ifndef DDI_H
#define DDI_H

#include "softcp_ddi.h"

#include "client.h"
#include "tap.h"

/* What the driver reported since `ddi_forget`. */
struct reports {
    unsigned count;
    HRESULT hresult; /* of the last one, as the others */
    char function[64];
    char text[256];
};

/* An open driver. */
struct ddi {
    struct softcp_driver driver;
    struct reports reports;
};

/* The content-protection entries, and those of decoders and their frames, taken from the table of one sub-device. */
struct entries {
    PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS GetContentProtectionCaps;
    PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE GetCryptoKeyExchangeType;
    PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE CalcPrivateCryptoSessionSize;
    PFND3D11_1DDI_CREATECRYPTOSESSION CreateCryptoSession;
    PFND3D11_1DDI_DESTROYCRYPTOSESSION DestroyCryptoSession;
    PFND3D11_1DDI_GETCERTIFICATESIZE GetCertificateSize;
    PFND3D11_1DDI_GETCERTIFICATE GetCertificate;
    PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE NegotiateCryptoSessionKeyExchange;
    PFND3D11_1DDI_ENCRYPTIONBLT EncryptionBlt;
    PFND3D11_1DDI_DECRYPTIONBLT DecryptionBlt;
    PFND3D11_1DDI_STARTSESSIONKEYREFRESH StartSessionKeyRefresh;
    PFND3D11_1DDI_FINISHSESSIONKEYREFRESH FinishSessionKeyRefresh;
    PFND3D11_1DDI_GETENCRYPTIONBLTKEY GetEncryptionBltKey;
    PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE CalcPrivateAuthenticatedChannelSize;
    PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL CreateAuthenticatedChannel;
    PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL DestroyAuthenticatedChannel;
    PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE NegotiateAuthenticatedChannelKeyExchange;
    PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL QueryAuthenticatedChannel;
    PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL ConfigureAuthenticatedChannel;
    PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE CalcPrivateVideoDecoderSize;
    PFND3D11_1DDI_CREATEVIDEODECODER CreateVideoDecoder;
    PFND3D11_1DDI_DESTROYVIDEODECODER DestroyVideoDecoder;
    PFND3D11_1DDI_VIDEODECODERGETHANDLE VideoDecoderGetHandle;
    PFND3D11_1DDI_VIDEODECODERBEGINFRAME VideoDecoderBeginFrame; /* one of these three, by the table */
    PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0 VideoDecoderBeginFrameRs4;
    PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME VideoDecoderBeginFrame2_4;
    PFND3D11_1DDI_VIDEODECODERENDFRAME VideoDecoderEndFrame;
    PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS VideoDecoderSubmitBuffers;
    PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE CalcPrivateVideoDecoderOutputViewSize;
    PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW CreateVideoDecoderOutputView;
    PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW DestroyVideoDecoderOutputView;
    PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1 VideoDecoderSubmitBuffers1; /* WDDM 2.0 and 2.1 */
    PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS VideoDecoderSubmitBuffers2;  /* WDDM 2.4 */
    PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE CryptoSessionGetHandle;
    PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS CheckCryptoSessionStatus; /* null before WDDM 2.0, as the next two */
    PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY GetDataForNewHardwareKey;
    PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE GetCryptoSessionPrivateDataSize;
    PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE NegotiateCryptoSessionKeyExchangeMT; /* WDDM 2.4 */
};

/* A sub-device that has a video function table. */
struct sub_device {
    UINT id;
    const char *name;
    size_t table_size;
};

#define SUB_DEVICES 5
extern const struct sub_device sub_devices[SUB_DEVICES];

/* A device and the entries it is called through. */
struct device {
    struct ddi *ddi;
    D3D10DDI_HDEVICE handle;
    struct entries call;
};

/* A resource. `visible` is the number of its bytes that are no padding. */
struct surface {
    struct device *device;
    D3D10DDI_HRESOURCE handle;
    size_t visible;
};

/* A crypto session with its private memory, and the application's copy of its key. */
struct session {
    struct device *device;
    D3D11_1DDI_HCRYPTOSESSION handle;
    EVP_PKEY *driver_key; /* of the certificate; borrowed */
    uint8_t key[KEY_SIZE];
};

/* A video decoder with its private memory: something to bind a session to. */
struct decoder {
    struct device *device;
    D3D11_1DDI_HDECODE handle;
};

/* Opens a driver; ends the program when that fails. The structure must stay where it is until `ddi_close`. */
void ddi_open(struct ddi *ddi, softcp_open_driver_fn open, const char *options);
void ddi_close(struct ddi *ddi);

/* A driver description of this runtime, to open a driver with by hand. */
struct softcp_driver_desc ddi_desc(struct ddi *ddi, const char *options);

/* Makes a device and takes the table of a sub-device. */
void device_create(struct device *device, struct ddi *ddi, const struct sub_device *sub_device);
void device_destroy(struct device *device);

/* Calls an entry that returns nothing; passes if the driver reports nothing. */
#define SILENT(ddi, call, ...)                                           \
    do {                                                                 \
        ddi_forget(ddi);                                                 \
        call;                                                            \
        ddi_check_silent((ddi), __FILE__, __LINE__, __VA_ARGS__);        \
    } while (0)

/* Calls an entry that returns nothing; passes if the driver makes one report, for this entry and with this HRESULT
   (D20). */
#define REPORTS(ddi, entry, hresult, call, ...)                                                \
    do {                                                                                       \
        ddi_forget(ddi);                                                                       \
        call;                                                                                  \
        ddi_check_report((ddi), (entry), (hresult), __FILE__, __LINE__, __VA_ARGS__);          \
    } while (0)

void ddi_forget(struct ddi *ddi);
bool ddi_check_silent(struct ddi *ddi, const char *file, int line, const char *format, ...) TAP_PRINTF(4, 5);
bool ddi_check_report(struct ddi *ddi, const char *entry, HRESULT hresult, const char *file, int line,
                      const char *format, ...) TAP_PRINTF(6, 7);

/* Shapes of resources, all sizes in bytes; `pitch` 0 leaves it to the driver. NV12 has a plane of luma and one of
   chroma, I420 one and two; `width` and `height` are even and in pixels of one byte. */
struct softcp_resource_desc shape_buffer(size_t bytes);
struct softcp_resource_desc shape_rows(size_t row_bytes, size_t rows, size_t pitch);
struct softcp_resource_desc shape_nv12(size_t width, size_t height, size_t pitch);
struct softcp_resource_desc shape_i420(size_t width, size_t height, size_t pitch);
struct softcp_resource_desc shape_with(struct softcp_resource_desc shape, uint32_t flags);

/* Makes a resource; ends the program when that fails. */
struct surface surface_create(struct device *device, struct softcp_resource_desc shape);
void surface_destroy(struct surface *surface);

/* Gives every byte a value, padding included. */
void surface_fill(const struct surface *surface, uint8_t value);

/* Copies the visible bytes, row after row and plane after plane (D9). */
void surface_write(const struct surface *surface, const uint8_t *visible);
void surface_read(const struct surface *surface, uint8_t *visible);

/* Whether every byte of padding between rows has a value. */
bool surface_padding_is(const struct surface *surface, uint8_t value);

/* Maps a resource for reading and writing and leaves it mapped; ends the program when that fails. */
struct softcp_mapping surface_map(const struct surface *surface);
void surface_unmap(const struct surface *surface);

/* What to create a session with: AES-128-CTR, no decoding, RSAES-OAEP. */
D3D11_1DDIARG_CREATECRYPTOSESSION session_arguments(void);

/* Allocates private memory of the size that the driver asks for, filled with zeros, and creates nothing in it. */
struct session session_memory(struct device *device, EVP_PKEY *driver_key);

/* Creates a session without a key. */
struct session session_create(struct device *device, EVP_PKEY *driver_key);

/* Creates a session and gives it a random key. */
struct session session_keyed(struct device *device, EVP_PKEY *driver_key);

/* A key exchange with a new random key. */
HRESULT session_negotiate(struct session *session);

/* Destroys the session and frees its private memory. */
void session_end(struct session *session);

/* The handle by which messages know the session; ends the program when there is none. */
HANDLE session_handle(const struct session *session);

/* Makes an H.264 decoder of 640 by 480 pixels; ends the program when that fails. */
struct decoder decoder_create(struct device *device);

/* The same for bitstreams of an encryption. */
struct decoder decoder_create_of(struct device *device, GUID encryption);
void decoder_end(struct decoder *decoder);

/* The handle by which messages know the decoder; ends the program when there is none. */
HANDLE decoder_handle(const struct decoder *decoder);

#endif
