/* The address book: where known data sets are served, and what their files must be. */
#ifndef FV_KNOWN_SOURCES_H
#define FV_KNOWN_SOURCES_H

#include <stddef.h>
#include <stdint.h>

enum { FV_MIRRORS = 3, FV_SERVED = 4, FV_MEMBERS = 7 };

/* A file as mirrors serve it. One of the sums must be right where there is one; the size is then a hint (a gzip
 * wrapper differs from mirror to mirror). Without a sum the size must be right. */
typedef struct fv_served_file {
    const char *name;    /* behind the mirror's address */
    uint64_t size_bytes; /* 0: not known */
    const char *sha256;  /* of the file */
    const char *content; /* SHA-256 of what is in the gzip file */
} fv_served_file;

typedef enum fv_packing { FV_PACKED_NOT, FV_PACKED_ZIP, FV_PACKED_TAR } fv_packing;

typedef struct fv_known_source {
    const char *set;                 /* its name: fv_known_set_find */
    const char *mirrors[FV_MIRRORS]; /* addresses that end in a slash, tried in order; NULL: no more */
    fv_served_file files[FV_SERVED]; /* name NULL: no more; one where they are packed */
    fv_packing packing;
    const char *members[FV_MEMBERS]; /* of the archive, without their directories; NULL: no more */
} fv_known_source;

/* Index 0, 1, ...; NULL at the end. */
const fv_known_source *fv_known_source_at(int index);
/* NULL when the set is served by nobody. */
const fv_known_source *fv_known_source_find(const char *set);

#endif
