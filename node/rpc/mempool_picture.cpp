#include "node/rpc/mempool_picture.hpp"

#include <algorithm>
#include <unordered_map>

#include "consensus/base/check.hpp"
#include "net/http/rpc_error.hpp"
#include "node/rpc/doc.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;

constexpr std::uint32_t kMaxReplaceableSequence = 0xfffffffd;  // BIP125

bool signals_replacement(const Transaction& tx) {
    return std::any_of(tx.inputs.begin(), tx.inputs.end(),
                       [](const TxInput& input) { return input.sequence <= kMaxReplaceableSequence; });
}

}  // namespace

MempoolPort& mempool(const NodeContext& context) {
    if (!context.mempool) {
        throw http::RpcError{http::rpc_code::kClientMempoolDisabled, "Mempool disabled or instance not found"};
    }
    return *context.mempool;
}

MempoolPicture::MempoolPicture(const Mempool& pool) {
    entries_.reserve(pool.size());
    for (const MempoolEntry* entry : pool.ordered()) copy(pool, *entry);
    relate();
}

MempoolPicture::MempoolPicture(const Mempool& pool, const MempoolEntry& entry) {
    for (const TxGraph::Chunk& chunk : pool.graph().cluster(entry.graph)) {
        for (const TxGraph::Id id : chunk.members) copy(pool, *pool.at(id));
    }
    relate();
}

void MempoolPicture::copy(const Mempool& pool, const MempoolEntry& entry) {
    entries_.push_back({entry.tx, entry.fee, entry.modified_fee(), entry.vsize(), entry.time, entry.height,
                        pool.graph().chunk_of(entry.graph), pool.graph().cluster_number(entry.graph),
                        !pool.unbroadcast().empty() && pool.unbroadcast().contains(entry.txid())});
}

void MempoolPicture::relate() {
    members_.resize(entries_.size());
    for (std::uint32_t i = 0; i < members_.size(); ++i) members_[i] = i;
    std::stable_sort(members_.begin(), members_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return entries_[a].cluster < entries_[b].cluster;
    });
    for (std::uint32_t first = 0; first < members_.size();) {
        std::uint32_t end = first + 1;
        while (end < members_.size() && entries_[members_[end]].cluster == entries_[members_[first]].cluster) ++end;
        relate_cluster(first, end - first);
        first = end;
    }
}

void MempoolPicture::relate_cluster(std::uint32_t first, std::uint32_t count) {
    CAIRN_CHECK(count <= 64);
    entries_[members_[first]].first = first;
    if (count == 1) return;
    std::unordered_map<Txid, std::uint32_t> places;
    for (std::uint32_t place = 0; place < count; ++place) {
        Copy& entry = entries_[members_[first + place]];
        entry.first = first;
        entry.count = count;
        entry.place = place;
        entry.ancestors = entry.descendants = std::uint64_t{1} << place;
        for (const TxInput& input : entry.tx->tx().inputs) {
            const auto parent = places.find(input.prevout.txid);
            if (parent == places.end()) continue;
            entry.parents |= std::uint64_t{1} << parent->second;
            entry.ancestors |= entries_[members_[first + parent->second]].ancestors;
        }
        places.emplace(entry.tx->tx().txid, place);
    }
    for (std::uint32_t place = 0; place < count; ++place) {
        const std::uint64_t ancestors = entries_[members_[first + place]].ancestors;
        for (std::uint32_t above = 0; above < place; ++above) {
            if (ancestors >> above & 1) entries_[members_[first + above]].descendants |= std::uint64_t{1} << place;
        }
    }
}

std::size_t MempoolPicture::index_of(const Txid& txid) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (tx(i).txid == txid) return i;
    }
    CAIRN_CHECK(false);
    return 0;
}

std::vector<std::size_t> MempoolPicture::chosen(std::size_t index, std::uint64_t bits) const {
    const Copy& entry = entries_[index];
    std::vector<std::size_t> found;
    for (std::uint32_t place = 0; place < entry.count; ++place) {
        if (bits >> place & 1) found.push_back(members_[entry.first + place]);
    }
    std::sort(found.begin(), found.end(), [this](std::size_t a, std::size_t b) { return tx(a).txid < tx(b).txid; });
    return found;
}

std::vector<std::size_t> MempoolPicture::ancestors(std::size_t index) const {
    return chosen(index, entries_[index].ancestors & ~(std::uint64_t{1} << entries_[index].place));
}

std::vector<std::size_t> MempoolPicture::descendants(std::size_t index) const {
    return chosen(index, entries_[index].descendants & ~(std::uint64_t{1} << entries_[index].place));
}

void MempoolPicture::write(JsonWriter& out, std::size_t index, bool replaceable) const {
    const Copy& entry = entries_[index];
    struct Sum {
        unsigned count = 0;
        std::int64_t vsize = 0;
        Amount fee = 0;
    } above, below;
    std::uint64_t children = 0;
    bool signals = false;
    for (std::uint32_t place = 0; place < entry.count; ++place) {
        const Copy& other = entries_[members_[entry.first + place]];
        const auto add = [&](Sum& sum) { ++sum.count, sum.vsize += other.vsize, sum.fee += other.modified_fee; };
        if (entry.ancestors >> place & 1) {
            add(above);
            signals = signals || (replaceable && signals_replacement(other.tx->tx()));
        }
        if (entry.descendants >> place & 1) add(below);
        if (other.parents >> entry.place & 1) children |= std::uint64_t{1} << place;
    }

    const Transaction& tx = entry.tx->tx();
    out.begin_object().field("vsize_adjusted", entry.vsize).field("vsize", entry.vsize).field("vsize_bip141", tx.vsize());
    out.field("weight", tx.weight()).field("time", entry.time).field("height", entry.height);
    out.field("descendantcount", below.count).field("descendantsize", below.vsize);
    out.field("ancestorcount", above.count).field("ancestorsize", above.vsize);
    out.field("wtxid", tx.wtxid).field("chunkweight", entry.chunk.size);
    out.key("fees").begin_object();
    out.amount_field("base", entry.fee).amount_field("modified", entry.modified_fee).amount_field("ancestor", above.fee);
    out.amount_field("descendant", below.fee).amount_field("chunk", entry.chunk.fee).end_object();

    std::vector<std::string> depends;
    for (const std::size_t parent : chosen(index, entry.parents)) depends.push_back(this->tx(parent).txid.to_display_hex());
    std::sort(depends.begin(), depends.end());
    out.key("depends").begin_array();
    for (const std::string& txid : depends) out.string(txid);
    out.end_array().key("spentby").begin_array();
    for (const std::size_t child : chosen(index, children)) out.hash(this->tx(child).txid);
    out.end_array().field("unbroadcast", entry.unbroadcast);
    if (replaceable) out.field("bip125-replaceable", signals);
    out.end_object();
}

std::vector<http::RpcResult> mempool_entry_doc(const NodeContext& context) {
    using namespace doc;
    Results members = {
        num("vsize", "(DEPRECATED) The same as vsize_adjusted."),
        num("vsize_bip141", "Virtual bytes (BIP141)"),
        num("vsize_adjusted", "Virtual bytes, or more for many signature operations (-bytespersigop)"),
        num("weight", "Weight (BIP141)"),
        time("time", "When it came, in seconds since 1970"),
        num("height", "The chain's height when it came"),
        num("descendantcount", "Transactions in the mempool that need this one, with itself"),
        num("descendantsize", "Adjusted virtual bytes of these"),
        num("ancestorcount", "Transactions in the mempool that this one needs, with itself"),
        num("ancestorsize", "Adjusted virtual bytes of these"),
        num("chunkweight", "Adjusted weight of the chunk that it would be mined with"),
        hex("wtxid", "Hash of the transaction with its witness"),
        obj("fees", "",
            {amount("base", "The fee in BTC"), amount("modified", "The fee with the deltas of prioritisetransaction, in BTC"),
             amount("ancestor", "Modified fees of all that this one needs, with itself, in BTC"),
             amount("descendant", "Modified fees of all that need this one, with itself, in BTC"),
             amount("chunk", "Modified fees of its chunk in BTC")}),
        arr("depends", "Transactions in the mempool that it spends from", {hex("transactionid", "The parent's id")}),
        arr("spentby", "Transactions in the mempool that spend from it", {hex("transactionid", "The child's id")}),
        flag("unbroadcast", "Has no peer asked for it yet?")};
    if (context.deprecated_enabled("bip125")) {
        members.push_back(flag("bip125-replaceable", "Does it, or something that it needs, signal that it may be replaced? (DEPRECATED)"));
    }
    return members;
}

}  // namespace cairn::node
