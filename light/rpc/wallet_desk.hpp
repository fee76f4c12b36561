#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "light/client/ports.hpp"
#include "light/wallet/wallet.hpp"

/// What the methods see of whoever hosts wallets and follows a chain for them.
namespace cairn::light {

/// What creating, loading or restoring may be refused for beside WalletErrorKind.
struct DeskError {
    enum class Kind : std::uint8_t { not_found, already_loaded, already_exists, bad_name, bad_file, wrong_passphrase, rejected, no_connection, wallet } kind = Kind::wallet;
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
    /// How a second look at old blocks ended.
    struct Rescan {
        enum class End : std::uint8_t { done, aborted, no_peers, stopping } end = End::done;
        Height first = 0;
        Height last = -1;  ///< the last block that was looked at; -1: none
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
    /// The whole wallet as one file, written completely or not at all; as encrypted as the wallet is, and sealed with `passphrase` besides
    /// unless that is empty.
    virtual DeskResult<void> backup(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) = 0;
    virtual DeskResult<void> restore(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) = 0;

    /// Runs `work` while nobody else uses the wallet. What it makes the wallet watch is looked for from then on. False: not loaded.
    virtual bool use(const std::string& name, const std::function<void(Wallet&)>& work) = 0;

    /// Gives a transaction to the network and to the wallets that it concerns. Errors: for people.
    virtual DeskResult<void> broadcast(const TransactionPtr& tx) = 0;

    /// Null before there is one.
    virtual std::shared_ptr<const LightView> chain() const = 0;
    /// Null: unknown.
    virtual const HeaderNode* find_header(const BlockHash& hash) const = 0;
    /// Has all blocks since then looked at again, for all wallets. Returns at once.
    virtual void rescan(const Birthday& since) = 0;
    /// The same for one wallet, up to `last` (none: the tip), and waits for the end. Errors: one is going on, or it is not loaded.
    virtual DeskResult<Rescan> rescan_and_wait(const std::string& name, const Birthday& since, std::optional<Height> last) = 0;
    /// Ends what rescan_and_wait() waits for. False: nobody waits.
    virtual bool abort_rescan(const std::string& name) = 0;
    virtual bool is_rescanning(const std::string& name) const = 0;
    /// nullopt: everything was looked at. May be asked while the wallet is used.
    virtual std::optional<Scanning> scanning(const std::string& name) const = 0;
};

}  // namespace cairn::light
