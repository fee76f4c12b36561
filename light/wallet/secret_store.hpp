#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/result.hpp"
#include "consensus/base/uint256.hpp"
#include "light/keys/vault.hpp"

namespace cairn::light {

/// Names one descriptor of a wallet: SHA-256 of its public text.
using DescriptorId = Uint256;

/// Where a wallet's private keys are: the private text of each descriptor that has one, as long as it is unlocked.
/// Thread: the wallet's owner.
class SecretStore {
public:
    virtual ~SecretStore() = default;

    virtual bool is_locked() const = 0;
    /// Known also while locked.
    virtual bool has(const DescriptorId& id) const = 0;
    /// nullopt: locked, or there is none.
    virtual std::optional<SecretBytes> descriptor(const DescriptorId& id) const = 0;
};

}  // namespace cairn::light
