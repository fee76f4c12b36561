#include "node/mempool/entry.hpp"

namespace cairn::node {

const char* to_string(RemovalReason reason) {
    switch (reason) {
        case RemovalReason::expiry: return "expiry";
        case RemovalReason::size_limit: return "sizelimit";
        case RemovalReason::reorg: return "reorg";
        case RemovalReason::block: return "block";
        case RemovalReason::conflict: return "conflict";
        case RemovalReason::replaced: return "replaced";
    }
    return "";
}

}  // namespace cairn::node
