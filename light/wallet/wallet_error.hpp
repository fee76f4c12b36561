#pragma once

#include <string>

#include "consensus/base/result.hpp"

namespace cairn::light {

/// What kind of thing went wrong; faces make their own codes of it.
enum class WalletErrorKind : std::uint8_t {
    invalid_parameter,
    invalid_address,
    unknown_transaction,  ///< not of this wallet
    insufficient_funds,
    no_addresses,         ///< there is no descriptor that gives one, or its private key is needed and locked
    locked,               ///< the passphrase is needed first
    wrong_passphrase,
    wrong_encryption,     ///< encrypted already, or not at all
    wallet,               ///< whatever else cannot be done
    storage,              ///< writing failed: nothing more is changed until the wallet was opened anew
    damaged,              ///< what is stored cannot be read
};
struct WalletError {
    WalletErrorKind kind = WalletErrorKind::wallet;
    std::string message;  ///< Bitcoin Core's words where it has any
};
template <class T>
using Outcome = Result<T, WalletError>;

}  // namespace cairn::light
