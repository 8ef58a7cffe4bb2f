#include "formats/natural_order.h"

#include <stddef.h>
#include <string.h>

static size_t digits(const char *at) {
    return strspn(at, "0123456789");
}

int fv_natural_compare(const char *a, const char *b) {
    const char *x = a, *y = b;
    while (*x && *y) {
        size_t n = digits(x), m = digits(y);
        if (n && m) {
            size_t zeros_x = strspn(x, "0"), zeros_y = strspn(y, "0");
            if (zeros_x >= n) zeros_x = n - 1;
            if (zeros_y >= m) zeros_y = m - 1;
            if (n - zeros_x != m - zeros_y) return n - zeros_x < m - zeros_y ? -1 : 1;
            int order = memcmp(x + zeros_x, y + zeros_y, n - zeros_x);
            if (order) return order;
            x += n;
            y += m;
        } else {
            if (*x != *y) return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
            x++;
            y++;
        }
    }
    if (*x || *y) return *x ? 1 : -1;
    return strcmp(a, b); /* 01 and 1 */
}
