/* Names as people order them: runs of digits by value, so that 2 comes before 10. */
#ifndef FV_NATURAL_ORDER_H
#define FV_NATURAL_ORDER_H

/* Negative, 0 or positive, as strcmp; equal names only are 0. The same on every machine. */
int fv_natural_compare(const char *a, const char *b);

#endif
