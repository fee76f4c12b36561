#pragma once

#include <map>
#include <mutex>
#include <set>

#include "light/client/ports.hpp"
#include "storage/kv.hpp"

namespace cairn::light {

/// Watches plain scripts and keeps what paid them, without being a wallet: for those who only want to see payments.
/// Thread: any (one mutex); the store is written under it.
class ScriptWatch final : public ScriptSource, public BlockSink {
public:
    struct Payment {
        Txid txid;
        std::uint32_t index = 0;
        Amount value = 0;
        Bytes script;
        std::optional<ScanPlace> block;  ///< none: not in a block yet
    };

    /// Reads what earlier runs left in `kv`, which is used for nothing else and outlives this object.
    static storage::Stored<std::unique_ptr<ScriptWatch>> open(storage::KvStore& kv);

    /// False: it is watched already. Blocks from `since` on are looked at again if they have been looked at.
    storage::Stored<bool> add(const Bytes& script, Height since);
    std::vector<Payment> payments() const;
    std::size_t scripts() const;
    /// What went wrong with the store, if anything.
    std::optional<storage::StorageError> failure() const;

    std::shared_ptr<const WatchSet> watch() override;
    void on_block(const BlockPtr& block, const ScanPlace& place) override;
    void on_disconnected(const ScanPlace& place) override;
    void on_scanned(const ScanPlace& place) override;
    void on_transaction(const TransactionPtr& tx) override;

private:
    explicit ScriptWatch(storage::KvStore& kv) : kv_(kv) {}
    std::vector<Payment> payments_in(const Transaction& tx) const;
    void note(const storage::Stored<void>& done);

    storage::KvStore& kv_;
    mutable std::mutex mutex_;
    WatchSet set_;
    std::set<Bytes> scripts_;
    std::map<Height, std::pair<ScanPlace, std::vector<Payment>>> found_;
    std::map<Txid, std::vector<Payment>> unconfirmed_;
    std::optional<storage::StorageError> failure_;
};

}  // namespace cairn::light
