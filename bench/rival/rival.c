/* This file implements the order of calls of opj_decompress. */

#include "rival.h"

#include <string.h>

static void on_error(const char *message, void *user)
{
    rival_result *r = user;

    if (r->message[0] == '\0')
        strncpy(r->message, message, sizeof r->message - 1);
}

void rival_decode(const char *path, int jp2, uint32_t x0, uint32_t y0,
                  uint32_t x1, uint32_t y1, uint32_t reduce, int threads,
                  rival_result *result)
{
    opj_dparameters_t parameters;
    opj_codec_t *codec =
        opj_create_decompress(jp2 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
    opj_stream_t *stream =
        opj_stream_create_file_stream(path, OPJ_J2K_STREAM_CHUNK_SIZE, OPJ_TRUE);
    opj_image_t *image = NULL;
    int ok = 0;

    memset(result, 0, sizeof *result);
    if (codec != NULL && stream != NULL) {
        opj_set_default_decoder_parameters(&parameters);
        parameters.cp_reduce = reduce;
        opj_set_error_handler(codec, on_error, result);
        ok = opj_setup_decoder(codec, &parameters) &&
             opj_decoder_set_strict_mode(codec, OPJ_TRUE) &&
             opj_codec_set_threads(codec, threads) &&
             opj_read_header(stream, codec, &image) &&
             (x0 >= x1 || opj_set_decode_area(codec, image, (OPJ_INT32)x0,
                                              (OPJ_INT32)y0, (OPJ_INT32)x1,
                                              (OPJ_INT32)y1)) &&
             opj_decode(codec, stream, image) &&
             opj_end_decompress(codec, stream);
    }
    if (stream != NULL)
        opj_stream_destroy(stream);
    if (codec != NULL)
        opj_destroy_codec(codec);
    if (!ok) {
        opj_image_destroy(image);
        image = NULL;
    }
    result->image = image;
}
