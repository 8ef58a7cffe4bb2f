/* "How this was done": the recipe of each part in words, from the study's configuration. Paragraphs of HTML. */
#ifndef FV_RECIPES_H
#define FV_RECIPES_H

#include "report/sentences.h"

void fv_recipe_history(const fv_context *context, fv_buffer *out);
void fv_recipe_augmentation(const fv_context *context, fv_buffer *out);
void fv_recipe_architecture(const fv_context *context, fv_buffer *out);
void fv_recipe_scaling(const fv_context *context, fv_buffer *out);
void fv_recipe_mistakes(const fv_context *context, fv_buffer *out);
void fv_recipe_kernels(const fv_context *context, fv_buffer *out);
void fv_recipe_confusion(const fv_context *context, fv_buffer *out);
void fv_recipe_embedding(const fv_context *context, fv_buffer *out);
void fv_recipe_neighbours(const fv_context *context, fv_buffer *out);

/* The command that repeats one part of a study (`part`), or the whole as typed (NULL). Plain text. */
void fv_recipe_command(const fv_context *context, const char *part, fv_buffer *out);

#endif
