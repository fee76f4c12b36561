#pragma once

#include <string>
#include <variant>
#include <vector>

#include <fmt/core.h>

#include "net/core/net_port.hpp"
#include "net/core/upload_target.hpp"
#include "net/wire/messages.hpp"

namespace cairn::net {

/// One line for the log, decided by code that knows no log.
struct LogLine {
    enum class Kind { debug, validation_debug, compact_debug, private_debug, info, warning, error };
    Kind kind = Kind::debug;
    std::string text;
};

/// Lines waiting to be written. Debug lines are not even made while nobody asked for them.
class LogLines {
public:
    template <class... Args>
    void debug(fmt::format_string<Args...> format, Args&&... args) {
        if (debug_wanted_) lines_.push_back({LogLine::Kind::debug, fmt::format(format, std::forward<Args>(args)...)});
    }
    template <class... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) {
        lines_.push_back({LogLine::Kind::info, fmt::format(format, std::forward<Args>(args)...)});
    }
    /// For the category cmpctblock.
    template <class... Args>
    void compact(fmt::format_string<Args...> format, Args&&... args) {
        if (compact_wanted_) lines_.push_back({LogLine::Kind::compact_debug, fmt::format(format, std::forward<Args>(args)...)});
    }
    /// For the category privatebroadcast.
    template <class... Args>
    void private_broadcast(fmt::format_string<Args...> format, Args&&... args) {
        if (private_wanted_) lines_.push_back({LogLine::Kind::private_debug, fmt::format(format, std::forward<Args>(args)...)});
    }
    void add(LogLine::Kind kind, std::string text) { lines_.push_back({kind, std::move(text)}); }
    void set_debug_wanted(bool wanted) { debug_wanted_ = wanted; }
    bool debug_wanted() const { return debug_wanted_; }
    void set_compact_wanted(bool wanted) { compact_wanted_ = wanted; }
    bool compact_wanted() const { return compact_wanted_; }
    void set_private_wanted(bool wanted) { private_wanted_ = wanted; }
    std::vector<LogLine> take() { return std::exchange(lines_, {}); }
    bool empty() const { return lines_.empty(); }

private:
    bool debug_wanted_ = true;
    bool compact_wanted_ = true;
    bool private_wanted_ = true;
    std::vector<LogLine> lines_;
};

/// What a role wants done, as values in order.
struct SendAction {
    PeerId peer = 0;
    Message message;
};
/// Close the connection; the reason goes to the log, unless it is empty, and no blame to the peer.
struct DisconnectAction {
    PeerId peer = 0;
    std::string reason;
    LogLine::Kind kind = LogLine::Kind::debug;
};
/// The peer broke the protocol: it is disconnected and discouraged unless its permissions or type protect it.
struct MisbehavingAction {
    PeerId peer = 0;
    std::string reason;
};
using RoleAction = std::variant<SendAction, DisconnectAction, MisbehavingAction>;

/// Collects the actions of a role until the engine takes them.
/// Owner: net thread.
class Outbox {
public:
    explicit Outbox(LogLines& log) : log_(log) {}
    /// `target` outlives this object.
    Outbox(LogLines& log, const UploadTarget& target) : log_(log), target_(&target) {}

    void send(PeerId peer, Message message) { actions_.push_back(SendAction{peer, std::move(message)}); }
    void disconnect(PeerId peer, std::string reason, LogLine::Kind kind = LogLine::Kind::debug) {
        actions_.push_back(DisconnectAction{peer, std::move(reason), kind});
    }
    void misbehaving(PeerId peer, std::string reason) { actions_.push_back(MisbehavingAction{peer, std::move(reason)}); }
    LogLines& log() { return log_; }
    /// What -maxuploadtarget leaves for: true when history, or anything but the present, is to be refused.
    bool history_refused(std::int64_t now_us) const { return target_ && target_->history_refused(now_us / 1'000'000); }
    bool upload_spent() const { return target_ && target_->reached(); }

    std::vector<RoleAction> take() { return std::exchange(actions_, {}); }
    bool empty() const { return actions_.empty(); }

private:
    LogLines& log_;
    const UploadTarget* target_ = nullptr;
    std::vector<RoleAction> actions_;
};

}  // namespace cairn::net
