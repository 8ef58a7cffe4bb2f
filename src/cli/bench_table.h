/* What `fovea bench` prints: measurements as tables and as JSON. */
#ifndef CLI_BENCH_TABLE_H
#define CLI_BENCH_TABLE_H

#include <jansson.h>

#include "cli.h"

/* A net measured. */
typedef struct cli_bench_case {
    const char *name; /* as asked for */
    const fv_net *net;
    fv_bench_training training;
    double latency_s, throughput; /* of one image; images/s of CLI_BENCH_MANY at once. 0: not measured */
} cli_bench_case;

enum { CLI_BENCH_MANY = 1024 };

void cli_bench_print_machine(const fv_machine_speed *speed);
/* Where a step's time goes. */
void cli_bench_print_roofline(const cli_bench_case *c);
/* A row per case. */
void cli_bench_print_cases(const cli_bench_case *cases, int n);

json_t *cli_bench_machine_json(const fv_machine_speed *speed);
json_t *cli_bench_case_json(const cli_bench_case *c, bool parts);

#endif
