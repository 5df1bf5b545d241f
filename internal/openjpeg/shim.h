/* This file declares what Go sees of the shim: see shim.c. */

#ifndef STRIA_OPENJPEG_SHIM_H
#define STRIA_OPENJPEG_SHIM_H

#if defined(__has_include)
#if !__has_include(<openjpeg.h>)
#error "OpenJPEG's headers are missing: install libopenjp2-7-dev (Debian, Ubuntu), openjpeg2-devel (Fedora), openjpeg-dev (Alpine) or openjpeg (Homebrew), and pkg-config"
#endif
#endif

#include <openjpeg.h>
#include <opj_config.h>
#include <stddef.h>
#include <stdint.h>

#if OPJ_VERSION_MAJOR < 2 || (OPJ_VERSION_MAJOR == 2 && OPJ_VERSION_MINOR < 5)
#error "OpenJPEG 2.5.0 or newer is needed: install libopenjp2-7-dev (Debian 12, Ubuntu 24.04 or newer), openjpeg2-devel (Fedora), openjpeg-dev (Alpine) or openjpeg (Homebrew)"
#endif

/* What came of a call. */
enum {
    STRIA_OK = 0,
    STRIA_REFUSED,   /* OpenJPEG refused the data; see stria_opj_message */
    STRIA_NO_MEMORY, /* the shim or its first allocations failed */
    STRIA_MISMATCH   /* OpenJPEG's planes are not those that were expected */
};

/* One codec over one codestream, and what belongs to it. */
typedef struct stria_opj stria_opj;

/* What the header says of a component. */
typedef struct {
    uint32_t dx, dy; /* XRsiz, YRsiz */
    uint32_t depth;  /* bits a sample */
    uint32_t sgnd;   /* samples are signed */
} stria_opj_component;

/* What the header says of the image: bounds on the reference grid. */
typedef struct {
    uint32_t x0, y0, x1, y1, components;
} stria_opj_image;

/* Where the samples of one component go. */
typedef struct {
    void *samples;          /* of the first sample of the bounds; may be NULL if they are empty */
    size_t stride;          /* in samples */
    int32_t x0, y0, x1, y1; /* bounds, component grid */
    uint32_t depth, sgnd;   /* as expected */
    uint32_t size;          /* bytes a sample: 1 and 2 are unsigned, 4 is signed */
} stria_opj_plane;

/* The two results of opening. With STRIA_NO_MEMORY, decoder is NULL. */
typedef struct {
    stria_opj *decoder;
    int status;
} stria_opj_opened;

stria_opj_opened stria_opj_open(const void *stream, size_t length, int threads);
void stria_opj_close(stria_opj *d);
int stria_opj_decode(stria_opj *d, uint32_t x0, uint32_t y0, uint32_t x1,
                     uint32_t y1, const stria_opj_plane *planes, size_t count);

stria_opj_image stria_opj_header(const stria_opj *d);
stria_opj_component stria_opj_header_component(const stria_opj *d, uint32_t i);
const char *stria_opj_message(const stria_opj *d);
void stria_opj_trim(void);
void stria_opj_settle(void);
size_t stria_opj_holds(const stria_opj *d);

#endif
