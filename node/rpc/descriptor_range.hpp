#pragma once

#include <univalue.h>

#include <cstdint>

namespace cairn::node {

/// Which indexes of a descriptor with a range are meant; both ends count.
struct DescriptorRange {
    std::int64_t first = 0, last = 0;
};

/// `end` or `[begin,end]`. Throws http::RpcError with Bitcoin Core's words when it is neither or spans more than a million.
DescriptorRange parse_descriptor_range(const UniValue& value);

}  // namespace cairn::node
