/* peak FILE COMMAND...: runs the command and writes the most memory that it held, in KiB, into FILE; ends as it did. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    FILE *f = fopen(argv[1], "w");
    if (child < 0 || !f || wait4(child, &status, 0, &used) != child) return 1;
    fprintf(f, "%ld\n", used.ru_maxrss);
    fclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
