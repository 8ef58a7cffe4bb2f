/* Any bytes as a tar or zip archive: whatever it says, only the members that were asked for are written, and only into
 * the directory that was named. */
#include "fuzz.h"

#include "formats/unpack.h"
#include "npy_test.h"

const unsigned fuzz_rounds = 6000;

static const char *const wanted[] = {"a.bin", "b.bin"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const name = "archive";
    const char *outer = fuzz_directory(&name, 1), *inner = scratch_path(outer, "inner"),
               *path = scratch_path(outer, name);
    fuzz_file(data, size);
    mkdir(inner, 0777);
    for (int zip = 0; zip < 2; zip++) {
        fv_error error = {FV_OK, ""};
        fv_status status =
            zip ? fv_unpack_zip(path, wanted, 2, inner, &error) : fv_unpack_tar(path, wanted, 2, inner, &error);
        FUZZ_NEED(status == FV_OK || (status == FV_E_DATA && error.code == status));
        FUZZ_NEED(scratch_count(outer) == 2 && scratch_count(inner) <= 2);
        for (int i = 0; i < 2; i++) FUZZ_NEED(unlink(scratch_path(inner, wanted[i])) == 0 || status != FV_OK);
    }
    return 0;
}

static void tar_add(bytes *to, const char *name, char type, const char *content) {
    uint8_t header[512] = {0};
    unsigned total = 0;
    size_t n = strlen(content);
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 100, 8, "0000644");
    snprintf((char *)header + 124, 12, "%011o", (unsigned)n);
    header[156] = (uint8_t)type;
    memcpy(header + 257, "ustar", 6);
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++) total += header[i];
    snprintf((char *)header + 148, 8, "%06o", total);
    bytes_add(to, header, 512);
    bytes_add(to, content, n);
    for (size_t pad = (512 - n % 512) % 512; pad > 0; pad--) bytes_add(to, "", 1);
}

bytes fuzz_seed(int index) {
    bytes out = {0};
    if (index < 2) {
        tar_add(&out, "set/", '5', "");
        tar_add(&out, "set/b.bin", '0', "some bytes");
        tar_add(&out, "../../c.bin", '0', "others");
        tar_add(&out, "/tmp/a.bin", '0', "the last");
        for (int i = 0; i < 1024; i++) bytes_add(&out, "", 1);
    }
    if (index == 1) {
        bytes packed = bytes_gzip(&out);
        bytes_free(&out);
        return packed;
    }
    if (index == 2) {
        char *directory = scratch_make();
        const char *path = scratch_path(directory, "x.zip");
        bytes content[2] = {idx_labels(20, 3), idx_labels(2000, 3)};
        zip_put(path, "x/../a.bin", content[0]);
        zip_put(path, "b.bin", content[1]);
        out = bytes_read(path);
        scratch_drop(directory);
    }
    return out;
}
