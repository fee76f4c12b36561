#pragma once

#include <cstdint>
#include <vector>

#include "net/http/json_writer.hpp"
#include "net/http/rpc_method.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/rpc/context.hpp"

namespace cairn::node {

/// The mempool, or -33 "Mempool disabled or instance not found".
MempoolPort& mempool(const NodeContext& context);

/// A copy of transactions of the mempool, whole clusters of them, for writing at leisure: what is copied is little, and how
/// they are related is found out from the transactions after the mempool was let go.
class MempoolPicture {
public:
    /// All of it, in the order in which it would be mined.
    explicit MempoolPicture(const Mempool& pool);
    /// The cluster of one.
    MempoolPicture(const Mempool& pool, const MempoolEntry& entry);

    std::size_t size() const { return entries_.size(); }
    const Transaction& tx(std::size_t index) const { return entries_[index].tx->tx(); }
    /// Where in the picture a transaction of the cluster is; for pictures of one cluster.
    std::size_t index_of(const Txid& txid) const;
    /// Without itself, in the order of txids' bytes.
    std::vector<std::size_t> ancestors(std::size_t index) const;
    std::vector<std::size_t> descendants(std::size_t index) const;

    /// The entry as an object. `replaceable`: with bip125-replaceable.
    void write(http::JsonWriter& out, std::size_t index, bool replaceable) const;

private:
    struct Copy {
        TransactionPtr tx;
        Amount fee, modified_fee;
        std::int64_t vsize, time;
        Height height;
        FeeSize chunk;
        std::uint64_t cluster;
        bool unbroadcast;
        // Found afterwards: the cluster's members within `members_`, and which of them are related, by their bits.
        std::uint32_t first = 0, count = 1, place = 0;
        std::uint64_t parents = 0, ancestors = 1, descendants = 1;
    };
    void copy(const Mempool& pool, const MempoolEntry& entry);
    void relate();
    void relate_cluster(std::uint32_t first, std::uint32_t count);
    std::vector<std::size_t> chosen(std::size_t index, std::uint64_t bits) const;

    std::vector<Copy> entries_;
    std::vector<std::uint32_t> members_;  ///< of entries_, cluster by cluster, parents before children
};

/// The members of an entry's object, for the help text.
std::vector<http::RpcResult> mempool_entry_doc(const NodeContext& context);

}  // namespace cairn::node
