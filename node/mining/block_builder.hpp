#pragma once

#include <functional>
#include <optional>

#include "consensus/rules/params.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn::net {
class Clock;
}

namespace cairn::node {

/// Makes blocks on top of the active chain.
/// Thread: any (it holds nothing but references).
class BlockBuilder {
public:
    /// `version`: replaces the blocks' own (-blockversion).
    BlockBuilder(ChainPort& chain, ChainParamsPtr params, const net::Clock& clock, std::optional<std::int32_t> version = std::nullopt)
        : chain_(chain), params_(std::move(params)), clock_(clock), version_(version) {}

    /// A block on `tip` (null for the view's tip) paying subsidy and `fees` to `script_pubkey`, with `transactions` in this order.
    /// Its proof of work is not done yet. Coinbase script: the height, and op_0 where that is a single byte; with witness commitment.
    Bytes assemble(ByteSpan script_pubkey, std::span<const Transaction> transactions = {}, Amount fees = 0,
                   const HeaderNode* tip = nullptr) const;

    /// The script that commits to the transactions' witnesses (BIP141); `wtxids` are all but the coinbase's, in order.
    static Bytes witness_commitment(std::span<const Wtxid> wtxids);

    /// The earliest time of a block on `parent`. BIP94's bound on the first block of a period is kept on every network: blocks
    /// that keep it are valid everywhere.
    static std::int64_t minimum_time(const HeaderNode& parent, const ChainParams& params);

    /// Tries nonces from the block's own on until its hash meets its bits. False when `max_tries` are used up (counted down),
    /// the nonce space is exhausted, or `keep_going` says so (asked every few thousand tries).
    static bool solve(Bytes& raw_block, std::uint64_t& max_tries, const std::function<bool()>& keep_going);

private:
    ChainPort& chain_;
    ChainParamsPtr params_;
    const net::Clock& clock_;
    std::optional<std::int32_t> version_;
};

}  // namespace cairn::node
