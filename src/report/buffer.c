#include "report/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void fv_buffer_deinit(fv_buffer *buffer) {
    free(buffer->data);
    *buffer = (fv_buffer){0};
}

void fv_buffer_finish(fv_buffer *part, fv_buffer *out) {
    out->failed |= part->failed;
    fv_buffer_deinit(part);
}

const char *fv_buffer_text(const fv_buffer *buffer) {
    return buffer->data ? buffer->data : "";
}

/* Room for n more bytes and the final zero. */
static bool reserve(fv_buffer *buffer, size_t n) {
    if (buffer->failed) return false;
    size_t needed = buffer->n + n + 1;
    if (needed <= buffer->capacity) return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < needed) capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void fv_put_bytes(fv_buffer *buffer, const void *bytes, size_t n) {
    if (!n || !reserve(buffer, n)) return;
    memcpy(buffer->data + buffer->n, bytes, n);
    buffer->n += n;
    buffer->data[buffer->n] = 0;
}

void fv_put(fv_buffer *buffer, const char *text) {
    fv_put_bytes(buffer, text, strlen(text));
}

void fv_putf(fv_buffer *buffer, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, arguments);
    if (n >= 0 && reserve(buffer, (size_t)n)) {
        vsnprintf(buffer->data + buffer->n, (size_t)n + 1, format, again);
        buffer->n += (size_t)n;
    }
    va_end(again);
    va_end(arguments);
}

static const char *escape(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void fv_put_escaped(fv_buffer *buffer, const char *text) {
    for (const char *at = text; *at; at++) {
        const char *escaped = escape(*at);
        if (escaped)
            fv_put(buffer, escaped);
        else
            fv_put_bytes(buffer, at, 1);
    }
}

void fv_put_element(fv_buffer *buffer, const char *tag, const char *class, const char *text) {
    if (class)
        fv_putf(buffer, "<%s class=\"%s\">", tag, class);
    else
        fv_putf(buffer, "<%s>", tag);
    fv_put_escaped(buffer, text);
    fv_putf(buffer, "</%s>\n", tag);
}

/* Source: RFC 4648, section 4. */
void fv_put_base64(fv_buffer *buffer, const void *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = bytes;
    size_t size;
    if (!fv_multiply(n / 3 + 1, 4, &size) || !reserve(buffer, size)) {
        buffer->failed = true;
        return;
    }
    char *out = buffer->data + buffer->n;
    for (size_t i = 0; i < n; i += 3) {
        unsigned left = n - i < 3 ? (unsigned)(n - i) : 3;
        unsigned word = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        *out++ = digits[word >> 18];
        *out++ = digits[word >> 12 & 63];
        *out++ = left > 1 ? digits[word >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[word & 63] : '=';
    }
    *out = 0;
    buffer->n = (size_t)(out - buffer->data);
}

void fv_put_separator(fv_buffer *buffer, size_t i, size_t n) {
    if (i == 0) return;
    fv_put(buffer, i + 1 == n ? " and " : ", ");
}
