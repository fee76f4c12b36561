#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "consensus/primitives/block.hpp"
#include "light/client/block_requests.hpp"
#include "light/client/header_chain.hpp"
#include "light/client/ports.hpp"
#include "net/core/net_port.hpp"

namespace cairn::light {

/// What can be known of fee rates without a mempool and without coins.
///
/// Two sources. Peers say below which rate they take no transactions (BIP133): the median of what they say is the floor,
/// so that no single peer moves it. And a block pays its miner the subsidy and all fees: coinbase outputs less subsidy,
/// by the block's size without its coinbase, is the mean rate of what was in it, the one number that a block tells to
/// somebody who does not know the coins that it spends.
///
/// A block with room left shows that the floor was enough. A full one shows that the lowest rate in it was below its
/// mean. A target of up to 2 blocks takes the highest of the recent means, one of up to 6 the median, up to 24 the lower
/// quartile, beyond that the lowest; never less than a floor that several peers named. Conservative takes the next more cautious of these.
///
/// What it cannot know: how much waits now (nobody has told a light client), the lowest rate in a full block, fees that a
/// miner got outside of the block or left unclaimed. After a sudden change it lags behind by the blocks it has seen.
/// A block with a handful of payments tells nothing, as nobody had to outbid anybody. With fewer than kFewest blocks that do tell
/// something there is no estimate.
/// Limits: kMost blocks; one number a peer.
/// Owner: net thread.
class FeeRates {
public:
    static constexpr std::size_t kMost = 12;
    static constexpr std::size_t kFewest = 3;
    static constexpr Height kRecent = 144;        ///< blocks further below the tip count no more
    static constexpr double kFull = 0.95;         ///< of the greatest weight
    static constexpr std::int64_t kTelling = 80'000;  ///< weight of the payments of a block that tells something
    static constexpr std::int64_t kAbsurd = 5'000'000;  ///< whoever asks for so much wants no transactions at all, as during its sync

    explicit FeeRates(const ChainParams& params) : params_(params) {}

    /// Satoshis per kvB, as the peer said.
    void on_fee_filter(net::PeerId peer, std::int64_t rate);
    void remove(net::PeerId peer);
    /// Any block that happens to be here; `height` on the best chain.
    void on_block(const Block& block, Height height);
    /// Blocks above are gone from the best chain.
    void cut(Height height);

    /// Newest first; whether this one is known.
    bool knows(Height height) const { return blocks_.contains(height); }
    std::shared_ptr<const FeeView> view(Height tip) const;

private:
    const ChainParams& params_;
    std::map<net::PeerId, std::int64_t> floors_;
    std::map<Height, FeeView::Block> blocks_;
};

/// Fetches some of the newest blocks for FeeRates, each from a random peer at a random time: the first few within a minute
/// or so of the first call, then one now and then. That nobody can tell them from blocks of ours is no disadvantage.
/// Owner: net thread.
class FeeSampler {
public:
    static constexpr int kAtOnce = 3;                                    ///< blocks wanted soon after the start
    static constexpr std::int64_t kSoon_us = 30'000'000;                 ///< mean time between those
    static constexpr Height kDepth = 12;                                 ///< of the newest so many blocks

    /// `per_hour`: so many blocks an hour; 0: none, ever. All outlive this object.
    FeeSampler(FeeRates& rates, const HeaderChain& chain, BlockRequests& blocks, net::Random& random, unsigned per_hour)
        : rates_(rates), chain_(chain), blocks_(blocks), random_(random), per_hour_(per_hour) {}

    /// To be called while everything is scanned.
    void tick(std::int64_t now_us);

private:
    void schedule(std::int64_t now_us);

    FeeRates& rates_;
    const HeaderChain& chain_;
    BlockRequests& blocks_;
    net::Random& random_;
    unsigned per_hour_;
    int done_ = 0;
    std::int64_t next_us_ = 0;  ///< 0: not decided
};

}  // namespace cairn::light
