/* The small language of models, augmentations, optimisers and schedules: calls separated by commas, each a word with
 * positional arguments first and named ones in any order:
 *     conv 32 3x3 pad 1 stride 2, rotation 30 nearest, affine degrees 10 translate 0.1
 * Errors point at the word. */
#ifndef FV_TEXT_H
#define FV_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

/* Where reading stands. */
typedef struct fv_cursor {
    const char *text; /* the whole, for messages */
    const char *at;
    const char *what; /* what the text is: "model", "augmentation"; for messages */
} fv_cursor;

typedef struct fv_word {
    const char *at;
    int length; /* 0 at the end */
} fv_word;

/* The word at the cursor, without moving; `,` `(` `)` `|` are words of their own. Newlines are blanks; a comment runs
 * from # to the end of the line. */
fv_word fv_text_peek(fv_cursor *cursor);
fv_word fv_text_next(fv_cursor *cursor);
bool fv_word_is(fv_word word, const char *text);
/* Takes the word when it is `text`. */
bool fv_text_accept(fv_cursor *cursor, const char *text);
bool fv_text_at_end(fv_cursor *cursor);

typedef enum fv_param_kind {
    FV_PARAM_INTEGER,
    FV_PARAM_NUMBER,
    FV_PARAM_FLAG, /* a word alone: 1 when present */
    FV_PARAM_SIZE  /* 3x5 or 3: two values, rows then columns */
} fv_param_kind;

typedef struct fv_param {
    const char *name;
    fv_param_kind kind;
    int position; /* 1, 2, ...: may stand at this place without its name; 0: only named */
    bool required;
    double min, max; /* inclusive */
    double fallback; /* value when absent */
} fv_param;

/* Reads the arguments of the call whose word has been taken, up to the next `,` `)` `|` or the end. values[i] belongs
 * to params[i]; a FV_PARAM_SIZE fills values[i] (rows) and values[i + 1] (columns), so the entry behind it in `params`
 * must be a row with name NULL. `classes` may stand for a whole number: n_classes, where that is > 0.
 * FV_E_TEXT with a message that shows the text and points at the word. */
fv_status fv_text_arguments(fv_cursor *cursor, fv_word call, const fv_param *params, int n_params, int n_classes,
                            double *values, fv_error *error);

/* Fails with FV_E_TEXT, pointing at `word`: "model: conv 8 3y3: `3y3` ..." */
fv_status fv_text_fail(const fv_cursor *cursor, fv_word word, fv_error *error, const char *format, ...) FV_PRINTF(4, 5);
#ifdef __clang_analyzer__ /* as for fv_fail */
#define fv_text_fail(cursor, word, error, ...) (fv_text_fail(cursor, word, error, __VA_ARGS__), (fv_status)FV_E_TEXT)
#endif

/* The shortest decimal of six digits or more that reads back as `value`; at most 24 bytes. Returns its length. */
int fv_text_number(char *out, size_t size, double value);

/* Joins names as "a, b, c" for messages. */
void fv_text_join(char *out, size_t size, const char *const *names, size_t n);

#endif
