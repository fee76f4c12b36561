#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "consensus/crypto/random.hpp"
#include "consensus/primitives/transaction.hpp"
#include "node/mempool/mempool.hpp"

namespace cairn::test {

/// Makes up transactions for mempools: they look like key spends of segwit and spend what they are told to, but nothing is
/// signed and confirmed outputs are invented. The same seed makes the same transactions.
/// Shape: `MempoolBuilder b; auto parent = b.tx({b.coin()}, 2); auto child = b.tx({b.out(parent, 1)}); b.add(pool, parent, 500);`
class MempoolBuilder {
public:
    static constexpr Amount kOutputValue = 10'000;

    explicit MempoolBuilder(std::uint64_t seed = 1) : random_(seed) {}

    /// A confirmed output nobody has spent yet; it exists nowhere.
    OutPoint coin() { return {Txid(random_.uint256()), static_cast<std::uint32_t>(random_.below(4))}; }
    static OutPoint out(const TransactionPtr& tx, std::uint32_t index = 0) { return {tx->tx().txid, index}; }

    /// Spends `inputs` into `outputs` outputs; `padding` bytes of an unspendable output make it larger (4 weight units each).
    TransactionPtr tx(const std::vector<OutPoint>& inputs, unsigned outputs = 1, std::size_t padding = 0) {
        MutableTransaction made;
        for (const OutPoint& spent : inputs) {
            made.inputs.push_back({spent, {}, TxInput::kFinalSequence - 2, {random_bytes(64)}});
        }
        for (unsigned i = 0; i < outputs; ++i) {
            Bytes script{0x00, 0x14};
            const Bytes program = random_bytes(20);
            script.insert(script.end(), program.begin(), program.end());
            made.outputs.push_back({kOutputValue, std::move(script)});
        }
        if (padding > 0) {
            Bytes script(padding, 0);
            script[0] = 0x6a;
            made.outputs.push_back({0, std::move(script)});
        }
        return made.finish();
    }

    /// An entry as acceptance would make it; change what else matters.
    static node::MempoolEntry entry(TransactionPtr tx, Amount fee, std::int64_t time = 1'000'000) {
        node::MempoolEntry made;
        made.weight = tx->tx().weight();
        made.tx = std::move(tx);
        made.fee = fee;
        made.time = time;
        made.height = 100;
        return made;
    }

    /// Takes it in. Null: the limits of clusters would be broken.
    static const node::MempoolEntry* add(node::Mempool& pool, TransactionPtr tx, Amount fee, std::int64_t time = 1'000'000) {
        const Txid id = tx->tx().txid;
        node::Mempool::Staged staged = pool.stage(one(entry(std::move(tx), fee, time)), {});
        if (staged.change.too_large()) return nullptr;
        pool.commit(std::move(staged));
        return pool.find(id);
    }
    static std::vector<node::MempoolEntry> one(node::MempoolEntry entry) {
        std::vector<node::MempoolEntry> list;
        list.push_back(std::move(entry));
        return list;
    }

    FastRandom& random() { return random_; }

private:
    Bytes random_bytes(std::size_t size) {
        Bytes bytes(size);
        random_.fill(bytes);
        return bytes;
    }

    FastRandom random_;
};

}  // namespace cairn::test
