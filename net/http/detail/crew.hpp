#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include <boost/asio/io_context.hpp>

namespace cairn::http {

/// The threads of a server. One of them, the leader, waits for the sockets and answers what comes by itself, so that a quick
/// request costs no change of thread. When an answer takes longer than `kPatience`, a second thread, the watcher, takes the lead
/// over; the first stays with its answer and joins the others, who sleep, afterwards.
///
/// While requests follow each other closely the leader looks for the next one for a moment before it goes to sleep: being woken
/// takes longer than most answers.
/// Thread: any.
class Crew {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr auto kPatience = std::chrono::milliseconds(1);
    static constexpr auto kWatchAfterWork = std::chrono::milliseconds(100);  ///< then the watcher sleeps until there is work again
    static constexpr auto kCloseTogether = std::chrono::microseconds(200);   ///< requests that make looking worth while
    static constexpr auto kLook = std::chrono::microseconds(100);

    explicit Crew(boost::asio::io_context& io);

    /// What a thread of the crew does until the context is stopped and stop() was called.
    void serve();
    void stop();

    /// Around each answer, on the thread that gives it.
    class Answering {
    public:
        explicit Answering(Crew& crew) : crew_(crew) { crew_.begin_answer(); }
        ~Answering() { crew_.end_answer(); }
        Answering(const Answering&) = delete;
        Answering& operator=(const Answering&) = delete;

    private:
        Crew& crew_;
    };

private:
    void begin_answer();
    void end_answer();
    bool take_the_lead();
    void lead();
    void look();

    boost::asio::io_context& io_;
    const bool may_look_;  ///< there are other processors for those who have something to do
    std::mutex mutex_;
    std::condition_variable sleepers_, watcher_;
    bool watched_ = false;         ///< one of the threads is the watcher
    bool watcher_sleeps_ = false;
    bool led_ = false;             ///< there was ever a leader
    bool stopping_ = false;
    bool answering_ = false;       ///< the leader is giving an answer
    Clock::time_point answering_since_{};
    std::atomic<std::uint64_t> turn_{0};  ///< counts leaders
    // Of the leader alone:
    Clock::time_point answered_{};
    bool close_together_ = false;
};

}  // namespace cairn::http
