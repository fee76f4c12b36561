#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "consensus/base/arith256.hpp"
#include "consensus/chain/header_tree.hpp"

namespace cairn::node {

/// What an operator may choose about the chain. The names beside are the command line's.
struct ChainServiceOptions {
    std::filesystem::path datadir;                ///< of the network: bootstrap.dat lies here, free space is measured here; empty: neither
    std::size_t cache_bytes = 450 << 20;          ///< -dbcache: coins in memory before they are written
    int threads = 0;                              ///< -par: workers; 0 for one a core, -n for all but n cores
    std::optional<BlockHash> assume_valid;        ///< -assumevalid: null for the network's own, the zero hash for none
    std::optional<Arith256> minimum_work;         ///< -minimumchainwork: null for the network's own
    std::int64_t max_tip_age = 24 * 60 * 60;      ///< -maxtipage in seconds: an older tip means initial download
    int check_blocks = 6;                         ///< -checkblocks: examined at start, 0 for all
    int check_level = 3;                          ///< -checklevel
    bool reindex = false;                         ///< -reindex: index and chainstate anew from the stored blocks
    bool reindex_chainstate = false;              ///< -reindex-chainstate: chainstate anew, the index stays
    std::vector<std::filesystem::path> load_blocks;  ///< -loadblock, in this order, after bootstrap.dat
    bool prune = false;                           ///< -prune other than 0
    std::uint64_t prune_target = 0;               ///< bytes of blocks and undo to keep below; 0: only by hand (-prune=1)
    bool fast_prune = false;                      ///< -fastprune: no lower bound for the target (tests)
    Height stop_at_height = 0;                    ///< -stopatheight: asks for a stop once this is connected; 0: never
    std::uint64_t min_free_space = 50 << 20;      ///< less free disk than this ends the node in order
    std::size_t pending_limit = 48 << 20;         ///< bytes of blocks taken in and not yet judged that importing allows
    std::size_t script_cache_bytes = 16 << 20;    ///< half of -maxsigcachesize: transactions whose scripts are known to hold
    std::size_t window_bytes = 16 << 20;          ///< blocks connected whose scripts are not yet verified
    std::size_t window_blocks = 1024;
};

/// What the chain tells the process that runs it. Called on the chain thread or the importer; may be empty.
struct ChainHooks {
    /// Nothing can be stored any more: the process should end with an error.
    std::function<void(const std::string& message)> fatal;
    /// -stopatheight was reached, or an import ended that was to be followed by a stop.
    std::function<void()> request_stop;
    /// A warning for people came up or went away (empty): -alertnotify and the warnings of RPC.
    std::function<void(const std::string& warning)> alert;
    /// Start-up or verification progress in per cent, with its title.
    std::function<void(const std::string& title, int percent)> progress;
    /// Asked now and then during start(): true ends it early.
    std::function<bool()> interrupted;
};

/// Why the chain could not be opened.
struct ChainStartError {
    std::string message;      ///< Bitcoin Core's sentence for people
    bool interrupted = false; ///< a stop was asked for meanwhile
    bool offer_reindex = false;
};

}  // namespace cairn::node
