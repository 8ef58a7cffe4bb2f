#include <stdio.h>

#include "cli.h"

static const cli_usage usage = {.verb = "version", .arguments = "", .about = "Tells version, compiler and machine."};

int cli_version(int argc, const char **argv) {
    cli_line line;
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) {
        char machine[128];
        fv_machine_name(machine, sizeof machine);
        printf("fovea        %s\n", fv_version());
        printf("compiler     %s\n", fv_compiler());
        printf("machine      %s\n", machine);
        printf("engine       %s, %d threads\n", fv_isa_name(), fv_processors());
    }
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
