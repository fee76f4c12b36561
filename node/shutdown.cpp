#include "node/shutdown.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "consensus/base/check.hpp"

namespace cairn::node {

ShutdownSignal::ShutdownSignal() {
    int ends[2];
    CAIRN_CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    read_end_ = ends[0];
    write_end_ = ends[1];
}

ShutdownSignal::~ShutdownSignal() {
    close(read_end_);
    close(write_end_);
}

void ShutdownSignal::request() noexcept {
    if (requested_.exchange(true, std::memory_order_acq_rel)) return;
    const char byte = 1;
    [[maybe_unused]] const auto written = write(write_end_, &byte, 1);
}

bool ShutdownSignal::wait_for(std::chrono::milliseconds time) const {
    if (requested()) return true;
    pollfd descriptor{read_end_, POLLIN, 0};
    poll(&descriptor, 1, static_cast<int>(time.count()));
    return requested();
}

}  // namespace cairn::node
