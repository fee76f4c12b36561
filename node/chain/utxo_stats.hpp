#pragma once

#include "node/chain/chain_port.hpp"
#include "node/chain/workers.hpp"
#include "storage/coin_store.hpp"

namespace cairn::node {

/// Counts and hashes the coins of one picture of the store. `keep_going` is asked now and then; false ends it (nullopt).
/// MuHash, which is the slow one, is shared among the workers and the caller.
/// Thread: any but the chain thread.
storage::Stored<std::optional<UtxoStats>> count_coins(const storage::CoinStore& store, const storage::KvSnapshot& at, UtxoHash hash,
                                                      Workers& workers, const std::function<bool()>& keep_going);

}  // namespace cairn::node
