// Sends prepared JSON-RPC bodies over kept connections as fast as the answers come, and says how long it took. A client in C++,
// because one in Python takes longer over a call than the node does. README.md beside this file describes its lines.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

class Failed : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One kept connection with at most one request under way.
class Line {
public:
    explicit Line(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw Failed("cannot connect");
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() { ::close(socket_); }

    int socket() const { return socket_; }

    void send(std::string_view request) {
        began_ = Clock::now();
        answer_.clear();
        for (std::size_t sent = 0; sent < request.size();) {
            const ssize_t count = ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) throw Failed("the node closed the connection");
            sent += static_cast<std::size_t>(count);
        }
    }

    /// Reads what is there, waiting for the first byte of it. True once the answer is whole.
    bool receive() {
        char part[65536];
        const ssize_t count = ::recv(socket_, part, sizeof part, 0);
        if (count <= 0) throw Failed("the node closed the connection");
        answer_.append(part, static_cast<std::size_t>(count));
        const std::size_t end = answer_.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        return answer_.size() >= end + 4 + body_length(end);
    }

    std::string_view answer() const { return answer_; }
    double microseconds() const { return std::chrono::duration<double, std::micro>(Clock::now() - began_).count(); }

private:
    std::size_t body_length(std::size_t head_end) const {
        static constexpr std::string_view kField = "content-length:";
        const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
        const auto head = answer_.begin() + static_cast<std::ptrdiff_t>(head_end);
        auto at = std::search(answer_.begin(), head, kField.begin(), kField.end(), same);
        if (at == head) throw Failed("an answer without a length");
        at += static_cast<std::ptrdiff_t>(kField.size());
        while (at != head && *at == ' ') ++at;
        std::size_t length = 0;
        std::from_chars(&*at, answer_.data() + head_end, length);
        return length;
    }

    int socket_;
    std::string answer_;
    Clock::time_point began_;
};

struct Load {
    std::vector<std::string> requests;
    std::size_t next = 0, refused = 0;
    std::string first_refusal;
    std::vector<double> latencies;  ///< microseconds

    /// Sends the next request; false when there is none.
    bool feed(Line& line) {
        if (next == requests.size()) return false;
        line.send(requests[next++]);
        return true;
    }
    void take(const Line& line) {
        latencies.push_back(line.microseconds());
        const std::string_view answer = line.answer();
        const bool good = answer.starts_with("HTTP/1.1 200") && answer.find("\"error\":{") == std::string_view::npos;
        if (good) return;
        if (refused++ == 0) first_refusal = answer.substr(0, 400);
    }
};

void run_one(Load& load, Line& line) {
    while (load.feed(line)) {
        while (!line.receive()) {
        }
        load.take(line);
    }
}

void run_many(Load& load, std::vector<std::unique_ptr<Line>>& lines) {
    const int poll = ::epoll_create1(0);
    std::size_t busy = 0;
    for (auto& line : lines) {
        epoll_event event{.events = EPOLLIN, .data = {.ptr = line.get()}};
        ::epoll_ctl(poll, EPOLL_CTL_ADD, line->socket(), &event);
        if (load.feed(*line)) ++busy;
    }
    std::vector<epoll_event> events(lines.size());
    while (busy > 0) {
        const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 60'000);
        if (count <= 0) throw Failed("no answer for a minute");
        for (int i = 0; i < count; ++i) {
            Line& line = *static_cast<Line*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (!line.receive()) continue;
            load.take(line);
            if (!load.feed(line)) --busy;
        }
    }
    ::close(poll);
}

std::string request_of(const std::string& body, const std::string& authorization) {
    return "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + authorization +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Each body as soon as it comes, the time it took behind it.
int run_as_they_come(std::uint16_t port, const std::string& authorization) {
    Line line(port);
    Load load;
    for (std::string body; std::getline(std::cin, body);) {
        line.send(request_of(body, authorization));
        while (!line.receive()) {
        }
        load.take(line);
        if (load.refused > 0) throw Failed(load.first_refusal);
        std::printf("%.1f\n", load.latencies.back());
        std::fflush(stdout);
    }
    return 0;
}

Load read_requests(const std::string& authorization) {
    Load load;
    for (std::string body; std::getline(std::cin, body);) load.requests.push_back(request_of(body, authorization));
    load.latencies.reserve(load.requests.size());
    return load;
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double percentile(std::vector<double>& sorted, double share) {
    return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

int run(std::uint16_t port, const std::string& authorization, std::size_t connections) {
    if (connections == 0) return run_as_they_come(port, authorization);
    Load load = read_requests(authorization);
    std::vector<std::unique_ptr<Line>> lines;
    for (std::size_t i = 0; i < connections; ++i) lines.push_back(std::make_unique<Line>(port));
    const double cpu_before = cpu_seconds();
    const auto began = Clock::now();
    if (lines.size() == 1) {
        run_one(load, *lines.front());
    } else {
        run_many(load, lines);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    std::ranges::sort(load.latencies);
    std::printf("seconds %.6f\ncpu %.6f\np50_us %.1f\np99_us %.1f\nrefused %zu\n", seconds, cpu_seconds() - cpu_before,
                percentile(load.latencies, 0.5), percentile(load.latencies, 0.99), load.refused);
    if (load.refused > 0) std::printf("first %s\n", load.first_refusal.c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: rpcload PORT AUTHORIZATION CONNECTIONS < BODIES (0 connections: one, each body as it comes)\n");
        return 2;
    }
    try {
        return run(static_cast<std::uint16_t>(std::stoi(argv[1])), argv[2], static_cast<std::size_t>(std::stoul(argv[3])));
    } catch (const std::exception& e) {
        std::fprintf(stderr, "rpcload: %s\n", e.what());
        return 1;
    }
}
