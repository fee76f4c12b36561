#include "node/progress.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace cairn::node {
namespace {

std::string date_of(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
    return text;
}

std::string duration(double seconds) {
    if (seconds < 0 || seconds > 100.0 * 86'400) return "?";
    const auto s = static_cast<std::int64_t>(seconds);
    if (s < 60) return fmt::format("{}s", s);
    if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
    if (s < 86'400) return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
    return fmt::format("{}d{:02}h", s / 86'400, s % 86'400 / 3600);
}

}  // namespace

std::string ProgressLine::update(const NodeStatus& status, std::chrono::steady_clock::time_point now) {
    if (!status.ready) return status.phase;
    samples_.push_back({now, status.height, status.bytes, status.progress});
    while (samples_.size() > 2 && now - samples_.front().when > std::chrono::seconds(30)) samples_.pop_front();
    const Sample& old = samples_.front();
    const double elapsed = std::chrono::duration<double>(now - old.when).count();
    std::string text = fmt::format("height {}/{}  {}  {:.2f}%", status.height, std::max(status.headers, status.height),
                                   date_of(status.tip_time), status.progress * 100);
    if (elapsed > 0.5 && status.initial_block_download) {
        const double blocks = std::max(0, status.height - old.height) / elapsed;
        const double bytes = status.bytes > old.bytes ? static_cast<double>(status.bytes - old.bytes) / elapsed : 0;
        const double progress = (status.progress - old.progress) / elapsed;
        text += fmt::format("  {:.0f} blocks/s  {:.1f} MB/s", blocks, bytes / 1e6);
        if (progress > 0) text += "  ETA " + duration((1 - status.progress) / progress);
    }
    return text + fmt::format("  {} peer{}{}", status.peers, status.peers == 1 ? "" : "s", status.importing ? "  importing" : "");
}

}  // namespace cairn::node
