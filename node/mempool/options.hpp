#pragma once

#include <cstdint>
#include <optional>

#include "node/mempool/fee_size.hpp"

namespace cairn::node {

/// What an operator may choose about transactions that wait. The names beside are the command line's; the values are
/// Bitcoin Core 31's defaults.
struct MempoolOptions {
    std::int64_t max_bytes = 300'000'000;      ///< -maxmempool (there in MB): real memory
    std::int64_t expiry_seconds = 336 * 3600;  ///< -mempoolexpiry (there in hours)
    unsigned cluster_count = 64;               ///< -limitclustercount
    std::int64_t cluster_vbytes = 101'000;     ///< -limitclustersize (there in kvB)
    unsigned ancestor_count = 25;              ///< -limitancestorcount: of the wallet's own transactions; the mempool limits clusters
    unsigned descendant_count = 25;            ///< -limitdescendantcount: likewise
    FeeRate min_relay{100};                    ///< -minrelaytxfee
    FeeRate incremental_relay{100};            ///< -incrementalrelayfee
    FeeRate dust_relay{3000};                  ///< -dustrelayfee
    std::optional<unsigned> datacarrier_bytes = 100'000;  ///< -datacarriersize; nullopt: -datacarrier=0
    bool permit_bare_multisig = true;          ///< -permitbaremultisig
    unsigned bytes_per_sigop = 20;             ///< -bytespersigop
    bool require_standard = true;              ///< not -acceptnonstdtxn
    bool persist = true;                       ///< -persistmempool
    bool persist_v1 = false;                   ///< -persistmempoolv1: without the obfuscation key
    int check_ratio = 0;                       ///< -checkmempool: one change in so many is checked the slow way; 0: none
};

}  // namespace cairn::node
