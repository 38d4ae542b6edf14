// SPDX-License-Identifier: Apache-2.0
//
// Runs a command with a daemon of the tests, whose socket METRNG_SOCKET names: for the examples of
// docs/c.md. The exit status is the command's.
//
// usage: ServeExample COMMAND [ARGUMENT]...

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"

int main(int count, char **arguments) {
    run_daemon_if_asked(count, arguments);
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    setenv("METRNG_SOCKET", daemon->path, 1);
    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[1], arguments + 1);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    remove_daemon(daemon);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
