/* The tables behind the figures, as HTML. */
#ifndef FV_TABLES_H
#define FV_TABLES_H

#include "report/sentences.h"

/* Shown in full beside the curves: a row per architecture. */
void fv_table_models(const fv_context *context, fv_buffer *out);

void fv_table_history(const fv_context *context, fv_buffer *out);
void fv_table_augmentation(const fv_context *context, fv_buffer *out);
void fv_table_architecture(const fv_context *context, fv_buffer *out);
void fv_table_scaling(const fv_context *context, fv_buffer *out);
void fv_table_mistakes(const fv_context *context, fv_buffer *out);
void fv_table_kernels(const fv_context *context, fv_buffer *out);
void fv_table_confusion(const fv_context *context, fv_buffer *out);
void fv_table_embedding(const fv_context *context, fv_buffer *out);
void fv_table_neighbours(const fv_context *context, fv_buffer *out);

/* For the files that make them. Columns are separated by |, one that starts with # is of numbers. */
void fv_table_open(fv_buffer *out, const char *caption, const char *columns);
void fv_table_close(fv_buffer *out);
/* The same piece by piece, for titles that are not ours: head, columns, body. */
void fv_table_head(fv_buffer *out, const char *caption);
void fv_table_column(fv_buffer *out, const char *title, bool number);
void fv_table_body(fv_buffer *out);
void fv_table_row(fv_buffer *out); /* ends one row and starts the next */
/* A cell; the first of a row is its header. */
void fv_cell(fv_buffer *out, const char *text);
void fv_cell_number(fv_buffer *out, const char *text);
void fv_cell_header(fv_buffer *out, const char *text);

#endif
