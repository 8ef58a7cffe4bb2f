/* What a call returns when it can fail, and the words that go with it. */
#ifndef FOVEA_STATUS_H
#define FOVEA_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
/* The compiler complains where a result is ignored. */
#define FV_MUST_CHECK __attribute__((warn_unused_result))
/* The compiler checks argument `text` as a format of what stands from argument `first` on. */
#define FV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FV_MUST_CHECK
#define FV_PRINTF(text, first)
#endif

/* What went wrong; FV_OK where nothing did. */
typedef enum fv_status {
    FV_OK = 0,
    FV_E_MEMORY,      /* out of memory */
    FV_E_ARGUMENT,    /* an option or argument outside what it may be */
    FV_E_NAME,        /* an unknown dataset, model or class */
    FV_E_EXISTS,      /* the output exists and is not empty */
    FV_E_TEXT,        /* a model or augmentation text that does not parse */
    FV_E_SHAPE,       /* shapes that do not fit each other */
    FV_E_DATA,        /* a file whose content is broken or not of its format */
    FV_E_IO,          /* a file that could not be read or written */
    FV_E_DIVERGED,    /* loss or weights are not finite */
    FV_E_INTERRUPTED, /* a callback asked to stop */
    FV_E_UNSUPPORTED  /* this machine or build cannot do it */
} fv_status;

/* Filled on failure where a call takes one (NULL is allowed): what is wrong, where, and what would be right. */
typedef struct fv_error {
    fv_status code;
    char message[508];
} fv_error;

/* Writes `code` and the formatted message into `error` (may be NULL) and returns `code`. */
fv_status fv_fail(fv_error *error, fv_status code, const char *format, ...) FV_PRINTF(3, 4);
#ifdef __clang_analyzer__ /* does not see that what is returned is the code, hence no FV_OK */
#define fv_fail(error, code, ...) (fv_fail(error, code, __VA_ARGS__), (fv_status)(code))
#endif

/* A short English name of a status: "out of memory". */
const char *fv_status_text(fv_status status);

/* Returns from the calling function when `expr` fails. */
#define FV_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        fv_status fv_try_status_ = (expr);                                                                             \
        if (fv_try_status_ != FV_OK) return fv_try_status_;                                                            \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
