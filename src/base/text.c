#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_mark(char c) {
    return c == ',' || c == '(' || c == ')' || c == '|';
}

fv_word fv_text_peek(fv_cursor *cursor) {
    const char *at = cursor->at;
    for (;;) {
        while (isspace((unsigned char)*at)) at++;
        if (*at != '#') break;
        while (*at && *at != '\n') at++;
    }
    cursor->at = at;
    fv_word word = {at, 0};
    if (is_mark(*at)) {
        word.length = 1;
    } else {
        while (at[word.length] && !isspace((unsigned char)at[word.length]) && !is_mark(at[word.length]) &&
               at[word.length] != '#')
            word.length++;
    }
    return word;
}

fv_word fv_text_next(fv_cursor *cursor) {
    fv_word word = fv_text_peek(cursor);
    cursor->at = word.at + word.length;
    return word;
}

bool fv_word_is(fv_word word, const char *text) {
    return strlen(text) == (size_t)word.length && memcmp(word.at, text, (size_t)word.length) == 0;
}

bool fv_text_accept(fv_cursor *cursor, const char *text) {
    if (!fv_word_is(fv_text_peek(cursor), text)) return false;
    fv_text_next(cursor);
    return true;
}

bool fv_text_at_end(fv_cursor *cursor) {
    return fv_text_peek(cursor).length == 0;
}

fv_status(fv_text_fail)(const fv_cursor *cursor, fv_word word, fv_error *error, const char *format, ...) {
    char reason[300];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    size_t offset = (size_t)(word.at - cursor->text), from = offset > 30 ? offset - 30 : 0;
    char shown[61]; /* one line, so that the caret stands under the word */
    snprintf(shown, sizeof shown, "%.60s", cursor->text + from);
    for (char *c = shown; *c; c++)
        if (isspace((unsigned char)*c)) *c = ' ';
    return fv_fail(error, FV_E_TEXT, "%s text, character %zu: %s\n    %s%s\n    %*s^", cursor->what, offset + 1, reason,
                   from ? "..." : "", shown, (int)(offset - from + (from ? 3 : 0)), "");
}

void fv_text_join(char *out, size_t size, const char *const *names, size_t n) {
    size_t used = 0;
    if (size) out[0] = 0;
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

int fv_text_number(char *out, size_t size, double value) {
    int n = 0;
    for (int digits = 6; digits <= 17; digits++) {
        n = snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    return n;
}

static bool word_number(fv_word word, double *value) {
    char copy[64], *end;
    if (word.length == 0 || word.length >= (int)sizeof copy) return false;
    if (!isdigit((unsigned char)word.at[0]) && word.at[0] != '-' && word.at[0] != '.') return false;
    memcpy(copy, word.at, (size_t)word.length);
    copy[word.length] = 0;
    if (strpbrk(copy, "xX")) return false; /* no hexadecimal */
    *value = strtod(copy, &end);
    return *end == 0 && isfinite(*value);
}

static bool word_size(fv_word word, double value[2]) {
    const char *x = memchr(word.at, 'x', (size_t)word.length);
    if (!x) return word_number(word, &value[0]) && (value[1] = value[0], true);
    fv_word rows = {word.at, (int)(x - word.at)}, columns = {x + 1, word.length - (int)(x - word.at) - 1};
    return word_number(rows, &value[0]) && word_number(columns, &value[1]);
}

static fv_status read_value(fv_cursor *cursor, fv_word call, const fv_param *param, int n_classes, double *value,
                            fv_error *error) {
    fv_word word = fv_text_next(cursor);
    double v[2] = {0, 0};
    if (n_classes > 0 && param->kind == FV_PARAM_INTEGER && fv_word_is(word, "classes")) {
        v[0] = n_classes;
    } else if (param->kind == FV_PARAM_SIZE ? !word_size(word, v) : !word_number(word, v)) {
        return fv_text_fail(cursor, word, error, "`%.*s` needs %s for %s, not `%.*s`", call.length, call.at,
                            param->kind == FV_PARAM_SIZE ? "a size like 3x3" : "a number", param->name, word.length,
                            word.at);
    }
    for (int i = 0; i < (param->kind == FV_PARAM_SIZE ? 2 : 1); i++) {
        if (v[i] < param->min || v[i] > param->max)
            return fv_text_fail(cursor, word, error, "%s of `%.*s` must lie in %g to %g", param->name, call.length,
                                call.at, param->min, param->max);
        if (param->kind != FV_PARAM_NUMBER && v[i] != floor(v[i]))
            return fv_text_fail(cursor, word, error, "%s of `%.*s` must be a whole number", param->name, call.length,
                                call.at);
        value[i] = v[i];
    }
    return FV_OK;
}

fv_status fv_text_arguments(fv_cursor *cursor, fv_word call, const fv_param *params, int n_params, int n_classes,
                            double *values, fv_error *error) {
    enum { MOST = 32 };
    bool seen[MOST] = {false};
    int position = 0;
    for (int i = 0; i < n_params; i++) values[i] = params[i].fallback;
    for (;;) {
        fv_word word = fv_text_peek(cursor);
        if (word.length == 0 || (word.length == 1 && is_mark(*word.at))) break;
        int i = 0;
        while (i < n_params && !(params[i].name && fv_word_is(word, params[i].name))) i++;
        bool named = i < n_params;
        if (named) {
            fv_text_next(cursor);
        } else {
            position++;
            for (i = 0; i < n_params && params[i].position != position; i++) {
            }
            if (i == n_params)
                return fv_text_fail(cursor, word, error, "`%.*s` does not know `%.*s`", call.length, call.at,
                                    word.length, word.at);
        }
        if (seen[i])
            return fv_text_fail(cursor, word, error, "%s of `%.*s` is given twice", params[i].name, call.length,
                                call.at);
        seen[i] = true;
        if (params[i].kind == FV_PARAM_FLAG)
            values[i] = 1;
        else
            FV_TRY(read_value(cursor, call, &params[i], n_classes, &values[i], error));
    }
    for (int i = 0; i < n_params; i++)
        if (params[i].required && !seen[i])
            return fv_text_fail(cursor, call, error, "`%.*s` needs %s", call.length, call.at, params[i].name);
    return FV_OK;
}
