#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace cairn::storage::test {

/// One disabled test of this program in a process of its own, which can be killed and writes to a pipe. A plain fork will
/// not do: the database's threads do not come along. Killed and waited for when it goes away.
class OtherProcess {
public:
    static constexpr int kPipe = 100;  ///< the descriptor to which the other process writes

    OtherProcess(const std::string& test, const std::vector<std::string>& arguments) {
        int ends[2];
        if (::pipe(ends) != 0) std::abort();
        std::string joined;
        for (const std::string& argument : arguments) joined += argument + "\n";
        const std::string filter = "--gtest_filter=" + test;
        child_ = ::fork();
        if (child_ == 0) {
            ::dup2(ends[1], kPipe);
            ::close(ends[0]);
            ::close(ends[1]);
            ::setenv(kVariable, joined.c_str(), 1);
            ::execl("/proc/self/exe", "test", filter.c_str(), "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        pipe_ = ends[0];
    }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    ~OtherProcess() {
        kill();
        wait();
        ::close(pipe_);
    }

    /// In the other process: what the constructor was given.
    static std::vector<std::string> arguments() {
        std::vector<std::string> result;
        const char* joined = std::getenv(kVariable);
        std::istringstream lines(joined ? joined : "");
        for (std::string line; std::getline(lines, line);) result.push_back(line);
        return result;
    }

    /// Waits for the next value; false when the process ended before.
    template <class T>
    bool read(T& value) {
        return ::read(pipe_, &value, sizeof value) == static_cast<ssize_t>(sizeof value);
    }
    void kill() {
        if (child_ > 0) ::kill(child_, SIGKILL);
    }
    /// Its status, as waitpid gives it.
    int wait() {
        if (child_ > 0) ::waitpid(std::exchange(child_, -1), &status_, 0);
        return status_;
    }

private:
    static constexpr const char* kVariable = "CAIRN_TEST_ARGUMENTS";

    pid_t child_ = -1;
    int pipe_ = -1;
    int status_ = 0;
};

}  // namespace cairn::storage::test
