#include "formats/download.h"

#define CURL_DISABLE_TYPECHECK /* its macros stand in the way of function pointers */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "formats/files.h"
#include "formats/library_load.h"
#include "fovea/machine.h"

enum { CONNECT_S = 20, REDIRECTS = 5 };

#define FUNCTIONS(X)                                                                                                   \
    X(curl_global_init)                                                                                                \
    X(curl_easy_init)                                                                                                  \
    X(curl_easy_setopt)                                                                                                \
    X(curl_easy_perform)                                                                                               \
    X(curl_easy_getinfo)                                                                                               \
    X(curl_easy_strerror)                                                                                              \
    X(curl_easy_cleanup)

/* Filled once, then only read. */
static struct {
    pthread_once_t once;
    bool ready;
    char reason[256];
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void) {
#define SYMBOL(name) {#name, &library.name},
    const fv_symbol symbols[] = {FUNCTIONS(SYMBOL)};
    library.ready = fv_library_load("libcurl.so.4", symbols, sizeof symbols / sizeof *symbols, library.reason,
                                    sizeof library.reason) &&
                    library.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* A transfer under way. */
typedef struct transfer {
    const fv_download *of;
    CURL *curl;
    int fd;
    uint64_t offset; /* where this transfer's bytes begin in the file */
    uint64_t got;
    bool begun, too_many, stopped, stalled;
    double last_s;    /* when bytes came, or the transfer began */
    int write_reason; /* errno; 0: none */
} transfer;

/* A server that knows no ranges answers 200 and sends all of it. */
static bool begin(transfer *t) {
    long code = 0;
    library.curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    t->begun = true;
    if (t->offset == 0 || code == 206) return true;
    t->offset = 0;
    if (ftruncate(t->fd, 0) == 0 && lseek(t->fd, 0, SEEK_SET) == 0) return true;
    t->write_reason = errno;
    return false;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *context) {
    transfer *t = context;
    size_t total = size * n, done = 0;
    if (!t->begun && !begin(t)) return 0;
    t->got += total;
    t->last_s = fv_now();
    if (t->of->most_bytes && t->offset + t->got > t->of->most_bytes) {
        t->too_many = true;
        return 0;
    }
    while (done < total) {
        ssize_t wrote = write(t->fd, bytes + done, total - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            t->write_reason = errno;
            return 0;
        }
        done += (size_t)wrote;
    }
    return total;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    (void)up_total, (void)up;
    transfer *t = context;
    const fv_download *of = t->of;
    if (of->cancelled && of->cancelled(of->context)) {
        t->stopped = true;
        return 1;
    }
    t->stalled = fv_now() - t->last_s > of->stall_s + (t->begun ? 0 : CONNECT_S);
    if (t->stalled) return 1;
    if (of->on_progress && t->begun)
        of->on_progress(of->context, t->offset + (uint64_t)now, total > 0 ? t->offset + (uint64_t)total : 0);
    return 0;
}

/* libcurl copies texts. Its own low-speed limit is no use: it looks at the mean of some seconds, so that a burst before
 * the silence counts for long. */
static void set_options(transfer *t) {
    const fv_download *of = t->of;
    CURL *curl = t->curl;
    char range[32], agent[48];
    snprintf(agent, sizeof agent, "fovea/%s", fv_version());
    bool local = strncmp(of->url, "file://", 7) == 0;
    library.curl_easy_setopt(curl, CURLOPT_URL, of->url);
    library.curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, local ? "file" : "http,https");
    library.curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    library.curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    library.curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    library.curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    library.curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);
    library.curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    library.curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    library.curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    library.curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    library.curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    library.curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    library.curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (t->offset == 0) return;
    snprintf(range, sizeof range, "%llu-", (unsigned long long)t->offset);
    library.curl_easy_setopt(curl, CURLOPT_RANGE, range);
}

static fv_status explain(const transfer *t, CURLcode code, bool *again, fv_error *error) {
    const char *url = t->of->url, *path = fv_path_shown(t->of->path);
    long answer = 0;
    library.curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (code == CURLE_OK) return FV_OK;
    if (t->stopped)
        return fv_fail(error, FV_E_INTERRUPTED,
                       "%.300s: interrupted; what came is kept, and the same command goes on from there", url);
    if (t->write_reason)
        return fv_fail(error, FV_E_IO, "%s: could not be written: %s", path, strerror(t->write_reason));
    if (t->too_many)
        return fv_fail(error, FV_E_DATA, "%.300s: sends more than the %llu bytes that this file has at most", url,
                       (unsigned long long)t->of->most_bytes);
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        *again = answer == 416; /* there is nothing behind what came: it was the wrong beginning */
        return fv_fail(error, FV_E_IO, "%.300s: the server answers %ld%s", url, answer,
                       answer == 404 ? " (no such file)" : "");
    }
    *again =
        t->got > 0 && (t->stalled || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
                       code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING || code == CURLE_HTTP2_STREAM);
    if (t->stalled) return fv_fail(error, FV_E_IO, "%.300s: nothing came for %d seconds", url, t->of->stall_s);
    return fv_fail(error, FV_E_IO, "%.300s: %.100s", url, library.curl_easy_strerror(code));
}

static fv_status run(transfer *t, bool *again, fv_error *error) {
    off_t end = lseek(t->fd, 0, SEEK_END);
    bool local = strncmp(t->of->url, "file://", 7) == 0;
    struct stat info;
    if (local && stat(t->of->url + 7, &info) == 0 && !S_ISREG(info.st_mode)) /* libcurl would wait for a pipe */
        return fv_fail(error, FV_E_IO, "%.300s: is no file", t->of->url);
    if (local && ftruncate(t->fd, 0) == 0) end = lseek(t->fd, 0, SEEK_SET);
    if (end < 0)
        return fv_fail(error, FV_E_IO, "%s: could not be written: %s", fv_path_shown(t->of->path), strerror(errno));
    t->offset = (uint64_t)end;
    t->last_s = fv_now();
    set_options(t);
    CURLcode code = library.curl_easy_perform(t->curl);
    fv_status status = explain(t, code, again, error);
    if (*again && !t->begun && ftruncate(t->fd, 0) != 0) *again = false; /* 416 */
    return status;
}

fv_status fv_download_run(const fv_download *download, bool *again, fv_error *error) {
    *again = false;
    pthread_once(&library.once, load);
    if (!library.ready)
        return fv_fail(error, FV_E_UNSUPPORTED,
                       "downloads are made by libcurl, which is not here (%s): install it, on Debian with `apt-get "
                       "install libcurl4`",
                       library.reason);
    transfer t = {.of = download, .curl = library.curl_easy_init()};
    if (!t.curl) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(download->path));
    t.fd = open(download->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    fv_status status = t.fd < 0 ? fv_fail(error, FV_E_IO, "%s: could not be written: %s", fv_path_shown(download->path),
                                          strerror(errno))
                                : run(&t, again, error);
    if (t.fd >= 0 && close(t.fd) != 0 && status == FV_OK)
        status =
            fv_fail(error, FV_E_IO, "%s: could not be written: %s", fv_path_shown(download->path), strerror(errno));
    library.curl_easy_cleanup(t.curl);
    return status;
}
