#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "light/client/ports.hpp"
#include "light/wallet/wallet.hpp"

/// What the methods see of whoever hosts wallets and follows a chain for them.
namespace cairn::light {

/// What creating, loading or restoring may be refused for beside WalletErrorKind.
struct DeskError {
    enum class Kind : std::uint8_t { not_found, already_loaded, already_exists, bad_name, bad_file, wallet } kind = Kind::wallet;
    std::string message;
};
template <class T>
using DeskResult = Result<T, DeskError>;

/// Thread: any.
class WalletDesk {
public:
    struct Scanning {
        double progress = 0;  ///< 0 to 1
        std::int64_t since_s = 0;  ///< how long it has been going on, seconds
    };

    virtual ~WalletDesk() = default;

    /// Names, in the order in which they were loaded; and of all there are on the disk, loaded or not.
    virtual std::vector<std::string> loaded() const = 0;
    virtual std::vector<std::string> stored() const = 0;
    /// Does it load by itself when the program starts?
    virtual bool loads_at_start(const std::string& name) const = 0;
    virtual void set_load_at_start(const std::string& name, bool value) = 0;

    virtual DeskResult<void> create(const std::string& name, const WalletOptions& options) = 0;
    virtual DeskResult<void> load(const std::string& name) = 0;
    /// Waits for whoever uses it.
    virtual DeskResult<void> unload(const std::string& name) = 0;
    /// The whole wallet as one file, written completely or not at all; as encrypted as the wallet is.
    virtual DeskResult<void> backup(const std::string& name, const std::filesystem::path& file) = 0;
    virtual DeskResult<void> restore(const std::string& name, const std::filesystem::path& file) = 0;

    /// Runs `work` while nobody else uses the wallet. What it makes the wallet watch is looked for from then on. False: not loaded.
    virtual bool use(const std::string& name, const std::function<void(Wallet&)>& work) = 0;

    /// Gives a transaction to the network and to the wallets that it concerns. Errors: for people.
    virtual Result<void, std::string> broadcast(const TransactionPtr& tx) = 0;

    /// Null before there is one.
    virtual std::shared_ptr<const LightView> chain() const = 0;
    /// Null: unknown.
    virtual const HeaderNode* find_header(const BlockHash& hash) const = 0;
    /// Has all blocks since then looked at again. Returns at once.
    virtual void rescan(const Birthday& since) = 0;
    /// nullopt: everything was looked at.
    virtual std::optional<Scanning> scanning() const = 0;
};

}  // namespace cairn::light
