#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "consensus/chain/header_tree.hpp"
#include "consensus/rules/params.hpp"
#include "net/core/random.hpp"

namespace cairn::net {

/// Follows one peer's header chain twice before any of it is kept, when it is not known to have enough work.
///
/// First pass: only the sum of work and one salted bit for every `commitment_period` headers are remembered. When the
/// sum reaches what is asked for, the peer sends everything again. Second pass: the bits must match, and a header is
/// released for keeping once so many headers stand on it in the buffer that an attacker would have had to guess
/// `redownload_buffer_size / commitment_period` bits, or once the second pass itself has shown enough work.
///
/// Attacker: cannot make us keep headers of a chain with too little work, except with the luck above.
/// Limits: bits are bounded by the number of headers that an honest chain could have (six a second since its start,
/// the most that the median-time rule allows); the buffer by redownload_buffer_size plus one message.
/// Owner: net thread.
class HeadersPresync {
public:
    enum class Phase { presync, redownload, done };
    struct Step {
        std::vector<BlockHeader> released;  ///< may be kept now, in order
        bool ok = false;                    ///< false: the peer contradicts itself or the rules; give up quietly
        bool request_more = false;
        std::string note;                   ///< for the debug log; may be empty
    };

    /// `start`: the last block that we know and on which the peer's headers build. `now_s` bounds the length.
    HeadersPresync(const ChainParams& params, const HeaderNode* start, const Arith256& required_work, std::int64_t now_s,
                   Random& random);

    /// `headers` are continuous and each has valid proof of work; `full`: the message held as many as it could.
    Step on_headers(std::span<const BlockHeader> headers, bool full);
    /// For the next getheaders; not when done.
    std::vector<BlockHash> next_locator() const;

    Phase phase() const { return phase_; }
    /// Height reached by the first pass.
    std::int64_t presync_height() const { return height_; }
    std::uint32_t presync_time() const { return last_time_; }

private:
    struct Compressed {  // a header without its parent's hash
        std::int32_t version;
        Uint256 merkle_root;
        std::uint32_t time, bits, nonce;
    };

    std::optional<std::string> presync_one(const BlockHeader& header, const BlockHash& hash);
    std::optional<std::string> redownload_one(const BlockHeader& header, const BlockHash& hash);
    std::vector<BlockHeader> release();
    bool bit_of(const BlockHash& hash) const;
    void finish();

    const ChainParams& params_;
    const HeaderNode* start_;
    Arith256 required_work_;
    Uint256 salt_;
    std::int64_t offset_;          ///< secret: which heights of each period are remembered
    std::size_t max_bits_;
    Phase phase_ = Phase::presync;

    // first pass
    std::deque<bool> bits_;
    Arith256 work_;
    std::int64_t height_;
    BlockHash last_hash_;
    std::uint32_t last_bits_;
    std::uint32_t last_time_;

    // second pass
    std::deque<Compressed> buffer_;
    std::int64_t buffer_height_ = 0;
    BlockHash buffer_last_hash_;
    BlockHash buffer_first_parent_;
    Arith256 second_work_;
    bool release_all_ = false;
};

}  // namespace cairn::net
