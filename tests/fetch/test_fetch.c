/* Downloads from a server on loopback that does what servers on bad days do. */
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "npy_test.h"
#include "set_test.h"

#include "formats/fetch.h"
#include "formats/sha256.h"

enum { N_IMAGES = 3000, SIDE = 12 };

static char *served, *cache; /* directories: what the server has; where sets go */
static pid_t server;
static int port;
static char notes[4096], checks[1024];
static int n_progress;
static bool cancel;

/* ---- the server and its files ---- */

static void start_server(void) {
    int ends[2];
    char text[16] = "";
    scratch_need(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    server = fork();
    scratch_need(server >= 0, "fork");
    if (server == 0) {
        dup2(ends[1], 1);
        execl("/usr/bin/python3", "python3", FOVEA_SOURCE_DIR "/tests/fetch/server.py", served, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (read(ends[0], text, sizeof text - 1) <= 0) {
        printf("SKIP: /usr/bin/python3 is missing\n");
        exit(77);
    }
    port = atoi(text);
    close(ends[0]);
}

static void sum(const char *path, char out[65]) {
    fv_sha256 state;
    bytes all = bytes_read(path);
    fv_sha256_init(&state);
    fv_sha256_add(&state, all.at, all.n);
    fv_sha256_hex(&state, out);
    bytes_free(&all);
}

/* Images that do not compress. */
static bytes noise(uint32_t n) {
    bytes out = idx_header(8, 3, (const uint32_t[]){n, SIDE, SIDE});
    uint32_t x = 1;
    for (uint32_t i = 0; i < n * SIDE * SIDE; i++) {
        x = x * 1664525u + 1013904223u;
        bytes_add(&out, &(uint8_t){(uint8_t)(x >> 24)}, 1);
    }
    return out;
}

static void put_gzip(const char *name, bytes content) {
    scratch_put(served, name, bytes_gzip(&content));
    bytes_free(&content);
}

/* A member of a tar archive. */
static void tar_add(bytes *to, const char *name, const bytes *content) {
    uint8_t header[512] = {0};
    unsigned total = 0;
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 100, 8, "0000644");
    snprintf((char *)header + 124, 12, "%011zo", content->n);
    header[156] = '0';
    memcpy(header + 257, "ustar", 6);
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++) total += header[i];
    snprintf((char *)header + 148, 8, "%06o", total);
    bytes_add(to, header, 512);
    bytes_add(to, content->at, content->n);
    for (size_t pad = (512 - content->n % 512) % 512; pad > 0; pad--) bytes_add(to, "", 1);
}

static const char *const names[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"};
static char sums[2][65], content_sums[2][65], tar_sum[65], zip_sum[65];

static bytes member(const char *kind, int i) {
    return strcmp(kind, "images") == 0 ? noise(N_IMAGES / 10 + (uint32_t)i)
                                       : idx_labels(N_IMAGES / 10 + (uint32_t)i, 3);
}

static void make_served(void) {
    bytes images = noise(N_IMAGES), labels = idx_labels(N_IMAGES, 5), tar = {0};
    scratch_put(served, "content0", images);
    scratch_put(served, "content1", labels);
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "content%d", i);
        sum(scratch_path(served, name), content_sums[i]);
    }
    put_gzip(names[0], noise(N_IMAGES));
    put_gzip(names[1], idx_labels(N_IMAGES, 5));
    for (int i = 0; i < 2; i++) sum(scratch_path(served, names[i]), sums[i]);
    for (int i = 0; i < 3; i++) {
        static const char *const files[] = {"deep/../../er/train-images-idx3-ubyte", "deep/train-labels-idx1-ubyte",
                                            "deep/unwanted"};
        bytes content = member(i == 0 ? "images" : "labels", 0);
        tar_add(&tar, files[i], &content);
        bytes_free(&content);
    }
    bytes zeros = {calloc(1024, 1), 1024, 0};
    bytes_add(&tar, zeros.at, zeros.n);
    bytes_free(&zeros);
    put_gzip("set.tar.gz", tar);
    sum(scratch_path(served, "set.tar.gz"), tar_sum);
    for (int i = 0; i < 4; i++) {
        static const char *const sets[] = {"one", "two"}, *const kinds[] = {"images-idx3", "labels-idx1"};
        char name[80];
        bytes content = member(i % 2 ? "labels" : "images", i / 2);
        snprintf(name, sizeof name, "gzip/%s-train-%s-ubyte.gz", sets[i / 2], kinds[i % 2]);
        zip_put(scratch_path(served, "sets.zip"), name, bytes_gzip(&content));
        bytes_free(&content);
    }
    sum(scratch_path(served, "sets.zip"), zip_sum);
}

static int start(void **state) {
    (void)state;
    served = scratch_make();
    make_served();
    start_server();
    return 0;
}

static int stop(void **state) {
    (void)state;
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    scratch_drop(served);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    cache = scratch_make();
    *notes = *checks = 0;
    n_progress = 0;
    cancel = false;
    unlink(scratch_path(served, "requests"));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    scratch_drop(cache);
    return 0;
}

/* ---- asking ---- */

static void on_note(void *context, const char *note) {
    (void)context;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", note);
}

static void on_file(void *context, const char *file, uint64_t size, const char *check) {
    (void)context, (void)size;
    snprintf(checks + strlen(checks), sizeof checks - strlen(checks), "%s: %s\n", file, check);
}

static void on_progress(void *context, const char *file, uint64_t done, uint64_t total) {
    (void)context, (void)file;
    if (total) assert_true(done <= total);
    n_progress++;
}

static bool cancelled(void *context) {
    (void)context;
    return cancel;
}

static const fv_fetch_options asked = {
    .stall_s = 1, .on_progress = on_progress, .on_file = on_file, .on_note = on_note, .cancelled = cancelled};

/* The address of a way to go wrong, in one of eight buffers that take turns. */
static const char *at(const char *way) {
    static char address[8][64];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(address[turn], sizeof address[turn], "http://127.0.0.1:%d/%s/", port, way);
    return address[turn];
}

/* The plain set of two files from these ways, in order. */
static fv_known_source plain(const char *first, const char *second) {
    return (fv_known_source){.set = "plain",
                             .mirrors = {at(first), second ? at(second) : NULL},
                             .files = {{names[0], 0, sums[0], NULL}, {names[1], 0, sums[1], NULL}}};
}

static fv_status get(const fv_known_source *source, fv_error *error) {
    const fv_known_source *const all[] = {source, NULL};
    char path[512];
    fv_status status = fv_fetch_source(source, all, cache, &asked, path, error);
    bool there = access(scratch_path(cache, source->set), F_OK) == 0;
    assert_true(there == (status == FV_OK)); /* whole or not at all */
    if (status == FV_OK) assert_string_equal(path, scratch_path(cache, source->set));
    return status;
}

static void need_right(const char *set) {
    const char *files[] = {scratch_path(scratch_path(cache, set), names[0]),
                           scratch_path(scratch_path(cache, set), names[1])};
    for (int i = 0; i < 2; i++) {
        char found[65];
        sum(files[i], found);
        assert_string_equal(found, sums[i]);
    }
}

static char *requests(void) {
    static char text[4096];
    FILE *f = fopen(scratch_path(served, "requests"), "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = 0;
    if (f) fclose(f);
    return text;
}

static int count(const char *text, const char *word) {
    int n = 0;
    for (const char *from = text; (from = strstr(from, word)); from += strlen(word)) n++;
    return n;
}

/* ---- what must come ---- */

static void ways_that_end_well(void **state) {
    (void)state;
    static const char *const ways[] = {"ok", "norange", "slow", "redirect", "cutnorange"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        fv_error error = {FV_OK, ""};
        fv_known_source source = plain(ways[i], NULL);
        char set[16];
        snprintf(set, sizeof set, "set%zu", i);
        source.set = set;
        if (get(&source, &error) != FV_OK) fail_msg("%s: %s", ways[i], error.message);
        need_right(set);
    }
    assert_true(n_progress > 0);
    assert_null(strstr(notes, "wrong checksum")); /* nothing was put together wrongly on the way */
    assert_int_equal(count(checks, "SHA-256 right"), 10);
    assert_int_equal(scratch_count(cache), 5);
    assert_int_equal(access(scratch_path(cache, ".set0.part"), F_OK), -1);
}

/* What came before a cut is not asked for again. */
static void cut_downloads_go_on(void **state) {
    (void)state;
    fv_known_source source = plain("cut", NULL);
    struct stat info;
    scratch_need(stat(scratch_path(served, names[0]), &info) == 0, "stat");
    assert_int_equal(get(&source, NULL), FV_OK);
    long half = (long)info.st_size / 2, more = half + ((long)info.st_size - half) / 2;
    char expected[256];
    snprintf(expected, sizeof expected, "cut %s -\ncut %s bytes=%ld-\ncut %s bytes=%ld-\n", names[0], names[0], half,
             names[0], more);
    assert_memory_equal(requests(), expected, strlen(expected));
}

/* Nor what the last run left. */
static void interrupted_downloads_go_on(void **state) {
    (void)state;
    fv_known_source source = plain("ok", NULL);
    bytes left = bytes_read(scratch_path(served, names[0]));
    left.n = 1000;
    scratch_put(scratch_subdirectory(cache, ".plain.part"), names[0], left);
    assert_int_equal(get(&source, NULL), FV_OK);
    need_right("plain");
    char expected[80];
    snprintf(expected, sizeof expected, "ok %s bytes=1000-\nok %s -\n", names[0], names[1]);
    assert_string_equal(requests(), expected);
}

/* A beginning that does not fit what is served now: once more from the start. */
static void wrong_beginnings_are_dropped(void **state) {
    (void)state;
    fv_known_source source = plain("ok", NULL);
    struct stat info;
    scratch_need(stat(scratch_path(served, names[0]), &info) == 0, "stat");
    for (int way = 0; way < 3; way++) { /* too short, as long, longer */
        char set[16];
        bytes other = {0};
        long n = way == 0 ? 1000 : way == 1 ? (long)info.st_size : (long)info.st_size + 7;
        for (long i = 0; i < n; i++) bytes_add(&other, "x", 1);
        snprintf(set, sizeof set, "other%d", way);
        source.set = set;
        char part[32];
        snprintf(part, sizeof part, ".%s.part", set);
        scratch_put(scratch_subdirectory(cache, part), names[0], other);
        fv_error error = {FV_OK, ""};
        if (get(&source, &error) != FV_OK) fail_msg("%d: %s", way, error.message);
        need_right(set);
    }
}

static void the_next_mirror_is_asked(void **state) {
    (void)state;
    static const struct {
        const char *way, *note;
    } rows[] = {{"missing", "answers 404 (no such file)"},
                {"broken", "answers 500"},
                {"short", "wrong checksum"},
                {"long", "wrong checksum"},
                {"wrong", "wrong checksum"},
                {"loop", "redirect"},
                {"elsewhere", "rotocol"},
                {"stall", "nothing came for 1 seconds"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char set[16];
        fv_error error = {FV_OK, ""};
        fv_known_source source = plain(rows[i].way, "ok");
        snprintf(set, sizeof set, "set%zu", i);
        source.set = set;
        *notes = 0;
        if (get(&source, &error) != FV_OK) fail_msg("%s: %s", rows[i].way, error.message);
        if (!strstr(notes, rows[i].note)) fail_msg("%s: %s", rows[i].way, notes);
        need_right(set);
    }
}

/* ---- what must not ---- */

static void broken_files_do_not_come(void **state) {
    (void)state;
    static const char *const ways[] = {"short", "long", "wrong"};
    for (int i = 0; i < 3; i++) {
        fv_error error = {FV_OK, ""};
        fv_known_source source = plain(ways[i], NULL);
        assert_int_equal(get(&source, &error), FV_E_DATA);
        assert_non_null(strstr(error.message, "no mirror gave it"));
        assert_int_equal(access(scratch_path(scratch_path(cache, ".plain.part"), names[0]), F_OK), -1);
    }
}

/* The message has every address, the files, and what to do without a network. */
static void no_network_is_explained(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("missing", NULL);
    source.mirrors[1] = "http://127.0.0.1:9/closed/"; /* the port that discards: nobody listens */
    source.mirrors[2] = "http://no-such-host.invalid/";
    assert_int_equal(get(&source, &error), FV_E_IO);
    assert_non_null(strstr(error.message, source.mirrors[0]));
    assert_non_null(strstr(error.message, source.mirrors[1]));
    assert_non_null(strstr(error.message, source.mirrors[2]));
    assert_non_null(strstr(error.message, names[0]));
    assert_non_null(strstr(error.message, names[1]));
    assert_non_null(strstr(error.message, "fovea data get plain --mirror file://"));
    assert_non_null(strstr(notes, "Couldn't connect"));
    assert_non_null(strstr(notes, "Couldn't resolve host"));
}

/* A file is as long as the book says, and some: a server cannot fill the disk. */
static void endless_answers_are_cut(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("endless", NULL);
    source.files[0].size_bytes = 500000;
    assert_int_equal(get(&source, &error), FV_E_DATA);
    assert_non_null(strstr(notes, "more than the 1548576 bytes"));
    assert_int_equal(access(scratch_path(scratch_path(cache, ".plain.part"), names[0]), F_OK), -1);
    source.files[0].size_bytes = 0; /* not known */
    assert_int_equal(get(&source, &error), FV_E_DATA);
    assert_non_null(strstr(notes, "more than the 67108864 bytes"));
}

/* Places and addresses are taken whole or refused, not cut. */
static void long_names_are_refused(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("ok", NULL);
    const fv_known_source *const all[] = {&source, NULL};
    char path[512], deep[512], address[600];
    size_t n = strlen(cache);
    snprintf(deep, sizeof deep, "%s", cache);
    for (; n < 500; n++) deep[n] = n % 100 ? 'd' : '/';
    deep[n] = 0;
    assert_int_equal(fv_fetch_source(&source, all, deep, &asked, path, &error), FV_E_IO);
    assert_non_null(strstr(error.message, "the path is too long"));
    snprintf(address, sizeof address, "%s%0500d", at("ok"), 0);
    const fv_fetch_options by_address = {.mirror = address};
    assert_int_equal(fv_fetch_source(&source, all, cache, &by_address, path, &error), FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "address is too long"));
}

/* In a folder that a stranger made. */
static void a_pipe_is_not_waited_for(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    const char *folder = scratch_subdirectory(served, "pipes");
    char address[600];
    fv_known_source source = plain("ok", NULL);
    const fv_known_source *const all[] = {&source, NULL};
    char path[512];
    const fv_fetch_options by_address = {.mirror = address};
    snprintf(address, sizeof address, "file://%s", folder);
    scratch_need(mkfifo(scratch_path(folder, names[0]), 0600) == 0, "a pipe");
    alarm(20); /* the end, where it is waited for */
    assert_int_equal(fv_fetch_source(&source, all, cache, &by_address, path, &error), FV_E_IO);
    alarm(0);
    assert_non_null(strstr(error.message, "is no file"));
}

static void interruption_is_told(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("slow", "ok");
    cancel = true;
    assert_int_equal(get(&source, &error), FV_E_INTERRUPTED);
    assert_null(strstr(requests(), "ok ")); /* no other mirror is asked */
}

/* Without a sum the size must be right, and the caller hears that nothing better is known. */
static void sizes_are_checked_where_sums_are_missing(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("ok", NULL);
    struct stat info[2];
    for (int i = 0; i < 2; i++) {
        scratch_need(stat(scratch_path(served, names[i]), &info[i]) == 0, "stat");
        source.files[i].sha256 = NULL;
        source.files[i].size_bytes = (uint64_t)info[i].st_size;
    }
    assert_int_equal(get(&source, &error), FV_OK);
    assert_int_equal(count(checks, "size right; no checksum is published"), 2);
    source.set = "again";
    source.files[0].size_bytes++;
    assert_int_equal(get(&source, &error), FV_E_DATA);
}

/* The wrapper may differ where the content's sum is known. */
static void contents_are_checked_by_their_sums(void **state) {
    (void)state;
    fv_known_source source = plain("ok", NULL);
    for (int i = 0; i < 2; i++) {
        source.files[i].sha256 = "0000000000000000000000000000000000000000000000000000000000000000";
        source.files[i].content = content_sums[i];
    }
    assert_int_equal(get(&source, NULL), FV_OK);
    assert_int_equal(count(checks, "SHA-256 of the content right"), 2);
    source.set = "again";
    source.files[1].content = content_sums[0];
    assert_int_equal(get(&source, NULL), FV_E_DATA);
}

/* Files that are all right, but no data set together. */
static void sets_that_do_not_open_take_no_place(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("ok", NULL);
    source.files[1].name = NULL;
    assert_int_equal(get(&source, &error), FV_E_IO);
    assert_non_null(strstr(error.message, "labels"));
}

static void a_set_that_is_there_is_left_alone(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = plain("ok", NULL);
    assert_int_equal(get(&source, &error), FV_OK);
    unlink(scratch_path(served, "requests"));
    assert_int_equal(get(&source, &error), FV_OK);
    assert_string_equal(requests(), "");
    scratch_text(scratch_path(cache, "plain"), names[1], "broken");
    const fv_known_source *const all[] = {&source, NULL};
    char path[512];
    assert_int_equal(fv_fetch_source(&source, all, cache, &asked, path, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "is there, but broken: remove it"));
}

/* ---- archives ---- */

static void tar_is_unpacked(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    fv_known_source source = {.set = "packed",
                              .mirrors = {at("ok")},
                              .files = {{"set.tar.gz", 0, tar_sum, NULL}},
                              .packing = FV_PACKED_TAR,
                              .members = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}};
    if (get(&source, &error) != FV_OK) fail_msg("%s", error.message);
    assert_int_equal(scratch_count(scratch_path(cache, "packed")), 2); /* and nothing that was not wanted */
    fv_dataset *set = set_open(scratch_path(cache, "packed"));
    assert_int_equal(set->train.n + set->test.n, N_IMAGES / 10);
    fv_dataset_destroy(set);
    source.set = "lacking";
    source.members[2] = "train-more";
    assert_int_equal(get(&source, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "has no train-more"));
    assert_int_equal(access(scratch_path(cache, ".lacking.new"), F_OK), -1);
}

/* One archive brings the sets that are in it. */
static void zip_brings_all_its_sets(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    char path[512];
    fv_known_source one = {.set = "one",
                           .mirrors = {at("ok")},
                           .files = {{"sets.zip", 0, zip_sum, NULL}},
                           .packing = FV_PACKED_ZIP,
                           .members = {"one-train-images-idx3-ubyte.gz", "one-train-labels-idx1-ubyte.gz"}},
                    two = one;
    two.set = "two";
    two.members[0] = "two-train-images-idx3-ubyte.gz";
    two.members[1] = "two-train-labels-idx1-ubyte.gz";
    const fv_known_source *const all[] = {&one, &two, NULL};
    if (fv_fetch_source(&two, all, cache, &asked, path, &error) != FV_OK) fail_msg("%s", error.message);
    assert_string_equal(path, scratch_path(cache, "two"));
    for (int i = 0; i < 2; i++) {
        fv_dataset *set = set_open(scratch_path(cache, i ? "two" : "one"));
        assert_int_equal(set->train.n + set->test.n, N_IMAGES / 10 + i);
        fv_dataset_destroy(set);
    }
    assert_int_equal(access(scratch_path(cache, ".sets.zip.part"), F_OK), -1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(cut_downloads_go_on), /* the server cuts the first two requests of a file that it hears */
        TEST(ways_that_end_well),
        TEST(interrupted_downloads_go_on),
        TEST(wrong_beginnings_are_dropped),
        TEST(the_next_mirror_is_asked),
        TEST(broken_files_do_not_come),
        TEST(no_network_is_explained),
        TEST(endless_answers_are_cut),
        TEST(long_names_are_refused),
        TEST(a_pipe_is_not_waited_for),
        TEST(interruption_is_told),
        TEST(sizes_are_checked_where_sums_are_missing),
        TEST(contents_are_checked_by_their_sums),
        TEST(sets_that_do_not_open_take_no_place),
        TEST(a_set_that_is_there_is_left_alone),
        TEST(tar_is_unpacked),
        TEST(zip_brings_all_its_sets),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
