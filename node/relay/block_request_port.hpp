#pragma once

#include <string>

#include "consensus/base/result.hpp"
#include "consensus/chain/header_tree.hpp"
#include "net/core/net_port.hpp"

namespace cairn::node {

/// Fetching single blocks by hand, as RPC sees it.
class BlockRequestPort {
public:
    virtual ~BlockRequestPort() = default;

    /// Asks this peer, and nobody else, for the block; what it sends is taken whatever the chain is like.
    /// Errors: the sentence that operators of Bitcoin Core know. Thread: any but net; waits a moment for the net thread.
    virtual Result<void, std::string> request_block(net::PeerId peer, const HeaderNode* node) = 0;
};

}  // namespace cairn::node
