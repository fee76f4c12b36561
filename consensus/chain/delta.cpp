#include "consensus/chain/delta.hpp"

#include "consensus/chain/coin_codec.hpp"

namespace cairn {
namespace {

// The fewest bytes of a coin: height, amount, script length.
constexpr std::size_t kMinCoinSize = 3;

std::size_t read_count(Reader& reader, std::size_t min_element_size) {
    const std::uint64_t count = reader.compact_size();
    if (count > reader.remaining() / min_element_size) {
        reader.fail(DecodeError::truncated);
        return 0;
    }
    return static_cast<std::size_t>(count);
}

}  // namespace

void write_undo(Bytes& out, const SpentByBlock& spent) {
    Writer writer(out);
    writer.compact_size(spent.size());
    for (const SpentByTx& coins : spent) {
        writer.compact_size(coins.size());
        for (const Coin& coin : coins) write_coin(writer, coin);
    }
}

Result<SpentByBlock, DecodeError> read_undo(ByteSpan data) {
    Reader reader(data);
    SpentByBlock spent(read_count(reader, 1));
    for (SpentByTx& coins : spent) {
        coins.resize(read_count(reader, kMinCoinSize));
        for (Coin& coin : coins) {
            if (reader.ok()) coin = read_coin(reader);
        }
        if (!reader.ok()) break;
    }
    reader.expect_end();
    if (!reader.ok()) return fail(reader.error());
    return spent;
}

}  // namespace cairn
