#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cairn::test {

/// One end of a connection, for servers made up in tests: waits in everything it does, until the server ends.
class Line {
public:
    explicit Line(int socket) : socket_(socket) {}
    bool read(std::string& into, std::size_t size) {
        into.clear();
        while (into.size() < size) {
            char buffer[4096];
            const ssize_t count = ::recv(socket_, buffer, std::min(sizeof buffer, size - into.size()), 0);
            if (count <= 0) return false;
            into.append(buffer, static_cast<std::size_t>(count));
        }
        return true;
    }
    /// Up to the end of a line, without it.
    std::optional<std::string> read_line() {
        std::string line, byte;
        while (read(byte, 1)) {
            if (byte == "\n") {
                if (line.ends_with('\r')) line.pop_back();
                return line;
            }
            line += byte;
        }
        return std::nullopt;
    }
    bool write(const std::string& text) {
        std::size_t done = 0;
        while (done < text.size()) {
            const ssize_t count = ::send(socket_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
            if (count <= 0) return false;
            done += static_cast<std::size_t>(count);
        }
        return true;
    }
    int socket() const { return socket_; }

private:
    int socket_;
};

/// Carries bytes both ways until one side ends.
inline void bridge(int a, int b) {
    for (;;) {
        pollfd both[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        if (::poll(both, 2, -1) <= 0) return;
        for (int i = 0; i < 2; ++i) {
            if (both[i].revents == 0) continue;
            char buffer[65'536];
            const ssize_t count = ::recv(i == 0 ? a : b, buffer, sizeof buffer, 0);
            if (count <= 0) {
                ::shutdown(i == 0 ? b : a, SHUT_RDWR);
                return;
            }
            if (!Line(i == 0 ? b : a).write({buffer, static_cast<std::size_t>(count)})) return;
        }
    }
}

/// Connects to a port of 127.0.0.1; -1 when nobody listens.
inline int connect_local(std::uint16_t port) {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(handle, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return handle;
    ::close(handle);
    return -1;
}

/// Listens on a port of 127.0.0.1, or a local socket, and serves every connection on a thread of its own.
class LoopbackServer {
public:
    /// `unix_path`: empty for TCP.
    explicit LoopbackServer(std::function<void(Line)> serve, const std::string& unix_path = {}) : serve_(std::move(serve)) {
        listener_ = ::socket(unix_path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
        if (unix_path.empty()) {
            sockaddr_in at{};
            at.sin_family = AF_INET;
            at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
            socklen_t size = sizeof at;
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
            port_ = ntohs(at.sin_port);
        } else {
            sockaddr_un at{};
            at.sun_family = AF_UNIX;
            unix_path.copy(at.sun_path, sizeof at.sun_path - 1);
            ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
        }
        ::listen(listener_, 16);
        thread_ = std::thread([this] { accept(); });
    }
    ~LoopbackServer() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        drop_all();
        for (std::thread& thread : served_) thread.join();
        for (const int socket : sockets_) ::close(socket);
        ::close(listener_);
    }
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// Ends all connections there are.
    void drop_all() {
        const std::lock_guard lock(mutex_);
        for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }

private:
    void accept() {
        while (!stopping_) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket < 0) return;
            const std::lock_guard lock(mutex_);
            sockets_.push_back(socket);
            served_.emplace_back([this, socket] {
                serve_(Line(socket));
                ::shutdown(socket, SHUT_RDWR);
            });
        }
    }

    std::function<void(Line)> serve_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  // guards the two below
    std::vector<int> sockets_;
    std::vector<std::thread> served_;
    std::thread thread_;
};

}  // namespace cairn::test
