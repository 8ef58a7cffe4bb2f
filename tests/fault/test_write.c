/* Writing: whole or not at all, whatever the disk does. */
#include "directory_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "formats/files.h"
#include "formats/safetensors.h"

/* The library's own calls, as the linker puts these in their place: what was done, a letter each; the `fails`-th, from
 * 1, fails. */
static char done[64];
static size_t n_done, fails;

static bool note(char what) {
    if (n_done < sizeof done - 1) done[n_done++] = what;
    errno = ENOSPC;
    return n_done == fails;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    return note(S_ISDIR(info.st_mode) ? 'd' : 's') ? -1 : __real_fsync(fd);
}
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
    return note('r') ? -1 : __real_rename(from, to);
}
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    const int result = __real_close(fd);
    return note('c') ? -1 : result;
}
ssize_t __real_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n) {
    return note('w') ? -1 : __real_write(fd, from, n);
}

static void begin(size_t n) {
    memset(done, 0, sizeof done);
    n_done = 0;
    fails = n;
}

static void assert_holds(const char *path, const char *text) {
    char *data;
    size_t size;
    assert_int_equal(fv_file_read(path, 1000, &data, &size, NULL), FV_OK);
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
    free(data);
}

static void files_are_written_and_replaced(void **state) {
    (void)state;
    const char *path = scratch_path(directory, "file");
    assert_int_equal(fv_file_write(path, "old", 3, NULL), FV_OK);
    assert_holds(path, "old");
    const fv_part parts[] = {{"new ", 4}, {NULL, 0}, {"content", 7}};
    assert_int_equal(fv_file_write_parts(path, parts, 3, NULL), FV_OK);
    assert_holds(path, "new content");
    assert_int_equal(fv_file_write(path, NULL, 0, NULL), FV_OK);
    assert_holds(path, "");
    assert_int_equal(scratch_count(directory), 1);
}

/* Written, synced, closed, renamed, and then the directory synced: no crash of the machine leaves half a file. Each may
 * fail: the old file is there until the new one has its name, and nothing else is left. */
static void a_file_is_synced_before_it_has_its_name(void **state) {
    (void)state;
    static const char order[] = "wscrd";
    const char *path = scratch_path(directory, "file");
    assert_int_equal(fv_file_write(path, "old", 3, NULL), FV_OK);
    for (size_t n = 1; n < sizeof order; n++) {
        fv_error error = {FV_OK, ""};
        begin(n);
        const fv_status status = fv_file_write(path, "new", 3, &error);
        begin(0);
        assert_int_equal(status, FV_E_IO);
        assert_non_null(strstr(error.message, strerror(ENOSPC)));
        assert_holds(path, order[n - 1] == 'd' ? "new" : "old");
        assert_int_equal(scratch_count(directory), 1);
    }
    begin(0);
    assert_int_equal(fv_file_write(path, "newer", 5, NULL), FV_OK);
    assert_memory_equal(done, order, sizeof order - 1);
    assert_holds(path, "newer");
}

static void permissions_follow_the_umask(void **state) {
    (void)state;
    const char *path = scratch_path(directory, "file");
    struct stat info;
    mode_t old = umask(027);
    assert_int_equal(fv_file_write(path, "x", 1, NULL), FV_OK);
    umask(old);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void links_are_followed(void **state) {
    (void)state;
    const char *path = scratch_path(directory, "file"), *link = scratch_path(directory, "link");
    struct stat info;
    assert_int_equal(fv_file_write(path, "old", 3, NULL), FV_OK);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(fv_file_write(link, "new", 3, NULL), FV_OK);
    assert_holds(path, "new");
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

/* The disk is full after `room` bytes, for every room below the file's size: the old file stays, nothing else does. */
static void a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = scratch_path(directory, "x.safetensors");
    static const uint8_t values[300];
    const fv_named_tensor tensor = {"a", FV_UINT8, 1, {300}, values};
    enum { SIZE = 192 + 300 };
    struct rlimit all, small;
    getrlimit(RLIMIT_FSIZE, &all);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(fv_file_write(path, "old", 3, NULL), FV_OK);
    for (rlim_t room = 0; room <= SIZE; room++) {
        fv_error error = {FV_OK, ""};
        small = all;
        small.rlim_cur = room;
        setrlimit(RLIMIT_FSIZE, &small);
        fv_status status = fv_safetensors_write(path, &tensor, 1, NULL, 0, &error);
        setrlimit(RLIMIT_FSIZE, &all);
        assert_int_equal(scratch_count(directory), 1);
        if (room == SIZE) {
            assert_int_equal(status, FV_OK);
        } else {
            assert_int_equal(status, FV_E_IO);
            assert_non_null(strstr(error.message, path));
            assert_non_null(strstr(error.message, strerror(EFBIG)));
            assert_holds(path, "old");
        }
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void a_full_device_is_told(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    struct stat info;
    assert_int_equal(fv_file_write("/dev/full", "x", 1, &error), FV_E_IO);
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(fv_file_write("/dev/null", "x", 1, &error), FV_OK);
}

static void places_that_cannot_be_written_are_told(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_file_write(scratch_path(directory, "none/file"), "x", 1, &error), FV_E_IO);
    assert_non_null(strstr(error.message, "none/file"));
    assert_int_equal(fv_file_write(directory, "x", 1, &error), FV_E_IO);
    assert_int_equal(fv_directory_writable(directory, &error), FV_OK);
    assert_int_equal(scratch_count(directory), 0);
    assert_int_equal(fv_directory_writable(scratch_path(directory, "none"), &error), FV_E_IO);
    assert_int_equal(fv_directory_writable("/proc", &error), FV_E_IO);
    assert_non_null(strstr(error.message, "/proc"));
}

static void reading_is_bounded(void **state) {
    (void)state;
    const char *path = scratch_path(directory, "file");
    char *data;
    size_t size;
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_file_write(path, "0123456789", 10, NULL), FV_OK);
    assert_int_equal(fv_file_read(path, 9, &data, &size, &error), FV_E_DATA);
    assert_int_equal(fv_file_read(path, 10, &data, &size, &error), FV_OK);
    free(data);
    assert_int_equal(fv_file_read("/dev/zero", 1 << 20, &data, &size, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "is a pipe or a device"));
    assert_int_equal(fv_file_read(directory, 1 << 20, &data, &size, &error), FV_E_IO);
    assert_int_equal(fv_file_read(scratch_path(directory, "none"), 1 << 20, &data, &size, &error), FV_E_IO);
    assert_non_null(strstr(error.message, strerror(ENOENT)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(files_are_written_and_replaced),         TEST(a_file_is_synced_before_it_has_its_name),
        TEST(permissions_follow_the_umask),           TEST(links_are_followed),
        TEST(a_full_disk_leaves_the_old_file),        TEST(a_full_device_is_told),
        TEST(places_that_cannot_be_written_are_told), TEST(reading_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
