/* Any bytes as the text of an augmentation, for images of several shapes: read, or refused with a message; what is read
 * is written out, reads the same again, and is applied and mixed. */
#include "fuzz.h"

#include "augment/transform.h"

const unsigned fuzz_rounds = 40000;

enum { LONGEST = 400, IMAGES = 3 };

static void run(const fv_augment *augment, fv_shape shape) {
    const size_t size = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    uint8_t *in = malloc(size), *out = malloc(IMAGES * size), *scratch = malloc(fv_augment_scratch(augment) + 1);
    fv_mixture mixture;
    FUZZ_NEED(in && out && scratch);
    for (size_t i = 0; i < size; i++) in[i] = (uint8_t)(i * i % 251);
    for (uint32_t i = 0; augment && i < IMAGES; i++) fv_augment_apply(augment, 1, 0, i, in, out + i * size, scratch);
    if (augment) fv_augment_mix(augment, 1, 0, 0, IMAGES, out, &mixture, scratch);
    for (int l = 0; augment && l < FV_BLOCK_IMAGES; l++)
        FUZZ_NEED(mixture.partner[l] < FV_BLOCK_IMAGES && mixture.share[l] >= 0 && mixture.share[l] <= 1);
    free(in);
    free(out);
    free(scratch);
}

static void read_text(const char *text, fv_shape shape) {
    fv_error error = {FV_OK, ""};
    fv_augment *augment, *again;
    const fv_status status = fv_augment_create(text, shape, &augment, &error);
    if (status != FV_OK) {
        FUZZ_NEED((status == FV_E_TEXT || status == FV_E_SHAPE) && error.code == status && error.message[0]);
        return;
    }
    FUZZ_NEED(fv_augment_create(fv_augment_text(augment), shape, &again, &error) == FV_OK);
    FUZZ_NEED(strcmp(fv_augment_text(augment), fv_augment_text(again)) == 0);
    run(augment, shape);
    fv_augment_destroy(augment);
    fv_augment_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const fv_shape shapes[] = {{1, 28, 28}, {3, 9, 12}, {2, 1, 5}};
    char text[LONGEST + 1] = "";
    memcpy(text, data, size < LONGEST ? size : LONGEST);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) read_text(text, shapes[s]);
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const seeds[] = {
        "rotation 30 nearest, affine degrees 10 translate 0.1 scale_min 0.8 scale_max 1.2 shear 5, crop 2, hflip",
        "translate 0.3, scale 0.5 2, shear 40, resize 0.9 1.1, vflip 0.2",
        "resized_crop 0.1 0.9 ratio_min 0.2 ratio_max 5, perspective 1 1, elastic 100 0.5, grid_distortion 9 0.9 1",
        "brightness 2, contrast 2, saturation 2, hue 0.5, color_jitter 1 1 1 0.5, sharpness 9 1",
        "invert, posterize 0 1, solarize 3 1, equalize 1, autocontrast 1, gaussian_blur 3 0.01 9",
        "motion_blur 7 1, median_blur 9 1, gaussian_noise 1, salt_and_pepper 0 1 1, erasing 1, coarse_dropout 9 0 1 1",
        "apply 0.5, trivialaugment, randaugment 14 30, mixup 0.01",
        "mild, strong, cutmix 100"};
    bytes seed = {0};
    if (index < (int)(sizeof seeds / sizeof *seeds)) bytes_add(&seed, seeds[index], strlen(seeds[index]));
    return seed;
}
