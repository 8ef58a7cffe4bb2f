/* Any bytes as study.json: a page of it, or a message. */
#include "fuzz.h"

#include "fovea/report.h"

const unsigned fuzz_rounds = 2000;

enum { N = 12, CLASSES = 3, SIDE = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t pixels[N * SIDE * SIDE];
    static uint16_t labels[N];
    static fv_prediction predictions[N];
    static float probabilities[N * 1000], distances[N * FV_REPORT_NEAREST], xy[2 * N];
    static uint32_t nearest[N * FV_REPORT_NEAREST];
    const fv_images images = {.n = N, .shape = {1, SIDE, SIDE}, .pixels = pixels, .labels = labels};
    for (uint32_t i = 0; i < N; i++) {
        labels[i] = (uint16_t)(i % CLASSES);
        predictions[i] = (fv_prediction){i, labels[i], (uint16_t)(i / 2 % CLASSES), 0.5f, 0.5f, 0.7f};
        for (uint32_t k = 0; k < FV_REPORT_NEAREST; k++) nearest[i * FV_REPORT_NEAREST + k] = (i + k + 1) % N;
    }
    char *text = malloc(size + 1);
    FUZZ_NEED(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    const fv_report report = {text, N, &images, predictions, probabilities, nearest, distances, xy, {0}, {0}};
    fv_error error = {FV_OK, ""};
    fv_status status = fv_report_write(&report, "/dev/null", &error);
    FUZZ_NEED(status == FV_OK || (status == FV_E_DATA && error.code == status && error.message[0]));
    free(text);
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const files[] = {"study.json", "run.json"};
    return index < 2 ? bytes_read(scratch_path(FOVEA_SOURCE_DIR "/tests/fuzz/seeds/report", files[index])) : (bytes){0};
}
