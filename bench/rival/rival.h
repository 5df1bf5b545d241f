/* This file declares what Go sees of the rival: see rival.c. */

#ifndef STRIA_BENCH_RIVAL_H
#define STRIA_BENCH_RIVAL_H

#include <openjpeg.h>
#include <stdint.h>

/* The decoded image, or a message. */
typedef struct {
    opj_image_t *image;
    char message[256];
} rival_result;

/* An area of x0 >= x1 is the whole. */
void rival_decode(const char *path, int jp2, uint32_t x0, uint32_t y0,
                  uint32_t x1, uint32_t y1, uint32_t reduce, int threads,
                  rival_result *result);

#endif
