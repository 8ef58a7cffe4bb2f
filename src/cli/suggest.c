#include <string.h>

#include "cli.h"

enum { MOST = 63 };

static int least(int a, int b) {
    return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours that make b of a. */
static int edit_distance(const char *a, const char *b) {
    int rows[3][MOST + 2], n = (int)strlen(b);
    for (int j = 0; j <= n; j++) rows[1][j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int *now = rows[2];
        now[0] = i;
        for (int j = 1; j <= n; j++) {
            now[j] = least(least(now[j - 1], rows[1][j]) + 1, rows[1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], rows[0][j - 2] + 1);
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], now, sizeof rows[1]);
    }
    return rows[1][n];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n) {
    const char *best = NULL;
    size_t length = strlen(word);
    int best_distance = length > 7 ? 4 : length > 4 ? 3 : 2; /* one beyond what is near */
    if (length == 0 || length > MOST) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) > MOST) continue;
        int distance = edit_distance(word, names[i]);
        if (distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
