#include "node/daemon.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace cairn::node {

bool Daemon::detach(const char* log_name) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    const pid_t child = fork();
    if (child < 0) return false;
    if (child > 0) {
        close(ends[1]);
        char word = 0;
        ssize_t got;
        do {
            got = read(ends[0], &word, 1);
        } while (got < 0);
        if (got == 1 && word == 1) _exit(EXIT_SUCCESS);
        std::fprintf(stderr, "Error during initialization - check %s for details\n", log_name);
        _exit(EXIT_FAILURE);
    }
    close(ends[0]);
    to_parent_ = ends[1];
    if (setsid() < 0) _exit(EXIT_FAILURE);
    const int nowhere = open("/dev/null", O_RDWR);
    if (nowhere < 0 || dup2(nowhere, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0) {
        _exit(EXIT_FAILURE);
    }
    if (nowhere > STDERR_FILENO) close(nowhere);
    return true;
}

void Daemon::report(bool success) {
    if (to_parent_ < 0) return;
    const char word = success ? 1 : 0;
    [[maybe_unused]] const auto written = write(to_parent_, &word, 1);
    close(to_parent_);
    to_parent_ = -1;
}

}  // namespace cairn::node
