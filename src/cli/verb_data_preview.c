#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

enum { MOST_DRAWS = 100 };

static const cli_option options[] = {
    CLI_DATASET_OPTIONS,
    {"augment", "TEXT", "text or texts: \"mild; elastic 30 3\" (required)"},
    {"out", "FILE", "the PNG that is written (required)"},
    {"images", "N", "rows, 1 to 16 (6)"},
    {"draws", "N", "columns beside the original, 1 to 100 (10)"},
    {"seed", "N", "of the draws (1)"},
    {0},
};

static const cli_usage usage = {
    .verb = "data preview",
    .arguments = "DATA",
    .about = "Draws what augmentation makes of training images: a row for each, the original\n"
             "first. docs/augmentation.md lists the transforms.",
    .more = CLI_DATASET_MORE,
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
};

/* An image of each class in turn, the first ones of the set. */
static void choose_rows(const fv_dataset *dataset, int n, uint32_t *rows) {
    const fv_images *images = &dataset->train;
    for (int i = 0; i < n; i++) {
        const int class = i % dataset->n_classes;
        size_t at = 0, wanted = (size_t)(i / dataset->n_classes);
        for (size_t k = 0; k < images->n; k++) {
            if (images->labels[k] != class) continue;
            at = k;
            if (wanted-- == 0) break;
        }
        rows[i] = (uint32_t)at;
    }
}

static fv_status write_sheet(const cli_line *line, const fv_run_config *config, const fv_dataset *dataset,
                             fv_error *error) {
    uint32_t rows[FV_BLOCK_IMAGES];
    fv_preview preview = {.images = &dataset->train, .rows = rows, .n_rows = 6, .n_draws = 10, .seed = config->seed};
    const char *augment = cli_value(line, "augment"), *out = cli_value(line, "out");
    char **texts;
    FV_TRY(cli_whole(line, "images", 1, FV_BLOCK_IMAGES, &preview.n_rows, error));
    FV_TRY(cli_whole(line, "draws", 1, MOST_DRAWS, &preview.n_draws, error));
    FV_TRY(fv_augment_list(augment, dataset->train.shape, &texts, &preview.n_texts, error));
    preview.texts = (const char *const *)texts;
    choose_rows(dataset, preview.n_rows, rows);
    fv_status status = fv_preview_write(&preview, out, error);
    char *shown = cli_shown(out);
    if (status == FV_OK)
        printf("%s: %d image%s, %d draw%s of %d augmentation%s\n", shown, preview.n_rows,
               preview.n_rows == 1 ? "" : "s", preview.n_draws, preview.n_draws == 1 ? "" : "s", preview.n_texts,
               preview.n_texts == 1 ? "" : "s");
    free(shown);
    free(texts);
    return status;
}

static fv_status preview(const cli_line *line, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    fv_dataset *dataset;
    if (!cli_given(line, "augment"))
        return fv_fail(error, FV_E_ARGUMENT, "--augment: is missing: give e.g. --augment \"rotation 30\"");
    if (!cli_given(line, "out"))
        return fv_fail(error, FV_E_ARGUMENT, "--out: is missing: give the file to write, e.g. -o sheet.png");
    FV_TRY(cli_field(line, "seed", &config, error));
    FV_TRY(cli_dataset_fields(line, &config, error));
    snprintf(config.dataset, sizeof config.dataset, "%s", line->arguments[0]);
    FV_TRY(cli_dataset_open(&config, NULL, &dataset, error));
    fv_status status = cli_dataset_check(line, dataset, error);
    if (status == FV_OK) status = write_sheet(line, &config, dataset, error);
    fv_dataset_destroy(dataset);
    return status;
}

int cli_data_preview(int argc, const char **argv) {
    cli_line line;
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = preview(&line, &error);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
