#pragma once

#include <string_view>

#include "consensus/primitives/block.hpp"

namespace cairn::detail {

/// What differs between genesis blocks.
struct GenesisTerms {
    std::string_view message;  ///< in the coinbase's script
    Bytes output_script;
    std::uint32_t time;
    std::uint32_t nonce;
    std::uint32_t bits;
};

/// Builds a genesis block: one coinbase of 50 bitcoin that can never be spent.
BlockPtr make_genesis(const GenesisTerms& terms);

/// The terms that all networks but testnet4 share.
GenesisTerms satoshis_genesis(std::uint32_t time, std::uint32_t nonce, std::uint32_t bits);

}  // namespace cairn::detail
