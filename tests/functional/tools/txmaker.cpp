// Makes and signs transactions for test scripts, one line in, one line out, so that a script can shape many thousands of them
// in a few seconds. README.md beside this file describes the lines.
#include <charconv>
#include <iostream>
#include <map>
#include <sstream>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sighash.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn {
namespace {

struct BadLine {
    std::string why;
};

/// A key of the endless row that the number names, with its forms.
struct Key {
    PrivateKey secret;
    Bytes compressed, uncompressed;
    Uint256 xonly;
};

const Key& key_of(std::uint64_t number) {
    static std::map<std::uint64_t, Key> keys;
    const auto found = keys.find(number);
    if (found != keys.end()) return found->second;
    const std::string seed = "test key " + std::to_string(number);
    const PrivateKey secret = *PrivateKey::parse(sha256(as_bytes(seed)).span());
    const PublicKey point = secret.public_key();
    return keys.emplace(number, Key{secret, to_bytes(point.compressed()), to_bytes(point.uncompressed()), point.xonly()}).first->second;
}

/// An output script and what its spender must know.
struct Place {
    std::string kind;
    std::uint64_t key = 0;
    Bytes script;
    Bytes inner;  ///< redeem script, witness script or tapscript
    std::optional<TaprootOutput> taproot{};
};

Bytes multisig(std::uint64_t key, int required, int count) {
    std::vector<ByteSpan> keys;
    for (int i = 0; i < count; ++i) keys.push_back(key_of(key + static_cast<std::uint64_t>(i)).compressed);
    return make_multisig(required, keys);
}

Bytes witness_script_hash(ByteSpan script) { return make_witness_program(0, sha256(script).span()); }

void make_taproot(Place& place) {
    const Uint256& internal = key_of(place.key).xonly;
    TapTree leaf;
    leaf.script = ScriptBuilder().push(internal.span()).op(Opcode::op_checksig).take();
    place.inner = leaf.script;
    place.taproot = make_taproot_output(internal.span(), &leaf);
    place.script = make_witness_program(1, place.taproot->output_key);
}

Place make_place(const std::string& kind, std::uint64_t key) {
    Place place{kind, key, {}, {}};
    const auto key_hash = [&] { return to_bytes(hash160(key_of(key).compressed)); };
    if (kind == "p2pk") place.script = make_p2pk(key_of(key).compressed);
    else if (kind == "p2pk-long") place.script = make_p2pk(key_of(key).uncompressed);
    else if (kind == "p2pkh") place.script = make_p2pkh(key_hash());
    else if (kind == "p2wpkh") place.script = make_witness_program(0, key_hash());
    else if (kind == "p2sh-p2wpkh") place.inner = make_witness_program(0, key_hash());
    else if (kind == "multisig") place.script = multisig(key, 1, 2);
    else if (kind == "p2sh-multisig") place.inner = multisig(key, 2, 3);
    else if (kind == "p2wsh-multisig") place.script = witness_script_hash(place.inner = multisig(key, 2, 3));
    else if (kind == "p2wsh-true") place.script = witness_script_hash(place.inner = {0x51});
    else if (kind == "p2sh-sigops") place.inner = Bytes(key, static_cast<std::uint8_t>(Opcode::op_checksig));
    else if (kind == "p2tr-key" || kind == "p2tr-script") make_taproot(place);
    else if (kind == "p2a") place.script = {0x51, 0x02, 0x4e, 0x73};
    else if (kind == "return") place.script = ScriptBuilder().op(Opcode::op_return).push(Bytes(key, 0x42)).take();
    else if (kind.starts_with("raw:")) {
        auto bytes = from_hex(kind.substr(4));
        if (!bytes && kind.size() > 4) throw BadLine{"no hex: " + kind};
        place.script = bytes.value_or(Bytes{});
    } else throw BadLine{"unknown kind " + kind};
    if (kind.starts_with("p2sh-")) place.script = make_p2sh(hash160(place.inner));
    return place;
}

/// The other S of the same signature, above half of the group's order.
Bytes raise_s(const Bytes& der) {
    static const Bytes kOrder = *from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    const auto compact = *parse_ecdsa_lax(der);
    Bytes s(32);
    int borrow = 0;
    for (int i = 31; i >= 0; --i) {
        const auto at = static_cast<std::size_t>(i);
        const int difference = kOrder[at] - compact[32 + at] - borrow;
        borrow = difference < 0;
        s[at] = static_cast<std::uint8_t>(difference + (borrow ? 256 : 0));
    }
    const std::size_t r_end = 4u + der[3];
    Bytes number(s.begin(), s.end());
    if (number[0] & 0x80) number.insert(number.begin(), 0);
    Bytes out{0x30, static_cast<std::uint8_t>(r_end + number.size())};
    out.insert(out.end(), der.begin() + 2, der.begin() + static_cast<std::ptrdiff_t>(r_end));
    out.push_back(0x02);
    out.push_back(static_cast<std::uint8_t>(number.size()));
    out.insert(out.end(), number.begin(), number.end());
    return out;
}

/// An input and how it is to be signed.
struct Spend {
    Place place;
    Amount amount = 0;
    std::string fault;  ///< "-": none
};

class Signer {
public:
    Signer(MutableTransaction& tx, const std::vector<Spend>& spends) : tx_(tx), spends_(spends), bare_(tx.finish()) {
        for (const Spend& spend : spends) spent_.push_back({spend.amount, spend.place.script});
        precomputed_ = PrecomputedTxData(bare_->tx(), spent_, true);
    }
    void sign() {
        for (std::size_t i = 0; i < spends_.size(); ++i) sign_input(i);
    }

private:
    Bytes ecdsa(std::size_t i, std::uint64_t key, ByteSpan code, SigVersion version) const {
        const std::string& fault = spends_[i].fault;
        const std::uint8_t hash_type = fault == "hashtype" ? 0x05 : kSighashAll;
        const Uint256 hash = ecdsa_sighash(bare_->tx(), i, code, hash_type, spends_[i].amount, version, &precomputed_);
        Bytes signature = key_of(fault == "wrongkey" ? key + 1'000'003 : key).secret.sign_ecdsa(hash, false);
        if (fault == "highs") signature = raise_s(signature);
        if (fault == "notder") signature.insert(signature.begin() + 4, 0), ++signature[1], ++signature[3];
        signature.push_back(hash_type);
        if (fault == "nosignature") signature.clear();
        return signature;
    }
    std::vector<Bytes> ecdsa_many(std::size_t i, int count, ByteSpan code, SigVersion version) const {
        std::vector<Bytes> items{spends_[i].fault == "nulldummy" ? Bytes{0x20} : Bytes{}};
        for (int k = 0; k < count; ++k) items.push_back(ecdsa(i, spends_[i].place.key + static_cast<std::uint64_t>(k), code, version));
        return items;
    }
    std::vector<Bytes> schnorr(std::size_t i, bool by_key) const {
        const Place& place = spends_[i].place;
        const std::string& fault = spends_[i].fault;
        TaprootContext context;
        context.tapleaf_hash = place.taproot->leaves[0].hash;
        const Bytes annex{0x50, 0x01};
        if (fault == "annex") context.annex_hash = annex_hash(annex);
        const auto hash = taproot_sighash(bare_->tx(), i, kSighashDefault, by_key ? SigVersion::taproot : SigVersion::tapscript, context,
                                          precomputed_);
        const PrivateKey& secret = key_of(fault == "wrongkey" ? place.key + 1'000'003 : place.key).secret;
        const PrivateKey signing = by_key ? *secret.xonly_tweak_add(place.taproot->tweak) : secret;
        std::vector<Bytes> items{to_bytes(signing.sign_schnorr(hash->span(), Uint256()))};
        if (fault == "hashtype") items[0].push_back(0x05);
        if (fault == "nosignature") items[0].clear();
        if (!by_key) {
            items.push_back(place.inner);
            items.push_back(place.taproot->leaves[0].control_block);
            if (fault == "control") items.back()[5] ^= 1;
        }
        if (fault == "annex") items.push_back(annex);
        return items;
    }

    static Bytes pushes(const std::vector<Bytes>& items) {
        ScriptBuilder builder;
        for (const Bytes& item : items) builder.push(item);
        return builder.take();
    }

    void sign_input(std::size_t i) {
        const Place& place = spends_[i].place;
        const std::string& fault = spends_[i].fault;
        const Key& key = key_of(place.key);
        std::vector<Bytes> old, witness;
        const std::string& kind = place.kind;
        if (kind == "p2pk" || kind == "p2pk-long") old = {ecdsa(i, place.key, place.script, SigVersion::base)};
        else if (kind == "p2pkh") old = {ecdsa(i, place.key, place.script, SigVersion::base), key.compressed};
        else if (kind == "multisig") old = ecdsa_many(i, 1, place.script, SigVersion::base);
        else if (kind == "p2sh-multisig") old = ecdsa_many(i, 2, place.inner, SigVersion::base);
        else if (kind == "p2wsh-multisig") witness = ecdsa_many(i, 2, place.inner, SigVersion::witness_v0);
        else if (kind == "p2tr-key" || kind == "p2tr-script") witness = schnorr(i, kind == "p2tr-key");
        else if (kind == "p2wpkh" || kind == "p2sh-p2wpkh") {
            const Bytes code = make_p2pkh(hash160(key.compressed));
            witness = {ecdsa(i, place.key, code, SigVersion::witness_v0), fault == "longkey" ? key.uncompressed : key.compressed};
        }
        if (kind == "p2wsh-multisig" || kind == "p2wsh-true") witness.push_back(place.inner);
        if (fault == "extra") (witness.empty() ? old : witness).insert((witness.empty() ? old : witness).begin(), Bytes{0x20});
        if (fault == "script" && !place.inner.empty() && !witness.empty()) witness.back().push_back(0x61);
        if (kind.starts_with("p2sh-")) old.push_back(place.inner);
        auto& input = tx_.inputs[i];
        input.script_sig = pushes(old);
        input.witness = std::move(witness);
        if (fault == "nonpush") input.script_sig.insert(input.script_sig.begin(), {0x51, 0x75});
        if (fault == "malleated") input.script_sig.insert(input.script_sig.begin(), 0x51);
        if (fault == "longpush") input.script_sig.insert(input.script_sig.begin(), {0x4c, 0x01, 0x41});
        if (fault == "stripped") input.witness.clear();
        if (fault == "superfluous") input.witness.insert(input.witness.begin(), Bytes{1});
        if (fault == "hugescriptsig") input.script_sig = pushes({Bytes(520, 1), Bytes(520, 1), Bytes(520, 1), Bytes(520, 1)});
    }

    MutableTransaction& tx_;
    const std::vector<Spend>& spends_;
    TransactionPtr bare_;
    std::vector<TxOutput> spent_;
    PrecomputedTxData precomputed_;
};

template <class T>
T read(std::istream& in, const char* what) {
    T value{};
    if (!(in >> value)) throw BadLine{std::string("missing ") + what};
    return value;
}

std::string make_transaction(std::istream& in) {
    MutableTransaction tx;
    tx.version = read<std::uint32_t>(in, "version");
    tx.lock_time = read<std::uint32_t>(in, "lock time");
    std::vector<Spend> spends;
    for (std::string word; in >> word;) {
        if (word == "i") {
            const auto txid = Txid::from_display_hex(read<std::string>(in, "txid"));
            if (!txid) throw BadLine{"no txid"};
            const auto index = read<std::uint32_t>(in, "index");
            const auto amount = read<Amount>(in, "amount");
            const auto kind = read<std::string>(in, "kind");
            const auto key = read<std::uint64_t>(in, "key");
            const auto sequence = read<std::uint32_t>(in, "sequence");
            tx.inputs.push_back({OutPoint{*txid, index}, {}, sequence, {}});
            spends.push_back({make_place(kind, key), amount, read<std::string>(in, "fault")});
        } else if (word == "o") {
            const auto kind = read<std::string>(in, "kind");
            const auto key = read<std::uint64_t>(in, "key");
            tx.outputs.push_back({read<Amount>(in, "amount"), make_place(kind, key).script});
        } else {
            throw BadLine{"neither input nor output: " + word};
        }
    }
    if (tx.inputs.empty()) throw BadLine{"no input"};
    Signer(tx, spends).sign();
    const TransactionPtr done = tx.finish();
    const Transaction& made = done->tx();
    return made.txid.to_display_hex() + " " + made.wtxid.to_display_hex() + " " + std::to_string(made.weight()) + " " + to_hex(made.raw);
}

std::string answer(const std::string& line) {
    std::istringstream in(line);
    const auto command = read<std::string>(in, "command");
    if (command == "tx") return make_transaction(in);
    if (command == "script") {
        const auto kind = read<std::string>(in, "kind");
        return to_hex(make_place(kind, read<std::uint64_t>(in, "key")).script);
    }
    throw BadLine{"unknown command " + command};
}

}  // namespace
}  // namespace cairn

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "flush") {
            std::cout << std::flush;
            continue;
        }
        try {
            std::cout << cairn::answer(line) << '\n';
        } catch (const cairn::BadLine& bad) {
            std::cout << "error " << bad.why << '\n';
        }
    }
}
