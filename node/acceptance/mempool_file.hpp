#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/primitives/transaction.hpp"

/// mempool.dat in Bitcoin Core's format: version (1, or 2 with an obfuscation key), count, then for each transaction its bytes, time
/// and fee delta; then fee deltas of others, then the ids that no peer has asked for yet.
namespace cairn::node {

struct StoredTransaction {
    TransactionPtr tx;
    std::int64_t time = 0;
    Amount fee_delta = 0;
};

/// A mempool as it is written down.
struct StoredMempool {
    std::vector<StoredTransaction> transactions;  ///< parents before children
    std::map<Txid, Amount> fee_deltas;            ///< of transactions that are not among them
    std::set<Txid> unbroadcast;
};

/// Writes beside `path` and renames, so that a crash leaves the old file. Gives the bytes written.
/// Errors: the sentence for people.
Result<std::uint64_t, std::string> write_mempool_file(const std::filesystem::path& path, const StoredMempool& mempool, bool version_1);

/// Reads such a file step by step.
/// Limits: never holds more than a small buffer and one transaction; sizes in the file are not trusted.
/// Owner: one thread.
class MempoolFileReader {
public:
    /// nullptr: cannot be opened.
    static std::unique_ptr<MempoolFileReader> open(const std::filesystem::path& path);
    ~MempoolFileReader();

    /// Reads the head. nullopt: not a version that is known, or too short.
    std::optional<std::uint64_t> read_count();
    /// The next of so many transactions. Errors: the file ends early or is not what it says.
    Result<StoredTransaction, std::string> next();
    /// What stands behind the transactions.
    Result<std::map<Txid, Amount>, std::string> read_fee_deltas();
    Result<std::set<Txid>, std::string> read_unbroadcast();

private:
    struct Parts;
    explicit MempoolFileReader(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::node
