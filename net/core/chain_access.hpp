#pragma once

#include <span>

#include "consensus/base/result.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/rules/error.hpp"

namespace cairn::net {

/// What synchronising needs to know of the chain, and no more: nothing here waits or reads a disk.
/// Thread: net.
class ChainAccess {
public:
    virtual ~ChainAccess() = default;

    virtual const HeaderNode* tip() const = 0;
    virtual const HeaderNode* best_header() const = 0;
    virtual bool initial_block_download() const = 0;
    /// Blocks are being read from files: peers have to wait.
    virtual bool importing() const = 0;
    virtual const HeaderNode* find(const BlockHash& hash) const = 0;
    virtual bool on_active_chain(const HeaderNode* node) const = 0;
    virtual bool have_data(const HeaderNode* node) const = 0;
    /// The data of this block and of all before it was seen.
    virtual bool chain_complete(const HeaderNode* node) const = 0;
    virtual bool invalid(const HeaderNode* node) const = 0;
    /// Bytes of blocks taken in and not yet judged.
    virtual std::size_t pending_bytes() const = 0;
    virtual const Arith256& minimum_chain_work() const = 0;
    /// Checks and inserts headers that build on each other: the last one, or why the first bad one is refused.
    virtual Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers) = 0;
};

}  // namespace cairn::net
