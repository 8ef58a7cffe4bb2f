/* Networks: from a text to weights that can be looked at, run, saved.
 *
 * A model is a text, layers separated by commas (see docs/models.md):
 *   conv K RxS [pad P] [stride S], maxpool K, avgpool K, globalavgpool, batchnorm, relu, dropout P, dropout2d P,
 *   flatten, dense N, residual( main ) or residual( main | shortcut ); `classes` stands for the number of classes.
 * The text ends in the logits: softmax and negative log-likelihood belong to training. */
#ifndef FOVEA_NET_H
#define FOVEA_NET_H

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A network with its weights. One call at a time may change it. */
typedef struct fv_net fv_net;

/* Creates a net from a model name (`convnet`) or text, with first weights U(+-1/sqrt(fan_in)) drawn from `seed`.
 * `pad` is what a convolution without its own `pad` gets (0 but in the study of small images).
 * Errors: FV_E_TEXT, FV_E_SHAPE (both point at the word), FV_E_NAME (one word that is no model: lists the models),
 * FV_E_MEMORY. */
fv_status fv_net_create(const char *model, fv_shape input, int n_classes, int pad, uint64_t seed, fv_net **out,
                        fv_error *error) FV_MUST_CHECK;
/* Takes NULL. */
void fv_net_destroy(fv_net *net);

/* Named models: index 0, 1, ...; NULL at the end. */
const char *fv_model_name(int index);
/* The text of a named model, NULL when unknown. */
const char *fv_model_text(const char *name);

/* The model's text, resolved: every layer with its pad and sizes. Reads back to the same net. */
const char *fv_net_text(const fv_net *net);
/* The shape of the images it takes. */
fv_shape fv_net_input(const fv_net *net);
/* How many classes it tells apart: the logits of an image. */
int fv_net_n_classes(const fv_net *net);
/* Width of the features: what enters the last dense layer. */
int fv_net_n_features(const fv_net *net);
size_t fv_net_n_weights(const fv_net *net);       /* trained ones: running statistics do not count */
size_t fv_net_n_multiply_adds(const fv_net *net); /* dense, per image, forward */

/* Pixels enter as (pixel / 255 - mean[c]) / std[c]; mean 0, std 1 at first; a std of 0 counts as 1. */
void fv_net_set_normalisation(fv_net *net, const float *mean, const float *std);
/* Writes mean and std [C]. */
void fv_net_normalisation(const fv_net *net, float *mean, float *std);

/* The summary: one row per layer after fusion ("conv 8 3x3 + relu + maxpool 2"). */
typedef struct fv_layer_info {
    char text[96];
    int depth; /* 1 inside a residual */
    fv_shape out;
    size_t n_weights, n_multiply_adds;
} fv_layer_info;
/* Rows of the summary. */
int fv_net_n_layers(const fv_net *net);
/* Row `index` of the summary, 0 <= index < fv_net_n_layers. */
void fv_net_layer(const fv_net *net, int index, fv_layer_info *out);

/* Weights and running statistics by PyTorch's names and shapes ("0.weight" [K][C][R][S], "4.running_mean" [C]),
 * in nn.Sequential's order. */
typedef struct fv_tensor_info {
    char name[48];
    int rank, size[4];
    size_t n;
    bool trained; /* false: running statistics */
} fv_tensor_info;
/* How many tensors there are. */
int fv_net_n_tensors(const fv_net *net);
/* What tensor `index` is, 0 <= index < fv_net_n_tensors. */
void fv_net_tensor(const fv_net *net, int index, fv_tensor_info *out);
/* Copies tensor `index` out: values [n] in PyTorch's order. */
void fv_net_tensor_get(const fv_net *net, int index, float *values);
/* Copies values [n] into tensor `index`. */
void fv_net_tensor_set(fv_net *net, int index, const float *values);
/* SHA-256 (hex) of all tensors' little-endian float32 in that order. */
void fv_net_hash(const fv_net *net, char out[65]);

/* Runs the net as in evaluation (running statistics, no dropout) over images[indices] (NULL: all).
 *   logits    out  [n][n_classes], or NULL
 *   features  out  [n][n_features], or NULL
 * Row i belongs to indices->at[i]. n_threads 0: fv_processors(); the same bits for any number. FV_E_SHAPE where images
 * and net disagree; FV_E_MEMORY; FV_E_DIVERGED where the logits of an image are not finite. */
fv_status fv_net_infer(const fv_net *net, const fv_images *images, const fv_indices *indices, int n_threads,
                       float *logits, float *features) FV_MUST_CHECK;

/* A net made ready to run often: planned, with threads and memory of its own, so that a call of fv_runner_infer, which
 * does what fv_net_infer does, allocates nothing and starts nothing. `net` is borrowed and must not change meanwhile.
 * n_threads 0: fv_processors(). One call per runner at a time. FV_E_MEMORY; FV_E_SHAPE where images and net disagree.
 */
typedef struct fv_runner fv_runner;
/* Makes a runner; see above. */
fv_status fv_runner_create(const fv_net *net, int n_threads, fv_runner **out) FV_MUST_CHECK;
/* What fv_net_infer does, by a runner. FV_E_SHAPE; FV_E_DIVERGED. */
fv_status fv_runner_infer(fv_runner *runner, const fv_images *images, const fv_indices *indices, float *logits,
                          float *features) FV_MUST_CHECK;
/* Takes NULL. */
void fv_runner_destroy(fv_runner *runner);

/* What the first convolution makes of one image [C][H][W], before relu: out [K][P][Q]; writes the shape. FV_E_SHAPE
 * when the net starts with no convolution. `out` may be NULL to ask for the shape. */
fv_status fv_net_first_response(const fv_net *net, const uint8_t *image, fv_shape *shape, float *out) FV_MUST_CHECK;

/* model.safetensors: weights, and in its metadata model text, input shape, mean and std, class names. Written whole or
 * not at all. */
fv_status fv_net_save(const fv_net *net, const char *path, const char *const *class_names,
                      fv_error *error) FV_MUST_CHECK;
/* class_names (may be NULL) gets an array of n_classes strings to be freed with fv_strings_free. */
fv_status fv_net_load(const char *path, fv_net **out, char ***class_names, fv_error *error) FV_MUST_CHECK;
/* Weights and running statistics for a net that is there, by PyTorch's names and shapes, from any safetensors file of
 * float32: PyTorch's of the same nn.Sequential, say. Mean and std are taken over where the metadata hold them, and
 * *normalised says so. FV_E_IO; FV_E_DATA names the first tensor that does not fit, both shapes; `net` is then partly
 * set. */
fv_status fv_net_load_weights(fv_net *net, const char *path, bool *normalised, fv_error *error) FV_MUST_CHECK;
/* Frees n strings and their array; takes NULL. */
void fv_strings_free(char **strings, int n);

#ifdef __cplusplus
}
#endif
#endif
