#pragma once

#include <string_view>

#include "consensus/primitives/transaction.hpp"

namespace cairn::node {

/// A transaction in hex. A marker of BIP144 can also be an input count of zero: both readings may be tried, and the one
/// whose scripts make sense wins. Null when there is no such transaction.
TransactionPtr decode_transaction(std::string_view hex, bool try_without_witness, bool try_with_witness);

}  // namespace cairn::node
