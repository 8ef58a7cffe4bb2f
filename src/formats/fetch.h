/* What fv_dataset_fetch does with an entry of the address book. */
#ifndef FV_FETCH_H
#define FV_FETCH_H

#include "formats/known_sources.h"
#include "fovea/fetch.h"

/* fv_dataset_fetch into `cache`. Of several sets in one archive (`all`, ended by NULL, `source` among them) each that
 * the cache lacks is unpacked. */
fv_status fv_fetch_source(const fv_known_source *source, const fv_known_source *const *all, const char *cache,
                          const fv_fetch_options *options, char path[512], fv_error *error) FV_MUST_CHECK;

#endif
