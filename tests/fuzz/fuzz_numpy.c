/* Any bytes as an .npz archive, and as an .npy array. */
#include "fuzz.h"

#include "data/images.h"
#include "formats/npy.h"
#include "npy_test.h"

const unsigned fuzz_rounds = 8000;

static void need_message(fv_status status, const fv_error *error) {
    FUZZ_NEED(status == FV_E_DATA && error->code == status && strncmp(error->message, "/proc/self/fd/", 14) == 0);
}

static void read_weights(const char *path) {
    fv_error error = {FV_OK, ""};
    fv_source *source;
    float values[12];
    if (fv_source_open(path, &source, &error) != FV_OK) return;
    fv_status status = fv_npy_read_floats(source, 2, (int[]){3, 4}, values, &error);
    fv_source_close(source);
    if (status != FV_OK) need_message(status, &error);
}

static void read_array(const char *path) {
    fv_error error = {FV_OK, ""};
    fv_source *source;
    fv_images found;
    uint16_t *labels;
    size_t n;
    for (int images = 0; images < 2; images++) {
        fv_status status = fv_source_open(path, &source, &error);
        if (status != FV_OK) { /* a gzip stream that is none */
            need_message(status, &error);
            return;
        }
        status = images ? fv_npy_read_images(source, &found, &error) : fv_npy_read_labels(source, &labels, &n, &error);
        fv_source_close(source);
        if (status != FV_OK) {
            need_message(status, &error);
        } else if (images) {
            volatile uint8_t last = found.pixels[found.n * fv_image_size(found.shape) - 1];
            (void)last;
            fv_images_deinit(&found);
        } else {
            for (size_t i = 0; i < n; i++) FUZZ_NEED(labels[i] < FV_MAX_CLASSES);
            free(labels);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const name = "x.npz";
    read_array(fuzz_file(data, size));
    read_weights(fuzz_file(data, size));
    fuzz_open_set(scratch_path(fuzz_directory(&name, 1), name));
    return 0;
}

static bytes archive(int deflated) {
    char *directory = scratch_make();
    const char *path = scratch_path(directory, "x.npz");
    zip_put(path, "train_images.npy", npy_images("(14, 2, 3)", 84, 0));
    zip_put(path, "train_labels.npy", npy_labels(14, 2));
    zip_put(path, "val_images.npy", npy_images("(3, 2, 3)", 18, 0));
    zip_put(path, "val_labels.npy", npy_labels(3, 2));
    zip_put(path, "test_images.npy", npy_images("(3, 2, 3)", 18, 0));
    zip_put(path, "test_labels.npy", npy_labels(3, 2));
    zip_t *zip = zip_open(path, 0, NULL);
    FUZZ_NEED(zip != NULL);
    for (zip_uint64_t i = 0; i < 6; i++)
        FUZZ_NEED(zip_set_file_compression(zip, i, deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 9) == 0);
    FUZZ_NEED(zip_close(zip) == 0);
    bytes out = bytes_read(path);
    scratch_drop(directory);
    return out;
}

bytes fuzz_seed(int index) {
    static bytes archives[2];
    switch (index) {
    case 0:
    case 1:
        if (!archives[index].at) archives[index] = archive(index);
        return bytes_copy(&archives[index]);
    case 2:
        return npy_images("(4, 5, 3)", 60, 0);
    case 3:
        return npy_images("(4, 3, 2, 3)", 72, 0);
    case 4:
        return npy_labels(20, 10);
    case 5:
        return npy_raw("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", "\0\0\0\1\0\0\3\0", 8);
    case 6:
        return npy_raw("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
                       "0123456789ab0123456789ab0123456789ab0123456789ab", 48);
    default:
        return (bytes){0};
    }
}
