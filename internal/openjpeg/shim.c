/*
 * This file implements the whole of what crosses from Go to OpenJPEG: open,
 * decode a window, close. Everything that OpenJPEG calls back is C and works
 * on memory, so that no call ever returns to Go before it is done.
 */

#include "shim.h"

#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/*
 * The size of OpenJPEG's own read buffer. Larger reads, such as that of a
 * tile-part's body, bypass it.
 */
#define READ_BUFFER 4096

/* What a codestream ends with, and what is left of it when it is let go. */
#define TAIL 2

struct stria_opj {
    opj_codec_t *codec;
    opj_stream_t *stream;
    opj_image_t *image;

    uint8_t *data;      /* the codestream; NULL once OpenJPEG has read it */
    size_t length, pos; /* its length, and how much has been read */
    uint8_t tail[TAIL]; /* its last bytes */

    char message[256]; /* the first error message */
};

/* Keeps the first error message: the later ones only say what it led to. */
static void on_error(const char *message, void *user)
{
    stria_opj *d = user;
    size_t n;

    if (d->message[0] != '\0')
        return;
    n = strcspn(message, "\r\n");
    if (n >= sizeof d->message)
        n = sizeof d->message - 1;
    memcpy(d->message, message, n);
    d->message[n] = '\0';
}

/*
 * Copies the next bytes of the codestream. Returns -1 at its end and never 0,
 * which would make OpenJPEG ask for ever.
 *
 * All but the tail having been read, the codestream is freed: the tile-part's
 * body is then in memory of OpenJPEG's own, and this happens before that is
 * decoded. The tail is served from its copy.
 */
static OPJ_SIZE_T on_read(void *buffer, OPJ_SIZE_T n, void *user)
{
    stria_opj *d = user;
    size_t body = d->length - TAIL, done = 0, part;

    if (d->pos >= d->length)
        return (OPJ_SIZE_T)-1;
    if (n > d->length - d->pos)
        n = d->length - d->pos;
    if (d->pos < body) {
        part = n < body - d->pos ? n : body - d->pos;
        memcpy(buffer, d->data + d->pos, part);
        d->pos += part;
        done = part;
        if (d->pos == body) {
            free(d->data);
            d->data = NULL;
        }
    }
    if (done < n) {
        memcpy((uint8_t *)buffer + done, d->tail + (d->pos - body), n - done);
        d->pos += n - done;
    }
    return n;
}

/* Skips bytes of the codestream. It is never asked to go back. */
static OPJ_OFF_T on_skip(OPJ_OFF_T n, void *user)
{
    stria_opj *d = user;

    if (n < 0)
        return -1;
    if ((uint64_t)n > d->length - d->pos)
        n = (OPJ_OFF_T)(d->length - d->pos);
    d->pos += (size_t)n;
    return n;
}

/*
 * There is no seek function: OpenJPEG needs none to decode a codestream of one
 * tile from front to back, and without one it does not look for tile-parts
 * after the tile is complete.
 */
stria_opj_opened stria_opj_open(const void *stream, size_t length, int threads)
{
    stria_opj_opened none = {NULL, STRIA_NO_MEMORY}, opened;
    opj_dparameters_t parameters;
    stria_opj *d;

    if (length < TAIL)
        return none;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return none;
    d->data = malloc(length);
    d->codec = opj_create_decompress(OPJ_CODEC_J2K);
    d->stream = opj_stream_create(READ_BUFFER, OPJ_TRUE);
    if (d->data == NULL || d->codec == NULL || d->stream == NULL) {
        stria_opj_close(d);
        return none;
    }
    memcpy(d->data, stream, length);
    memcpy(d->tail, d->data + length - TAIL, TAIL);
    d->length = length;

    opj_stream_set_read_function(d->stream, on_read);
    opj_stream_set_skip_function(d->stream, on_skip);
    opj_stream_set_user_data(d->stream, d, NULL);
    opj_stream_set_user_data_length(d->stream, length);
    opj_set_error_handler(d->codec, on_error, d);

    /*
     * Threads are set even if none are wanted: left alone, they would follow
     * OPJ_NUM_THREADS in the environment. Where there can be none the caller's
     * own does the work. Strict mode keeps to the code paths that are sound when
     * a body is shorter than its blocks claim.
     */
    opj_set_default_decoder_parameters(&parameters);
    opened.decoder = d;
    opened.status = STRIA_REFUSED;
    if (opj_setup_decoder(d->codec, &parameters) &&
        opj_decoder_set_strict_mode(d->codec, OPJ_TRUE)) {
        (void)opj_codec_set_threads(d->codec, threads > 1 ? threads : 0);
        if (opj_read_header(d->stream, d->codec, &d->image) && d->image != NULL)
            opened.status = STRIA_OK;
    }
    return opened;
}

void stria_opj_close(stria_opj *d)
{
    if (d == NULL)
        return;
    opj_image_destroy(d->image);
    opj_stream_destroy(d->stream);
    opj_destroy_codec(d->codec);
    free(d->data);
    free(d);
}

stria_opj_image stria_opj_header(const stria_opj *d)
{
    const opj_image_t *m = d->image;
    stria_opj_image h = {m->x0, m->y0, m->x1, m->y1, m->numcomps};

    return h;
}

stria_opj_component stria_opj_header_component(const stria_opj *d, uint32_t i)
{
    const opj_image_comp_t *c = &d->image->comps[i];
    stria_opj_component h = {c->dx, c->dy, c->prec, c->sgnd};

    return h;
}

const char *stria_opj_message(const stria_opj *d)
{
    return d->message;
}

/*
 * Gives free memory of the C heaps back to the system, where the allocator
 * would rather keep it. The others do not.
 */
/*
 * glibc gives freed memory back at the end of its heaps above a threshold, and
 * takes large pieces from the system one by one above another. Both rise to
 * their highest when a piece of just under 32 MB is freed, as in any program
 * that has had one. Nothing of it is ever touched.
 */
void stria_opj_settle(void)
{
#ifdef __GLIBC__
    void *volatile large = malloc((32u << 20) - (64u << 10));

    free(large);
#endif
}

void stria_opj_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* How many bytes of the codestream's own copy are still held. */
size_t stria_opj_holds(const stria_opj *d)
{
    return d->data == NULL ? 0 : d->length;
}

/* The loops that pack a row. The compiler vectorises them. */

static void pack8(uint8_t *restrict dst, const int32_t *restrict src, size_t n,
                  int32_t high)
{
    for (size_t i = 0; i < n; i++) {
        int32_t v = src[i];
        v = v < 0 ? 0 : v;
        v = v > high ? high : v;
        dst[i] = (uint8_t)v;
    }
}

static void pack16(uint16_t *restrict dst, const int32_t *restrict src,
                   size_t n, int32_t high)
{
    for (size_t i = 0; i < n; i++) {
        int32_t v = src[i];
        v = v < 0 ? 0 : v;
        v = v > high ? high : v;
        dst[i] = (uint16_t)v;
    }
}

static void pack32(int32_t *restrict dst, const int32_t *restrict src, size_t n,
                   int32_t low, int32_t high)
{
    for (size_t i = 0; i < n; i++) {
        int32_t v = src[i];
        v = v < low ? low : v;
        v = v > high ? high : v;
        dst[i] = v;
    }
}

/*
 * Packs the plane's bounds out of what was decoded of its component. Checks
 * all that Go has checked, against what OpenJPEG really delivered.
 */
static int pack(const stria_opj_plane *p, const opj_image_comp_t *c)
{
    int64_t cx1 = (int64_t)c->x0 + c->w, cy1 = (int64_t)c->y0 + c->h;
    int32_t low, high;
    size_t width;

    if (p->x0 >= p->x1 || p->y0 >= p->y1)
        return STRIA_OK;
    if (c->data == NULL || c->factor != 0 || c->prec != p->depth ||
        (c->sgnd != 0) != (p->sgnd != 0) || p->depth < 1 || p->depth > 31 ||
        p->x0 < (int64_t)c->x0 || p->y0 < (int64_t)c->y0 || p->x1 > cx1 ||
        p->y1 > cy1)
        return STRIA_MISMATCH;

    high = (int32_t)((1u << (p->sgnd ? p->depth - 1 : p->depth)) - 1);
    low = p->sgnd ? -high - 1 : 0;
    width = (size_t)(p->x1 - p->x0);
    for (int32_t y = p->y0; y < p->y1; y++) {
        size_t row = (size_t)(y - p->y0) * p->stride;
        const int32_t *src = c->data + (size_t)(y - (int64_t)c->y0) * c->w +
                             (size_t)(p->x0 - (int64_t)c->x0);
        switch (p->size) {
        case 1:
            pack8((uint8_t *)p->samples + row, src, width, high);
            break;
        case 2:
            pack16((uint16_t *)p->samples + row, src, width, high);
            break;
        default:
            pack32((int32_t *)p->samples + row, src, width, low, high);
        }
    }
    return STRIA_OK;
}

/*
 * Decodes a window, given on the reference grid, and packs it into the planes:
 * one for each component. The same opj_image_t serves all calls; its samples
 * are freed component by component as they are packed.
 */
int stria_opj_decode(stria_opj *d, uint32_t x0, uint32_t y0, uint32_t x1,
                     uint32_t y1, const stria_opj_plane *planes, size_t count)
{
    int status = STRIA_OK;

    if (!opj_set_decode_area(d->codec, d->image, (OPJ_INT32)x0, (OPJ_INT32)y0,
                             (OPJ_INT32)x1, (OPJ_INT32)y1) ||
        !opj_decode(d->codec, d->stream, d->image))
        return STRIA_REFUSED;
    if (d->image->numcomps != count)
        return STRIA_MISMATCH;
    for (size_t i = 0; i < count; i++) {
        opj_image_comp_t *c = &d->image->comps[i];
        if (status == STRIA_OK)
            status = pack(&planes[i], c);
        opj_image_data_free(c->data);
        c->data = NULL;
    }
    return status;
}
