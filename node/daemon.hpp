#pragma once

namespace cairn::node {

/// Leaves the terminal: the caller goes on in a child process without one, while the parent waits for word from it.
/// Owner: main thread, before any other thread exists.
class Daemon {
public:
    /// Forks. In the parent it does not return: it exits with 0 once report(true) was called, with 1 otherwise.
    /// `log_name` appears in the parent's message. False when the fork failed.
    bool detach(const char* log_name);
    /// The child's word to its parent. The first one counts.
    void report(bool success);
    ~Daemon() { report(false); }

private:
    int to_parent_ = -1;
};

}  // namespace cairn::node
