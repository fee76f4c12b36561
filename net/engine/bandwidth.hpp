#pragma once

#include <algorithm>
#include <functional>
#include <string_view>

#include "net/core/peer_info.hpp"
#include "net/core/upload_target.hpp"
#include "net/peer/rate_schedule.hpp"

namespace cairn::net {

/// Bytes that may pass, filling up at a rate. More than there is may be spent; then the debt has to be paid first.
/// Limits: holds half a second of its rate, at least 16 kB; owes at most a minute of it.
class ByteBucket {
public:
    explicit ByteBucket(double bytes_a_second = 0) { set_rate(bytes_a_second); }

    /// 0: no limit.
    void set_rate(double bytes_a_second) {
        if (rate_ == bytes_a_second) return;
        tokens_ = std::max(0.0, tokens_);  // what was spent under another limit is forgiven
        rate_ = bytes_a_second;
        tokens_ = std::min(tokens_, capacity());
    }
    bool limited() const { return rate_ > 0; }
    void advance(std::int64_t now_us) {
        if (last_us_ != 0 && now_us > last_us_) tokens_ = std::min(capacity(), tokens_ + static_cast<double>(now_us - last_us_) / 1e6 * rate_);
        last_us_ = now_us;
    }
    void spend(std::size_t bytes) {
        if (limited()) tokens_ = std::max(tokens_ - static_cast<double>(bytes), -60 * rate_);
    }
    /// False while it owes.
    bool open() const { return !limited() || tokens_ > 0; }
    double tokens() const { return tokens_; }

private:
    double capacity() const { return std::max(rate_ / 2, 16'000.0); }

    double rate_ = 0;
    double tokens_ = 0;
    std::int64_t last_us_ = 0;
};

/// The operator's limits on all traffic together: -maxuploadtarget, -uploadrate, -downloadrate.
///
/// All bytes count against the rates; only large answers wait for them (is_bulk), and the reading of large messages and of what comes
/// beyond a trickle. So what others need to follow the chain (headers, compact blocks, inventory, pings) is never behind a block of
/// another peer. Peers with the permission `noban` or `download` are not held up; their bytes count.
/// Owner: net thread.
class Bandwidth {
public:
    struct Options {
        std::uint64_t upload_target_bytes = 0;  ///< in a day; 0: none
        RateSchedule upload, download;
        /// Seconds since 1970 as the clock on the wall shows them, from those of UTC; empty: UTC.
        std::function<std::int64_t(std::int64_t)> local_s;
    };
    static constexpr double kTrickle = 8'000;          ///< bytes a second of small messages that are read of each peer, come what may
    static constexpr std::size_t kBulkBytes = 16'000;  ///< of a message that has not come yet: it is a large one
    static constexpr std::size_t kChunkBytes = 16'000; ///< written at a time for one peer, then another has its turn
    static constexpr std::size_t kUnreadBytes = 64'000;  ///< in the socket's queue: a peer that does not read gets no more for now

    explicit Bandwidth(Options options) : options_(std::move(options)), target_(options_.upload_target_bytes) {}

    /// Lets time pass; the rates become those of the moment.
    void advance(std::int64_t now_us) {
        if (options_.upload.empty() && options_.download.empty()) return;
        const std::int64_t now_s = now_us / 1'000'000;
        if (now_s != rates_of_s_) {
            rates_of_s_ = now_s;
            const std::int64_t local_s = options_.local_s ? options_.local_s(now_s) : now_s;
            upload_.set_rate(options_.upload.rate_at(local_s));
            download_.set_rate(options_.download.rate_at(local_s));
        }
        upload_.advance(now_us);
        download_.advance(now_us);
    }

    static bool exempt(const PeerInfo& peer) { return peer.has(kPermitNoBan) || peer.has(kPermitDownload); }
    /// Answers that are large, or many, and that nobody needs at once; they keep their order among each other.
    static bool is_bulk(std::string_view command) {
        return command == "block" || command == "merkleblock" || command == "tx" || command == "notfound" || command == "cfilter" ||
               command == "cfheaders" || command == "cfcheckpt";
    }

    bool paces(const PeerInfo& peer) const { return upload_.limited() && !exempt(peer); }
    /// What may be written now for peers that are paced.
    std::size_t writable() const {
        if (!upload_.limited()) return kChunkBytes;
        return upload_.tokens() < 1 ? 0 : static_cast<std::size_t>(std::min(upload_.tokens(), static_cast<double>(kChunkBytes)));
    }
    void on_queued(std::size_t bytes) { upload_.spend(bytes); }
    void on_written(std::size_t bytes, std::int64_t now_s) { target_.on_sent(bytes, now_s); }
    void on_received(std::size_t bytes) { download_.spend(bytes); }
    /// True while nothing of this peer is read: of a message so much is still to come, and the peer's trickle is as given.
    bool holds_reading(const PeerInfo& peer, std::size_t incoming_bytes, const ByteBucket& trickle) const {
        return !download_.open() && !exempt(peer) && (incoming_bytes > kBulkBytes || !trickle.open());
    }
    bool limits_download() const { return download_.limited(); }
    const UploadTarget& target() const { return target_; }

private:
    Options options_;
    UploadTarget target_;
    ByteBucket upload_, download_;
    std::int64_t rates_of_s_ = -1;
};

}  // namespace cairn::net
