#pragma once

#include <functional>
#include <optional>

#include "consensus/chain/header_tree.hpp"
#include "light/wallet/wallet.hpp"

/// A wallet where the chain changes: below it while it watches, or while it was away.
namespace cairn::light {

/// Takes back all blocks above `to`. What they held waits again: whoever had them has it in the mempool now, and tells nobody.
Outcome<void> take_back(Wallet& wallet, const HeaderNode& to);

/// Where the wallet's tip is on another branch than `here`, takes back what is not of the branch of `here`. That is so for a wallet that
/// was not loaded when the chain changed, was copied from another folder, or whose host was killed before it knew how far the wallet was.
/// Gives the first block that has to be looked at for it; nullopt: nothing was wrong, or nothing can be said yet.
Outcome<std::optional<Height>> rejoin(Wallet& wallet, const HeaderNode& here, const std::function<const HeaderNode*(const BlockHash&)>& find);

}  // namespace cairn::light
