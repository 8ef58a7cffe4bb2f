/* Any bytes as an image file. The seeds are the smallest files of each format, written by Pillow. */
#include "fuzz.h"

#include "fovea/image.h"

const unsigned fuzz_rounds = 400;

enum { SIDE = 9 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const fv_fit all[] = {FV_FIT_STRETCH, FV_FIT_PAD, FV_FIT_CROP};
    fv_error error = {FV_OK, ""};
    fv_shape shape = {size & 1 ? 1 : 3, SIDE, SIDE + 3};
    uint8_t out[3 * SIDE * (SIDE + 3)];
    fv_status status = fv_image_read_bytes("fuzz", data, size, shape, all[size % 3], false, out, &error);
    FUZZ_NEED(status == FV_OK || (status == FV_E_DATA && strncmp(error.message, "fuzz: ", 6) == 0));
    return 0;
}

enum { SEEDS = 11 };
static const char *const files[SEEDS] = {"colour.png",  "palette.png", "cmyk.jpg",   "progressive.jpg",
                                         "colour.webp", "cmyk.tif",    "colour.tif", "palette.bmp",
                                         "colour.gif",  "colour.ppm",  "alpha.png"};

/* All seeds into memory. Exits 77 where Pillow is missing. */
static void make_seeds(bytes seeds[SEEDS]) {
    char *folder = scratch_make(), command[1200];
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/cli/images/make_folders.py' kinds '%s'",
             FOVEA_SOURCE_DIR, folder);
    if (system(command) != 0) exit(77);
    for (int i = 0; i < SEEDS; i++) seeds[i] = bytes_read(scratch_path(scratch_path(folder, "a"), files[i]));
    scratch_drop(folder);
}

bytes fuzz_seed(int index) {
    static bytes seeds[SEEDS];
    if (!seeds[0].n) make_seeds(seeds);
    return index < SEEDS ? bytes_copy(&seeds[index]) : (bytes){0};
}
