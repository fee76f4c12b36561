#pragma once

#include "light/wallet/wallet.hpp"

namespace cairn::light {

/// What one call changes: it is written at once, or not at all.
struct Wallet::Change {
    explicit Change(const Wallet&) {}

    storage::WriteBatch batch;
    DescriptorBook::NewScripts added;  ///< scripts that the ledger must hear of
};

}  // namespace cairn::light
