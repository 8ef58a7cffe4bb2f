/* Any bytes as an IDX file, plain or gzip. */
#include "fuzz.h"

#include "data/images.h"
#include "formats/idx.h"

const unsigned fuzz_rounds = 20000;

static void need_message(fv_status status, const fv_error *error) {
    FUZZ_NEED(status == FV_E_DATA && error->code == status && strncmp(error->message, "/proc/self/fd/", 14) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    fv_error error = {FV_OK, ""};
    fv_images images;
    uint16_t *labels;
    size_t n;
    fv_status status = fv_idx_read_images(path, &images, &error);
    if (status == FV_OK) {
        fv_shape shape = images.shape;
        FUZZ_NEED(images.n >= 1 && shape.c >= 1 && shape.c <= FV_MAX_CHANNELS && shape.h >= 1 &&
                  shape.h <= FV_MAX_SIDE && shape.w >= 1 && shape.w <= FV_MAX_SIDE);
        volatile uint8_t last = images.pixels[images.n * fv_image_size(shape) - 1];
        (void)last;
        fv_images_deinit(&images);
    } else {
        need_message(status, &error);
    }
    status = fv_idx_read_labels(path, &labels, &n, &error);
    if (status == FV_OK) {
        for (size_t i = 0; i < n; i++) FUZZ_NEED(labels[i] < FV_MAX_CLASSES);
        free(labels);
    } else {
        need_message(status, &error);
    }
    return 0;
}

bytes fuzz_seed(int index) {
    uint32_t n = 5;
    bytes plain = {0};
    switch (index) {
    case 0:
        return idx_images(9, 5, 6, 0);
    case 1:
        return idx_labels(30, 7);
    case 2:
        plain = idx_header(0x0b, 1, &n);
        bytes_add(&plain, "\0\1\0\2\3\3\0\4\1\5", 10);
        return plain;
    case 3:
        plain = idx_header(8, 4, (const uint32_t[]){2, 3, 2, 2});
        bytes_add(&plain, "0123456789abcdefghijklmn", 24);
        return plain;
    case 6:
        plain = idx_header(0x0c, 2, (const uint32_t[]){2, 3});
        bytes_add(&plain, "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6", 24);
        return plain;
    case 4:
    case 5:
        plain = index == 4 ? idx_images(9, 5, 6, 0) : idx_labels(30, 7);
        break;
    default:
        return plain;
    }
    bytes packed = bytes_gzip(&plain);
    bytes_free(&plain);
    return packed;
}
