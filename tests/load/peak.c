/* peak FILE COMMAND...: runs the command and writes into FILE the most memory that it held, in KiB, and into FILE.read
 * what it read from the disk, in MiB; ends as it did. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_number(const char *path, const char *ending, long value) {
    char name[4096];
    snprintf(name, sizeof name, "%s%s", path, ending);
    FILE *f = fopen(name, "w");
    if (!f) return 0;
    fprintf(f, "%ld\n", value);
    return fclose(f) == 0;
}

int main(int argc, char **argv) {
    struct rusage used;
    int status;
    if (argc < 3) return 2;
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child) return 1;
    if (!write_number(argv[1], "", used.ru_maxrss) || !write_number(argv[1], ".read", used.ru_inblock >> 11)) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
