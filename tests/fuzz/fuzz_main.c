/* Without libFuzzer: changes the seeds deterministically and hands them to the target. With it: the seeds become files
 * of its corpus. */
#include "fuzz.h"

#ifdef FOVEA_LIBFUZZER

int LLVMFuzzerInitialize(int *n_arguments, char ***arguments);
int LLVMFuzzerInitialize(int *n_arguments, char ***arguments) {
    const char *corpus = *n_arguments > 1 ? (*arguments)[*n_arguments - 1] : "-";
    if (*corpus == '-') return 0;
    bytes seed;
    for (int i = 0; (seed = fuzz_seed(i)).at; i++) {
        char name[32];
        snprintf(name, sizeof name, "seed-%d", i);
        scratch_put(corpus, name, seed);
    }
    return 0;
}

#else

#include <time.h>

#include "base/philox.h"

typedef struct draws {
    uint32_t round, used;
} draws;

static uint32_t draw(draws *of, size_t below) {
    fv_words4 words = fv_philox(1, FV_RANDOM_TEST, of->round, of->used++, 0, 0);
    return below ? fv_below(words.word[0], (uint32_t)below) : words.word[0];
}

/* One change: a byte, a bit, a word of extreme value, a cut, a run that is doubled or dropped. */
static void change(bytes *of, draws *from) {
    static const uint32_t extreme[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100, 0x10000, 0x01000000};
    size_t at = draw(from, of->n ? of->n : 1), left = of->n - at;
    switch (draw(from, 6)) {
    case 0:
        if (left) of->at[at] = (uint8_t)draw(from, 256);
        break;
    case 1:
        if (left) of->at[at] ^= (uint8_t)(1u << draw(from, 8));
        break;
    case 2:
        if (left >= 4) memcpy(of->at + at, &extreme[draw(from, 8)], 4);
        break;
    case 3:
        of->n = at;
        break;
    case 4: {
        size_t n = draw(from, left + 1);
        memmove(of->at + at, of->at + at + n, left - n);
        of->n -= n;
        break;
    }
    default: {
        bytes copy = {0};
        bytes_add(&copy, of->at + at, draw(from, left + 1));
        bytes_add(of, copy.at, copy.n);
        bytes_free(&copy);
    }
    }
}

/* From memory of just its size, so that asan sees a read behind it. */
static void run_exact(const bytes *input) {
    uint8_t *copy = malloc(input->n ? input->n : 1);
    FUZZ_NEED(copy != NULL);
    memcpy(copy, input->at, input->n);
    LLVMFuzzerTestOneInput(copy, input->n);
    free(copy);
}

int main(void) {
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    int n_seeds = 0;
    for (bytes seed; (seed = fuzz_seed(n_seeds)).at; n_seeds++) {
        LLVMFuzzerTestOneInput(seed.at, seed.n);
        bytes_free(&seed);
    }
    FUZZ_NEED(n_seeds > 0);
    for (uint32_t round = 0; round < fuzz_rounds; round++) {
        draws from = {round, 0};
        bytes input = fuzz_seed((int)draw(&from, (size_t)n_seeds));
        for (uint32_t n = 1 + draw(&from, 3); n > 0; n--) change(&input, &from);
        run_exact(&input);
        bytes_free(&input);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begin.tv_sec > 10) { /* under a slow checker: what was done counts */
            printf("%u rounds in 10 s\n", round + 1);
            return 0;
        }
    }
    printf("%u rounds\n", fuzz_rounds);
    return 0;
}

#endif
