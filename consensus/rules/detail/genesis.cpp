#include "consensus/rules/detail/genesis.hpp"

#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/primitives/merkle.hpp"
#include "consensus/script/script.hpp"

namespace cairn::detail {

BlockPtr make_genesis(const GenesisTerms& terms) {
    // The first coinbase pushed the starting bits and the number 4 as data before its message.
    constexpr std::array<std::uint8_t, 4> kBitsInScript{0xff, 0xff, 0x00, 0x1d};
    constexpr std::array<std::uint8_t, 1> kFour{4};
    MutableTransaction coinbase;
    coinbase.version = 1;
    coinbase.inputs.push_back(
        {.script_sig = ScriptBuilder().push(kBitsInScript).push(kFour).push(as_bytes(terms.message)).take()});
    coinbase.outputs.push_back({50 * kCoin, terms.output_script});
    const TransactionPtr tx = coinbase.finish();

    BlockHeader header;
    header.version = 1;
    header.merkle_root = tx->tx().txid;
    header.time = terms.time;
    header.bits = terms.bits;
    header.nonce = terms.nonce;

    Bytes raw;
    Writer writer(raw);
    header.write(writer);
    writer.compact_size(1);
    writer.bytes(tx->tx().raw);
    auto block = Block::parse(std::move(raw));
    CAIRN_CHECK(block.has_value());
    return *block;
}

GenesisTerms satoshis_genesis(std::uint32_t time, std::uint32_t nonce, std::uint32_t bits) {
    const auto key = from_hex(
        "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6b"
        "f11d5f");
    return {"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks", make_p2pk(*key), time, nonce, bits};
}

}  // namespace cairn::detail
