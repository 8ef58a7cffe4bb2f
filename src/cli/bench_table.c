#include "bench_table.h"

#include <stdio.h>

#include "terminal.h"

/* ---- numbers ---- */

static cli_text time_text(double s) {
    cli_text out;
    if (s < 999.5e-6)
        snprintf(out.s, sizeof out.s, "%.1f us", 1e6 * s);
    else if (s < 0.9995)
        snprintf(out.s, sizeof out.s, "%.2f ms", 1e3 * s);
    else
        snprintf(out.s, sizeof out.s, "%.2f s", s);
    return out;
}

static cli_text bytes_text(double bytes) {
    cli_text out;
    if (bytes < 999.5e3)
        snprintf(out.s, sizeof out.s, "%.1f kB", 1e-3 * bytes);
    else if (bytes < 999.5e6)
        snprintf(out.s, sizeof out.s, "%.1f MB", 1e-6 * bytes);
    else
        snprintf(out.s, sizeof out.s, "%.1f GB", 1e-9 * bytes);
    return out;
}

static double of_peak(const fv_bench_training *t, double multiply_adds, double time_s) {
    return time_s > 0 ? 2 * multiply_adds / (time_s * t->threads * t->peak_flops) : 0;
}

static double images_per_s(const fv_bench_training *t) {
    return t->batch / t->step_s;
}

static fv_bench_cost sum_of(const fv_bench_training *t) {
    fv_bench_cost sum = {t->step_s, t->multiply_adds, 0};
    for (int i = 0; i < t->n_operations; i++)
        sum.bytes += t->operations[i].forward.bytes + t->operations[i].backward.bytes;
    return sum;
}

/* ---- parts that are no operation ---- */

typedef struct part {
    const char *name, *key;
    double time_s;
} part;

enum { N_PARTS = 6 };

static void parts_of(const fv_bench_training *t, part out[N_PARTS]) {
    const part all[N_PARTS] = {{"images into lanes", "feed", t->feed_s},        {"softmax and loss", "loss", t->loss_s},
                               {"gradients, optimiser", "update", t->update_s}, {"weights packed", "pack", t->pack_s},
                               {"waiting for threads", "wait", t->wait_s},      {"rest", "rest", t->rest_s}};
    for (int i = 0; i < N_PARTS; i++) out[i] = all[i];
}

/* ---- tables ---- */

void cli_bench_print_machine(const fv_machine_speed *m) {
    char machine[64], threads[32];
    fv_machine_name(machine, sizeof machine);
    snprintf(threads, sizeof threads, "%d threads", m->threads);
    printf("%s · %s · %s\n", machine, fv_isa_name(), fv_compiler());
    cli_table table = {.align = "lrrl"};
    const char *head[] = {"", "one core", m->threads > 1 ? threads : "", ""};
    const struct {
        const char *name;
        double core, all;
        const char *unit;
    } rows[] = {{"multiply-adds", m->core_flops, m->all_flops, "GFLOP/s"},
                {"memory read", m->core_read_bytes_s, m->all_read_bytes_s, "GB/s"},
                {"memory copied", m->core_copy_bytes_s, m->all_copy_bytes_s, "GB/s, read and written"}};
    for (int j = 0; j < 4; j++) cli_cell(&table, "%s", head[j]);
    for (int i = 0; i < 3; i++) {
        cli_cell(&table, "%s", rows[i].name);
        cli_cell(&table, "%.1f", 1e-9 * rows[i].core);
        if (m->threads > 1)
            cli_cell(&table, "%.1f", 1e-9 * rows[i].all);
        else
            cli_cell(&table, "%s", "");
        cli_cell(&table, "%s", rows[i].unit);
    }
    cli_table_print(&table, stdout);
    if (m->round_trip_s > 0) printf("a cache line goes from core to core and back in %.0f ns\n", 1e9 * m->round_trip_s);
}

static void print_row(const fv_bench_training *t, const char *name, const fv_bench_cost *cost) {
    printf("%-22s%10s %7s", name, time_text(cost->time_s).s, cli_percent(cost->time_s / t->step_s, 1).s);
    if (cost->multiply_adds > 0)
        printf(" %10s %8s", cli_metric(cost->multiply_adds).s,
               cli_percent(of_peak(t, cost->multiply_adds, cost->time_s), 0).s);
    else if (cost->bytes > 0)
        printf(" %10s %8s", "-", "-");
    if (cost->bytes > 0) printf(" %9s %6.1f", bytes_text(cost->bytes).s, 1e-9 * cost->bytes / cost->time_s);
    putchar('\n');
}

void cli_bench_print_roofline(const cli_bench_case *c) {
    const fv_bench_training *t = &c->training;
    fv_shape in = fv_net_input(c->net);
    part parts[N_PARTS];
    parts_of(t, parts);
    printf("\n%s\n", fv_net_text(c->net));
    printf("%s · %d classes · batch %d · %d thread%s · %s\n\n", cli_shape(in.c, in.h, in.w).s, fv_net_n_classes(c->net),
           t->batch, t->threads, t->threads == 1 ? "" : "s", fv_isa_name());
    printf("%s%-22s%10s %7s %10s %8s %9s %6s%s\n", cli_escape(stdout, CLI_DIM), "a training step", "time", "share",
           "mult-adds", "of peak", "bytes", "GB/s", cli_escape(stdout, CLI_PLAIN));
    for (int i = 0; i < t->n_operations; i++) {
        const fv_bench_operation *o = &t->operations[i];
        printf("%s%s -> %s\n", o->depth ? "| " : "", o->text, cli_shape(o->out.c, o->out.h, o->out.w).s);
        print_row(t, o->depth ? "|   forward" : "  forward", &o->forward);
        print_row(t, o->depth ? "|   backward" : "  backward", &o->backward);
    }
    for (int i = 0; i < N_PARTS; i++) print_row(t, parts[i].name, &(fv_bench_cost){.time_s = parts[i].time_s});
    fv_bench_cost sum = sum_of(t);
    print_row(t, "step", &sum);
    printf("\ntraining   %s images/s · %.1f GFLOP/s of %.1f\n", cli_rate(images_per_s(t)).s,
           2e-9 * t->multiply_adds / t->step_s, 1e-9 * t->peak_flops * t->threads);
    printf("inference  one image in %s · %d at once %s images/s\n", time_text(c->latency_s).s, CLI_BENCH_MANY,
           cli_rate(c->throughput).s);
}

void cli_bench_print_cases(const cli_bench_case *cases, int n) {
    cli_table table = {.align = "lrrrr"};
    const char *head[] = {"training", "threads", "images/s", "GFLOP/s", "of peak"};
    fv_shape in = fv_net_input(cases[0].net);
    printf("\n%s · %d classes · batch %d\n", cli_shape(in.c, in.h, in.w).s, fv_net_n_classes(cases[0].net),
           cases[0].training.batch);
    for (int j = 0; j < 5; j++) cli_cell(&table, "%s", head[j]);
    for (int i = 0; i < n; i++) {
        const fv_bench_training *t = &cases[i].training;
        cli_cell(&table, "%s", cases[i].name);
        cli_cell(&table, "%d", t->threads);
        cli_cell(&table, "%s", cli_rate(images_per_s(t)).s);
        cli_cell(&table, "%.1f", 2e-9 * t->multiply_adds / t->step_s);
        cli_cell(&table, "%s", cli_percent(of_peak(t, t->multiply_adds, t->step_s), 0).s);
    }
    cli_table_print(&table, stdout);
}

/* ---- JSON ---- */

json_t *cli_bench_machine_json(const fv_machine_speed *m) {
    char machine[64];
    fv_machine_name(machine, sizeof machine);
    return json_pack("{ss ss ss ss si sf sf sf sf sf sf sf}", "name", machine, "isa", fv_isa_name(), "compiler",
                     fv_compiler(), "version", fv_version(), "threads", m->threads, "core_flops", m->core_flops,
                     "all_flops", m->all_flops, "core_read_bytes_per_s", m->core_read_bytes_s, "all_read_bytes_per_s",
                     m->all_read_bytes_s, "core_copy_bytes_per_s", m->core_copy_bytes_s, "all_copy_bytes_per_s",
                     m->all_copy_bytes_s, "round_trip_s", m->round_trip_s);
}

static json_t *cost_json(const fv_bench_training *t, const fv_bench_cost *c) {
    return json_pack("{sf sf sI sf sI}", "time_s", c->time_s, "share", c->time_s / t->step_s, "multiply_adds",
                     (json_int_t)c->multiply_adds, "of_peak", of_peak(t, c->multiply_adds, c->time_s), "bytes",
                     (json_int_t)c->bytes);
}

static void add_parts(json_t *json, const fv_bench_training *t) {
    json_t *operations = json_array();
    part parts[N_PARTS];
    parts_of(t, parts);
    for (int i = 0; i < t->n_operations; i++) {
        const fv_bench_operation *o = &t->operations[i];
        json_array_append_new(operations,
                              json_pack("{ss s[iii] so so}", "layers", o->text, "out", o->out.c, o->out.h, o->out.w,
                                        "forward", cost_json(t, &o->forward), "backward", cost_json(t, &o->backward)));
    }
    json_object_set_new(json, "operations", operations);
    for (int i = 0; i < N_PARTS; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_s", parts[i].key);
        json_object_set_new(json, key, json_real(parts[i].time_s));
    }
}

json_t *cli_bench_case_json(const cli_bench_case *c, bool parts) {
    const fv_bench_training *t = &c->training;
    fv_shape in = fv_net_input(c->net);
    fv_bench_cost sum = sum_of(t);
    json_t *json =
        json_pack("{ss ss s[iii] si si si sI so sf sf sf}", "name", c->name, "model", fv_net_text(c->net), "input",
                  in.c, in.h, in.w, "classes", fv_net_n_classes(c->net), "batch", t->batch, "threads", t->threads,
                  "steps", (json_int_t)t->n_steps, "step", cost_json(t, &sum), "images_per_s", images_per_s(t), "flops",
                  2 * t->multiply_adds / t->step_s, "peak_core_flops", t->peak_flops);
    if (!parts) return json;
    add_parts(json, t);
    json_object_set_new(
        json, "inference",
        json_pack("{sf si sf}", "latency_s", c->latency_s, "batch", CLI_BENCH_MANY, "images_per_s", c->throughput));
    return json;
}
