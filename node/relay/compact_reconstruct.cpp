#include "node/relay/compact_reconstruct.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "consensus/base/check.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/rules/block_rules.hpp"
#include "node/relay/compact_block.hpp"

namespace cairn::node {

namespace {

constexpr std::size_t kMaxExtraBytes = 100'000;      // a larger transaction is not worth its memory
constexpr std::uint64_t kMaxPlace = 0xffff;          // places are 16-bit numbers (BIP152)
constexpr std::size_t kBatch = 256;                  // candidates hashed at a time
constexpr std::size_t kListedIds = 5;                // fewer requested transactions than this are named

/// An odd number that no peer can foresee: it spreads the ids over the table.
std::uint64_t table_secret() {
    static const std::uint64_t secret = [] {
        Uint256 bytes;
        fill_random({bytes.data(), Uint256::kSize});
        return bytes.low64() | 1;
    }();
    return secret;
}

}  // namespace

void ExtraPool::add(const TransactionPtr& tx) {
    if (limit_ == 0 || tx->tx().total_size() >= kMaxExtraBytes) return;
    if (txs_.size() < limit_) {
        wtxids_.push_back(tx->tx().wtxid);
        txs_.push_back(tx);
    } else {
        wtxids_[next_] = tx->tx().wtxid;
        txs_[next_] = tx;
    }
    next_ = (next_ + 1) % limit_;
}

CandidateTxs ExtraPool::candidates() const {
    return {wtxids_, [this](std::size_t i) { return txs_[i]; }};
}

/// Short ids and the slots that wait for them, in one table of words: 48 bits of id, 16 bits of slot.
class PartialBlock::Matcher {
public:
    explicit Matcher(std::size_t count)
        : shift_(64 - std::bit_width(std::bit_ceil(std::max<std::size_t>(2 * count, 16)) - 1)),
          table_(std::size_t{1} << (64 - shift_), kEmpty) {}

    /// False: the id is here already.
    bool add(std::uint64_t id, std::size_t slot) {
        std::size_t place = home(id);
        for (; table_[place] != kEmpty; place = (place + 1) & (table_.size() - 1))
            if (table_[place] >> 16 == id) return false;
        table_[place] = id << 16 | slot;
        return true;
    }
    /// The slot that waits for this id, or kNone.
    std::size_t find(std::uint64_t id) const {
        for (std::size_t place = home(id); table_[place] != kEmpty; place = (place + 1) & (table_.size() - 1))
            if (table_[place] >> 16 == id) return table_[place] & kMaxPlace;
        return kNone;
    }
    static constexpr std::size_t kNone = ~std::size_t{0};

private:
    static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // slot 0xffff: there are never so many
    std::size_t home(std::uint64_t id) const { return static_cast<std::size_t>((id * secret_) >> shift_); }

    std::uint64_t secret_ = table_secret();
    int shift_;
    std::vector<std::uint64_t> table_;
};

PartialBlock::Status PartialBlock::read(net::CompactBlockMessage&& message) {
    header_ = message.header;
    nonce_ = message.nonce;
    short_ids_ = std::move(message.short_ids);
    prefilled_raw_ = std::move(message.prefilled_raw);

    Reader reader(prefilled_raw_);
    const std::uint64_t count = reader.compact_size();
    if (!reader.ok() || count + short_ids_.size() > kMaxPlace || count > reader.remaining()) return Status::unreadable;
    slots_.resize(static_cast<std::size_t>(count) + short_ids_.size());
    std::uint64_t place = 0;  // the first that is free
    for (std::uint64_t i = 0; i < count; ++i, ++place) {
        place += reader.compact_size(kMaxPlace);
        Transaction* tx = arena_.make_row<Transaction>(1).data();
        *tx = Transaction::read(reader, arena_);
        if (!reader.ok()) return Status::unreadable;
        // No place may stay empty: below it there are only earlier prefilled ones and short ids.
        if (place > short_ids_.size() + i || (tx->inputs.empty() && tx->outputs.empty())) misplaced_ = true;
        if (!misplaced_) slots_[static_cast<std::size_t>(place)].tx = tx;
    }
    counts_.prefilled = static_cast<std::size_t>(count);
    return Status::ok;
}

PartialBlock::Status PartialBlock::match(const CandidateTxs& pool, const CandidateTxs& extra) {
    used_up_ = true;
    if (misplaced_ || slots_.empty()) return Status::invalid;
    Matcher matcher(short_ids_.size());
    std::size_t slot = 0;
    for (const std::uint64_t id : short_ids_) {
        while (slots_[slot].tx) ++slot;
        if (!matcher.add(id, slot++)) return Status::failed;
    }

    enum class Source : std::uint8_t { none, mempool, aside, collided };
    std::vector<Source> sources(slots_.size(), Source::none);
    const SipKey key = short_id_key(header_, nonce_);
    const auto take = [&](const CandidateTxs& from, std::size_t index, std::size_t place, Source source) {
        Slot& found = slots_[place];
        Source& known = sources[place];
        if (known == Source::none) {
            found.keeper = from.at(index);
            found.tx = &found.keeper->tx();
            known = source;
            ++counts_.from_pool;
            counts_.from_extra += source == Source::aside;
        } else if (known != Source::collided && found.tx->wtxid != from.wtxids[index]) {
            counts_.from_extra -= known == Source::aside;
            --counts_.from_pool;
            found = {};
            known = Source::collided;
        }
    };
    std::array<std::uint64_t, kBatch> hashes;
    const auto scan = [&](const CandidateTxs& from, Source source) {
        static_assert(sizeof(Wtxid) == Uint256::kSize);
        for (std::size_t start = 0; start < from.wtxids.size() && counts_.from_pool < short_ids_.size(); start += kBatch) {
            const auto some = from.wtxids.subspan(start, std::min(kBatch, from.wtxids.size() - start));
            siphash_many(key, {some.front().data(), some.size() * Uint256::kSize}, {hashes.data(), some.size()});
            for (std::size_t i = 0; i < some.size(); ++i) {
                const std::size_t place = matcher.find(hashes[i] & kShortIdMask);
                if (place != Matcher::kNone) take(from, start + i, place, source);
            }
        }
    };
    scan(pool, Source::mempool);
    scan(extra, Source::aside);
    short_ids_ = {};
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (!slots_[i].tx) missing_.push_back(static_cast<std::uint32_t>(i));
    used_up_ = false;
    return Status::ok;
}

PartialBlock::Status PartialBlock::fill(Bytes raw, bool check_witness) {
    CAIRN_CHECK(!used_up_);
    Reader reader(raw);
    const std::uint64_t count = missing_.empty() && raw.empty() ? 0 : reader.compact_size();
    // More than asked for is read all the same, so that bytes that are no transactions are told from wrong transactions.
    if (count > reader.remaining()) return Status::unreadable;
    std::vector<const Transaction*> given;
    given.reserve(std::min<std::size_t>(static_cast<std::size_t>(count), slots_.size()));
    for (std::uint64_t i = 0; i < count; ++i) {
        const Transaction tx = Transaction::read(reader, arena_);
        if (!reader.ok()) return Status::unreadable;
        if (given.size() == slots_.size()) continue;
        Transaction* kept = arena_.make_row<Transaction>(1).data();
        *kept = tx;
        given.push_back(kept);
    }
    if (!reader.ok()) return Status::unreadable;

    used_up_ = true;
    const auto slots = std::exchange(slots_, {});
    if (count != missing_.size()) return Status::invalid;
    std::vector<const Transaction*> txs;
    txs.reserve(slots.size());
    for (const Slot& slot : slots) txs.push_back(slot.tx);
    for (std::size_t i = 0; i < given.size(); ++i) {
        txs[missing_[i]] = given[i];
        counts_.requested_bytes += given[i]->raw.size();
        if (given.size() < kListedIds) counts_.requested_ids.push_back(given[i]->txid);
    }
    counts_.requested = given.size();

    BlockPtr block = Block::assemble(header_, txs);
    if (rules::is_block_mutated(*block, check_witness)) return Status::failed;
    block_ = std::move(block);
    return Status::ok;
}

}  // namespace cairn::node
