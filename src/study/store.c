/* What a study keeps of a training that has ended, so that it can go on without it: trainings/<key>.safetensors, gone
 * when the study is done. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "formats/epoch_row.h"
#include "formats/files.h"
#include "formats/safetensors.h"
#include "formats/safetensors_types.h"
#include "formats/sha256.h"
#include "fovea/machine.h"
#include "nn/net.h"
#include "study/study.h"

enum { KEY_SIZE = 8192, PATH_SIZE = 1200, N_SCORE = 3, N_PREDICTION = 6 };
enum { EPOCHS, TIME_S, WALL_S, VALIDATION, TEST = VALIDATION + N_SCORE, MACRO = TEST + N_SCORE, N_NUMBERS = MACRO + 2 };

static bool is_final(const fv_study *s, const fv_job *job) {
    return s->final_job >= 0 && job == &s->jobs[s->final_job];
}

/* All that a training depends on, and whether its weights are kept. */
static void write_key(const fv_study *s, const fv_job *job, char key[KEY_SIZE]) {
    const fv_study_options *o = s->options;
    snprintf(
        key, KEY_SIZE,
        "fovea %s\nmodel %s\naugment %s\nfraction %.17g\nseed %llu\nepochs %d\nbatch %d\noptimizer %s\nlearning rate "
        "%.17g\nschedule %s\nvalidation %.17g\nsplit seed %llu\npad %d\ntraining %s\ntest %s\nfigures %d\nweights %d",
        fv_version(), job->text, job->augment, job->fraction, (unsigned long long)job->seed, o->epochs, o->batch,
        o->optimizer, o->learning_rate, o->schedule, o->validation, (unsigned long long)o->split_seed, s->pad,
        s->dataset->train_sha256, s->dataset->test_sha256,
        (job->parts & (FV_PART_AUGMENTATION | FV_PART_ARCHITECTURE)) != 0, is_final(s, job));
}

static fv_status path_of(const fv_study *s, const char *key, char path[PATH_SIZE], fv_error *error) {
    char hash[65];
    fv_sha256 sum;
    fv_sha256_init(&sum);
    fv_sha256_add(&sum, key, strlen(key));
    fv_sha256_hex(&sum, hash);
    if (snprintf(path, PATH_SIZE, "%s/" FV_STORE "/%.16s.safetensors", s->out, hash) < PATH_SIZE) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "%s: the path is too long", fv_path_shown(s->out));
}

/* ---- written ---- */

static double *put_score(double *to, const fv_score *score) {
    *to++ = (double)score->n;
    *to++ = (double)score->correct;
    *to++ = score->loss;
    return to;
}

/* Everything but the net's arrays as doubles: numbers, history, train scores, predictions. */
static void put_values(fv_study *s, const fv_job *job, double *to) {
    *to++ = job->n_epochs;
    *to++ = job->time_s;
    pthread_mutex_lock(&s->lock);
    *to++ = s->earlier_s + fv_now() - s->start_s;
    pthread_mutex_unlock(&s->lock);
    to = put_score(to, &job->validation_score);
    to = put_score(to, &job->test_score);
    *to++ = job->macro.accuracy;
    *to++ = job->macro.f1;
    for (int i = 0; i < job->n_epochs; i++) to = fv_epoch_put(&job->history[i], to);
    for (int i = 0; i < job->n_epochs; i++) to = put_score(to, &job->train_score[i]);
    for (size_t i = 0; i < job->validation_score.n; i++) {
        const fv_prediction *p = &job->predictions[i];
        const double row[N_PREDICTION] = {
            p->index, p->truth, p->predicted, (double)p->p_true, (double)p->p_predicted, (double)p->loss};
        for (int j = 0; j < N_PREDICTION; j++) *to++ = row[j];
    }
}

static size_t n_values(size_t n_epochs, size_t n_predictions) {
    return N_NUMBERS + n_epochs * (FV_N_HISTORY + N_SCORE) + n_predictions * N_PREDICTION;
}

fv_status fv_study_keep(fv_study *s, const fv_job *job, const fv_net *net, fv_error *error) {
    char key[KEY_SIZE], path[PATH_SIZE];
    write_key(s, job, key);
    FV_TRY(path_of(s, key, path, error));
    size_t n = n_values((size_t)job->n_epochs, job->validation_score.n);
    double *values = fv_alloc(n, sizeof *values);
    if (!values) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    put_values(s, job, values);
    const fv_named_tensor tensors[] = {{"values", FV_FLOAT64, 1, {n}, values},
                                       {"weights", FV_FLOAT32, 1, {net->n_weights}, net->weights},
                                       {"statistics", FV_FLOAT32, 1, {net->n_statistics}, net->statistics}};
    const fv_metadata metadata = {"training", key};
    fv_status status = fv_safetensors_write(path, tensors, is_final(s, job) ? 3 : 1, &metadata, 1, error);
    free(values);
    return status;
}

/* ---- read back ---- */

/* Whole and in [0, max]. */
static bool is_count(double x, double max) {
    return x >= 0 && x <= max && x == floor(x);
}

/* What 32 bits hold. */
static bool is_figure(double x) {
    return fabs(x) <= FLT_MAX;
}

static bool take_score(const double **from, size_t n, fv_score *out) {
    const double *p = *from;
    *from += N_SCORE;
    if (!is_count(p[0], 1e15) || !is_count(p[1], p[0]) || (p[0] != 0 && p[0] != (double)n) || !is_figure(p[2]))
        return false;
    *out = (fv_score){(size_t)p[0], (size_t)p[1], p[2]};
    return true;
}

static bool take_predictions(const fv_study *s, fv_job *job, const double *p) {
    for (size_t i = 0; i < job->validation_score.n; i++, p += N_PREDICTION) {
        int most = s->dataset->n_classes - 1;
        if (p[0] != (double)s->validation.at[i] || !is_count(p[1], most) || !is_count(p[2], most)) return false;
        job->predictions[i] =
            (fv_prediction){(uint32_t)p[0], (uint16_t)p[1], (uint16_t)p[2], (float)p[3], (float)p[4], (float)p[5]};
    }
    return true;
}

static bool take_values(fv_study *s, fv_job *job, const fv_named_tensor *t) {
    const double *p = t ? t->data : NULL;
    if (!t || t->dtype != FV_FLOAT64 || t->rank != 1 || t->size[0] < N_NUMBERS) return false;
    if (p[EPOCHS] != s->options->epochs || !(p[TIME_S] > 0 && p[TIME_S] < 1e18) ||
        !(p[WALL_S] >= 0 && p[WALL_S] < 1e18))
        return false;
    job->n_epochs = (int)p[EPOCHS];
    job->time_s = p[TIME_S];
    double wall_s = p[WALL_S];
    p += VALIDATION;
    if (!take_score(&p, s->validation.n, &job->validation_score) ||
        !take_score(&p, s->dataset->test.n, &job->test_score))
        return false;
    job->macro = (fv_macro_score){.accuracy = p[0], .f1 = p[1]};
    p += 2;
    if (!(job->macro.accuracy >= 0 && job->macro.accuracy <= 1 && job->macro.f1 >= 0 && job->macro.f1 <= 1))
        return false;
    if (t->size[0] != n_values((size_t)job->n_epochs, job->validation_score.n)) return false;
    for (int i = 0; i < job->n_epochs; i++, p += FV_N_HISTORY) {
        if (p[0] != i + 1) return false;
        for (int k = 1; k < FV_N_HISTORY; k++)
            if (!is_figure(p[k])) return false;
        job->history[i] = fv_epoch_take(p);
    }
    for (int i = 0; i < job->n_epochs; i++)
        if (!take_score(&p, job->n_train, &job->train_score[i])) return false;
    if (!take_predictions(s, job, p)) return false;
    pthread_mutex_lock(&s->lock);
    if (wall_s > s->earlier_s) s->earlier_s = wall_s;
    pthread_mutex_unlock(&s->lock);
    return true;
}

static bool take_array(const fv_safetensors *file, const char *name, size_t n, float *out) {
    const fv_named_tensor *t = fv_safetensors_find(file, name);
    if (!t || t->dtype != FV_FLOAT32 || t->rank != 1 || t->size[0] != n) return false;
    const float *values = t->data;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) return false;
    if (n) memcpy(out, values, n * sizeof *out);
    return true;
}

/* What is broken is not trained again in silence: a disk that loses bits is worth a look. */
static fv_status fail_kept(const char *path, const char *reason, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s: %.160s: remove it, and that training is done again", fv_path_shown(path),
                   reason);
}

static fv_status read_kept(const char *path, fv_safetensors **out, fv_error *error) {
    fv_error reason = {FV_OK, ""};
    fv_status status = fv_safetensors_read(path, out, &reason);
    if (status == FV_OK) return FV_OK;
    const char *shown = fv_path_shown(path), *text = reason.message;
    size_t n = strlen(shown);
    if (strncmp(text, shown, n) == 0 && strncmp(text + n, ": ", 2) == 0) text += n + 2;
    return status == FV_E_DATA ? fail_kept(path, text, error) : fv_fail(error, status, "%s", reason.message);
}

fv_status fv_study_recall(fv_study *s, fv_job *job, fv_net *net, bool *found, fv_error *error) {
    char key[KEY_SIZE], path[PATH_SIZE];
    fv_safetensors *file;
    *found = false;
    write_key(s, job, key);
    FV_TRY(path_of(s, key, path, error));
    if (access(path, F_OK) != 0) return FV_OK;
    FV_TRY(read_kept(path, &file, error));
    const char *its = fv_safetensors_metadata(file, "training");
    bool good = its && strcmp(its, key) == 0 && fv_safetensors_metadata(file, "content_sha256") &&
                take_values(s, job, fv_safetensors_find(file, "values"));
    if (good && is_final(s, job))
        good = take_array(file, "weights", net->n_weights, net->weights) &&
               take_array(file, "statistics", net->n_statistics, net->statistics);
    fv_safetensors_destroy(file);
    if (!good) return fail_kept(path, "not what a training of this study left", error);
    *found = true;
    return FV_OK;
}

/* ---- the directory ---- */

/* The file is {"content_sha256":"<64 digits>","study":<the record>} and a line's end; the sum as in safetensors. */
#define RECORD_BEGIN "{\"" FV_CHECKSUM_KEY "\":\""
#define RECORD_MIDDLE "\",\n\"study\":"
#define RECORD_END "}\n"
enum {
    RECORD_DIGITS = sizeof RECORD_BEGIN - 1,
    RECORD_TEXT = RECORD_DIGITS + FV_CHECKSUM_DIGITS + sizeof RECORD_MIDDLE - 1,
    RECORD_LIMIT = 1 << 20
};

static fv_status write_record(const char *path, const char *record, fv_error *error) {
    char head[RECORD_TEXT + 1], digits[FV_CHECKSUM_DIGITS + 1];
    snprintf(head, sizeof head, RECORD_BEGIN "%0*d" RECORD_MIDDLE, FV_CHECKSUM_DIGITS, 0);
    const fv_part parts[] = {{head, RECORD_TEXT}, {record, strlen(record)}, {RECORD_END, sizeof RECORD_END - 1}};
    fv_checksum_of(parts, 3, head + RECORD_DIGITS, digits);
    memcpy(head + RECORD_DIGITS, digits, FV_CHECKSUM_DIGITS);
    return fv_file_write_parts(path, parts, 3, error);
}

fv_status fv_study_record_read(const char *directory, char **record, fv_error *error) {
    char path[PATH_SIZE], digits[FV_CHECKSUM_DIGITS + 1], *bytes;
    size_t size;
    if (snprintf(path, sizeof path, "%s/" FV_STUDY_RECORD, directory) >= PATH_SIZE)
        return fv_fail(error, FV_E_ARGUMENT, "%s: the path is too long", fv_path_shown(directory));
    FV_TRY(fv_file_read(path, RECORD_LIMIT, &bytes, &size, error));
    bool good = size >= RECORD_TEXT + sizeof RECORD_END - 1 && memcmp(bytes, RECORD_BEGIN, RECORD_DIGITS) == 0;
    if (good) {
        const fv_part whole = {bytes, size};
        fv_checksum_of(&whole, 1, bytes + RECORD_DIGITS, digits);
        good = memcmp(digits, bytes + RECORD_DIGITS, FV_CHECKSUM_DIGITS) == 0;
    }
    if (!good) {
        free(bytes);
        return fv_fail(error, FV_E_DATA, "%s: not as the study wrote it (its checksum differs): begin the study anew",
                       fv_path_shown(path));
    }
    size -= RECORD_TEXT + sizeof RECORD_END - 1;
    memmove(bytes, bytes + RECORD_TEXT, size);
    bytes[size] = 0;
    *record = bytes;
    return FV_OK;
}

fv_status fv_study_store_open(const fv_study *s, fv_error *error) {
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/" FV_STORE, s->out) >= PATH_SIZE)
        return fv_fail(error, FV_E_ARGUMENT, "%s: the path is too long", fv_path_shown(s->out));
    FV_TRY(fv_file_is_own(path, error));
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return fv_fail(error, FV_E_IO, "%s: could not be made: %s", fv_path_shown(path), strerror(errno));
    if (!s->options->record || snprintf(path, sizeof path, "%s/" FV_STUDY_RECORD, s->out) >= PATH_SIZE) return FV_OK;
    FV_TRY(fv_file_is_own(path, error));
    return write_record(path, s->options->record, error);
}

void fv_study_store_drop_empty(const fv_study *s) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/" FV_STORE, s->out);
    if (rmdir(path) != 0) return;
    snprintf(path, sizeof path, "%s/" FV_STUDY_RECORD, s->out);
    remove(path);
}

void fv_study_forget(const char *study_directory) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/" FV_STUDY_RECORD, study_directory);
    remove(path);
    snprintf(path, sizeof path, "%s/" FV_STORE, study_directory);
    /* a link to somebody's models is not followed */
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (strstr(entry->d_name, ".safetensors")) unlinkat(fd, entry->d_name, 0);
    if (directory)
        closedir(directory);
    else if (fd >= 0)
        close(fd);
    rmdir(path);
}
