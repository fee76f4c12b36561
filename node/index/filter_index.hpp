#pragma once

#include "node/chain/chain_thread.hpp"
#include "node/index/filter_source.hpp"
#include "node/index/index.hpp"

namespace cairn::node {

/// -blockfilterindex=basic: the compact filter of every block that ever was connected, with the chain of filter headers.
/// Source: BIP157, BIP158.
class FilterIndex final : public Index, public FilterSource {
public:
    FilterIndex(const storage::KvStore& store, ChainThread& thread) : store_(store), thread_(thread) {}

    std::optional<Bytes> filter(const HeaderNode* node) const override;
    std::optional<Row> row(const HeaderNode* node) const override;
    std::optional<std::vector<Row>> rows(Height start, const HeaderNode* stop) const override;
    bool post(std::function<void()> work) const override;

    std::string_view name() const override { return "basic block filter index"; }
    std::string_view thread_name() const override { return "blkfltbscidx"; }
    bool wants_undo() const override { return true; }
    bool allows_pruning() const override { return true; }
    storage::Stored<bool> load(const HeaderNode* at, ByteSpan state) override;
    Bytes state() const override { return {}; }
    storage::Stored<void> append(const IndexedBlock& block, storage::WriteBatch& batch) override;
    storage::Stored<void> take_back(const IndexedBlock& block) override;

private:
    const storage::KvStore& store_;
    ChainThread& thread_;
    Uint256 last_header_;
};

}  // namespace cairn::node
