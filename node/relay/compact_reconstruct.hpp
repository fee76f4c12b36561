#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "consensus/primitives/block.hpp"
#include "net/wire/messages.hpp"

namespace cairn::node {

/// Transactions that a block may contain: their ids in one row, and each of them by its place in that row.
struct CandidateTxs {
    std::span<const Wtxid> wtxids;
    std::function<TransactionPtr(std::size_t)> at;
};

/// The last transactions that were seen and are not in the mempool: refused, replaced, orphans. A block may contain them.
/// Owner: net thread.
class ExtraPool {
public:
    /// `limit`: -blockreconstructionextratxn; 0 keeps nothing.
    explicit ExtraPool(std::size_t limit) : limit_(limit) {}

    /// The oldest one makes room. Large ones (100 kB and more) are not kept.
    void add(const TransactionPtr& tx);
    CandidateTxs candidates() const;
    std::size_t size() const { return txs_.size(); }

private:
    std::size_t limit_;
    std::size_t next_ = 0;
    std::vector<Wtxid> wtxids_;
    std::vector<TransactionPtr> txs_;
};

/// A compact block under reconstruction: which of its transactions are here and which are not.
///
/// Short ids have 48 bits and come from a peer, so they prove nothing: two candidates for one id are asked for instead of
/// guessed, and a block that was filled is compared with the roots its header commits to before anyone gets it.
/// Cost: one SipHash per candidate until all are found, several at a time; one probe each in a table that the sender cannot
/// foresee.
/// Limits: as many slots as a block can have transactions; the prefilled bytes of one message.
class PartialBlock {
public:
    enum class Status {
        ok,
        unreadable,  ///< not a message at all: nobody is blamed, as for any message that cannot be read
        invalid,     ///< says things that no honest peer says
        failed,      ///< bad luck (short ids that collide) or bad data: ask for the whole block
    };
    struct Counts {
        std::size_t prefilled = 0;
        std::size_t from_pool = 0;   ///< the extra pool's included
        std::size_t from_extra = 0;
        std::size_t requested = 0;
        std::size_t requested_bytes = 0;
        std::vector<Txid> requested_ids;  ///< when they are fewer than 5
    };

    /// Reads the prefilled transactions. `message` is moved from. To be called once, before all else: unreadable or ok.
    Status read(net::CompactBlockMessage&& message);
    /// Looks which transactions are here.
    Status match(const CandidateTxs& pool, const CandidateTxs& extra);
    /// Indexes of those that are not, ascending.
    const std::vector<std::uint32_t>& missing() const { return missing_; }
    /// Puts in what was missing: `raw` is what a blocktxn message carries, empty when nothing was missing. Works once; the
    /// transactions are let go. `check_witness`: segwit is active at the block.
    Status fill(Bytes raw, bool check_witness);
    /// match() failed or fill() was called: there is nothing to put anything into.
    bool used_up() const { return used_up_; }

    const BlockHeader& header() const { return header_; }
    std::size_t tx_count() const { return slots_.size(); }
    /// The block; set when fill() said ok.
    const BlockPtr& block() const { return block_; }
    const Counts& counts() const { return counts_; }

private:
    /// A transaction and who keeps it alive: a pool's entry, or the bytes and rows of this object.
    struct Slot {
        const Transaction* tx = nullptr;
        TransactionPtr keeper;
    };
    class Matcher;

    Status place_prefilled(ByteSpan raw, std::size_t short_ids);

    BlockHeader header_;
    std::uint64_t nonce_ = 0;
    std::vector<std::uint64_t> short_ids_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> missing_;
    Bytes prefilled_raw_;
    Arena arena_{16 * 1024};
    bool misplaced_ = false;  ///< a prefilled transaction has an impossible place, or is none
    bool used_up_ = true;     ///< until match() found its way
    BlockPtr block_;
    Counts counts_;
};

}  // namespace cairn::node
