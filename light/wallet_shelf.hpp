#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "light/client/light_role.hpp"
#include "light/rescans.hpp"
#include "light/rpc/wallet_desk.hpp"
#include "light/script_watch.hpp"

namespace cairn::light {

/// The wallets of cairn-light: each in a folder of its own below `wallets`, fed by the scan, and what all of them watch as one set.
/// Plain scripts that are watched besides (ScriptWatch) go along.
///
/// What a wallet still has to have looked at again is a note in the wallet itself, so that it goes on after a restart.
/// Thread: any (one mutex, held while a wallet works; never while the network is asked).
class WalletShelf final : public WalletDesk, public ScriptSource, public BlockSink, public WalletHost {
public:
    struct Options {
        std::filesystem::path folder;  ///< .../wallets
        std::function<std::int64_t()> now;  ///< seconds since 1970
        FeeRate fallback_fee{0};            ///< where no rate is known; 0: such a payment is refused
    };
    /// All outlive this. `watch` is the one that the same scan serves.
    WalletShelf(const ChainParams& params, ScriptWatch& watch, Options options);
    ~WalletShelf() override;

    /// Makes the folder and loads the wallets that load at the start. Gives what went wrong with each, for people.
    std::vector<std::string> open();
    /// Once there is a network. Both outlive this, or are taken back by detach().
    void attach(LightChain& role, net::NetPort& net);
    /// The same without anybody to send to.
    void attach(LightChain& role);
    void detach();
    /// Nobody waits for a rescan any more, until there is a network again: before whoever answers is stopped.
    void end_waits() { rescans_.stop(); }

    // --- WalletDesk
    std::vector<std::string> loaded() const override;
    std::vector<std::string> stored() const override;
    bool loads_at_start(const std::string& name) const override;
    void set_load_at_start(const std::string& name, bool value) override;
    DeskResult<void> create(const std::string& name, const WalletOptions& options) override;
    DeskResult<void> load(const std::string& name) override;
    DeskResult<void> unload(const std::string& name) override;
    DeskResult<void> backup(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) override;
    DeskResult<void> restore(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) override;
    bool use(const std::string& name, const std::function<void(Wallet&)>& work) override;
    DeskResult<void> broadcast(const TransactionPtr& tx) override;
    std::shared_ptr<const LightView> chain() const override;
    const HeaderNode* find_header(const BlockHash& hash) const override;
    void rescan(const Birthday& since) override;
    DeskResult<Rescan> rescan_and_wait(const std::string& name, const Birthday& since, std::optional<Height> last) override;
    bool abort_rescan(const std::string& name) override;
    bool is_rescanning(const std::string& name) const override { return rescans_.state(name).has_value(); }
    std::optional<Scanning> scanning(const std::string& name) const override;

    // --- ScriptSource, BlockSink
    std::shared_ptr<const WatchSet> watch() override;
    void on_block(const BlockPtr& block, const ScanPlace& place) override;
    void on_disconnected(const ScanPlace& place) override;
    void on_scanned(const ScanPlace& place) override;
    void on_search(Height next, std::uint64_t revision) override;
    void on_transaction(const TransactionPtr& tx) override;
    bool concerns(const Transaction& tx) const override;
    std::vector<OwnPayment> own_payments() override;
    std::vector<OutPoint> coins() override;

    // --- WalletHost
    std::int64_t now() const override { return options_.now(); }
    bool is_behind() const override;
    std::optional<FeeRate> estimate(int target, bool conservative) const override;
    FeeRate mempool_minimum() const override;

private:
    struct Shelved {
        std::string name;
        std::unique_ptr<storage::KvStore> store;
        Wallet::Pointer wallet;
        std::size_t seen_scripts = 0;  ///< that the revision speaks of
        std::uint64_t search = 0;      ///< the revision that asks for what its note says
        bool searching = false;        ///< the scan has begun where the note says
    };

    std::filesystem::path path_of(const std::string& name) const { return options_.folder / name; }
    Shelved* find(const std::string& name);
    DeskResult<void> check_new(const std::string& name) const;
    bool is_shell(const std::string& name) const;
    DeskResult<Shelved> open_store(const std::string& name, bool create) const;
    DeskResult<SecretBytes> read_backup(const std::filesystem::path& file, std::string_view passphrase) const;
    /// Begins to serve it: what it has not been told of yet is looked for.
    void shelve(Shelved wallet);
    std::uint64_t add_search(const Birthday& since);
    Height height_of(const Birthday& since) const;
    bool is_vain(const Transaction& tx) const;
    bool rejoin_all(const HeaderNode* here);
    void note_rescan(Shelved& one, Height from);
    void give_up_rescan(const std::string& name, std::optional<Height> owed);
    bool grew();
    void tell_role();
    void read_settings();
    void write_settings() const;

    const ChainParams& params_;
    ScriptWatch& plain_;
    Options options_;
    mutable std::mutex mutex_;
    std::vector<Shelved> wallets_;
    std::set<std::string> load_at_start_;
    std::uint64_t revision_;
    std::uint64_t plain_revision_ = 0;  ///< of plain_, as far as it is in revision_
    std::vector<WatchSet::Addition> additions_;
    std::atomic<LightChain*> role_{nullptr};
    std::atomic<net::NetPort*> net_{nullptr};
    std::atomic<std::int64_t> scan_began_{0};
    Rescans rescans_;
};

}  // namespace cairn::light
