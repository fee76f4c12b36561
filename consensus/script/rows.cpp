#include "consensus/script/rows.hpp"

#include <algorithm>
#include <array>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/interpreter.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/signature_encoding.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn {
namespace {

using Items = std::span<const ByteSpan>;

constexpr std::size_t kSchnorrSize = 64;
constexpr std::size_t kMaxSimpleKeys = 16;  // as many as one opcode can count

/// A few spans without an allocation.
struct ShortList {
    std::array<ByteSpan, kMaxSimpleKeys + 2> items;
    std::size_t count = 0;

    bool add(ByteSpan item) {
        if (count == items.size()) return false;
        items[count++] = item;
        return true;
    }
    Items span() const { return {items.data(), count}; }
};

bool equal(ByteSpan a, ByteSpan b) {
    return std::ranges::equal(a, b);
}

/// What a script leaves on the stack that consists of a few data pushes and nothing else.
bool read_pushes(ByteSpan script, ScriptFlags flags, ShortList& out) {
    if (script.size() > kMaxScriptSize) return false;
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        if (!is_push_data(instruction.opcode) || instruction.data.size() > kMaxScriptElementSize) return false;
        if (flags.has(ScriptFlag::minimaldata) && !is_minimal_push(instruction.data, instruction.opcode)) return false;
        if (!out.add(instruction.data)) return false;
    }
    return !reader.malformed();
}

/// The keys of an n-of-n multisig with n from 1 to 16, in which every key could be one.
bool read_all_of_multisig(ByteSpan script, ScriptFlags flags, ShortList& keys) {
    ScriptReader reader(script);
    Instruction instruction;
    if (!reader.next(instruction) || !is_small_integer(instruction.opcode)) return false;
    const Opcode count = instruction.opcode;
    for (int i = 0; i < small_integer(count); ++i) {
        if (!reader.next(instruction) || !is_push_data(instruction.opcode) || !is_plausible_pubkey(instruction.data)) {
            return false;
        }
        if (flags.has(ScriptFlag::minimaldata) && !is_minimal_push(instruction.data, instruction.opcode)) return false;
        keys.add(instruction.data);
    }
    return reader.next(instruction) && instruction.opcode == count && reader.next(instruction) &&
           instruction.opcode == Opcode::op_checkmultisig && reader.at_end();
}

class Collector {
public:
    Collector(const Transaction& tx, std::size_t index, ScriptFlags flags, const PrecomputedTxData& precomputed,
              std::vector<SignatureRow>& rows)
        : tx_(tx),
          index_(index),
          input_(tx.inputs[index]),
          spent_(precomputed.spent_outputs()[index]),
          flags_(flags),
          precomputed_(precomputed),
          rows_(rows) {}

    bool collect() {
        const ByteSpan script = spent_.script_pubkey;
        if (const auto program = witness_program(script))
            return input_.script_sig.empty() && collect_program(*program, false);
        if (is_p2sh(script)) return flags_.has(ScriptFlag::p2sh) && collect_p2sh(script.subspan(2, 20));
        return input_.witness.empty() && collect_bare(script);
    }

private:
    bool collect_bare(ByteSpan script) {
        ShortList pushes;
        if (!read_pushes(input_.script_sig, flags_, pushes)) return false;
        const Items items = pushes.span();
        if (is_p2pkh(script)) {
            return items.size() == 2 && equal(hash160(items[1]), script.subspan(3, 20)) &&
                   add_ecdsa(items[0], items[1], script, SigVersion::base);
        }
        if ((script.size() == 35 || script.size() == 67) && script[0] + 2u == script.size() &&
            static_cast<Opcode>(script.back()) == Opcode::op_checksig) {
            return items.size() == 1 && add_ecdsa(items[0], script.subspan(1, script[0]), script, SigVersion::base);
        }
        return collect_multisig(script, items, SigVersion::base);
    }

    bool collect_p2sh(ByteSpan hash) {
        // A witness program in P2SH must be pushed alone and directly.
        if (!input_.witness.empty()) {
            const ByteSpan script_sig = input_.script_sig;
            if (script_sig.empty() || script_sig[0] + 1u != script_sig.size()) return false;
            const ByteSpan redeem_script = script_sig.subspan(1);
            const auto program = witness_program(redeem_script);
            return program && equal(hash160(redeem_script), hash) && collect_program(*program, true);
        }
        ShortList pushes;
        if (!read_pushes(input_.script_sig, flags_, pushes) || pushes.count == 0) return false;
        const Items items = pushes.span();
        const ByteSpan redeem_script = items.back();
        return equal(hash160(redeem_script), hash) &&
               collect_multisig(redeem_script, items.first(items.size() - 1), SigVersion::base);
    }

    bool collect_program(const WitnessProgram& program, bool in_p2sh) {
        // The output script runs as a script too and must leave a true value: the program.
        if (!flags_.has(ScriptFlag::witness) || !cast_to_bool(program.program)) return false;
        const Items witness = input_.witness;
        if (program.version == 0 && program.program.size() == 20) {
            return witness.size() == 2 && equal(hash160(witness[1]), program.program) &&
                   add_ecdsa(witness[0], witness[1], make_p2pkh(program.program), SigVersion::witness_v0);
        }
        if (program.version == 0 && program.program.size() == 32) {
            return witness.size() >= 3 && equal(sha256(witness.back()).span(), program.program) &&
                   collect_multisig(witness.back(), witness.first(witness.size() - 1), SigVersion::witness_v0);
        }
        if (program.version == 1 && program.program.size() == 32 && !in_p2sh) return collect_key_path(program.program);
        return false;
    }

    bool collect_key_path(ByteSpan key) {
        if (!flags_.has(ScriptFlag::taproot) || !precomputed_.bip341_ready()) return false;
        Items witness = input_.witness;
        TaprootContext context;
        if (const auto annex = witness_annex(witness)) {
            context.annex_hash = annex_hash(*annex);
            witness = witness.first(witness.size() - 1);
        }
        if (witness.size() != 1) return false;
        ByteSpan signature = witness[0];
        std::uint8_t hash_type = kSighashDefault;
        if (signature.size() == kSchnorrSize + 1) {
            hash_type = signature.back();
            if (hash_type == kSighashDefault) return false;
            signature = signature.first(kSchnorrSize);
        }
        if (signature.size() != kSchnorrSize) return false;
        const auto sighash = taproot_sighash(tx_, index_, hash_type, SigVersion::taproot, context, precomputed_);
        if (!sighash) return false;
        rows_.push_back(SchnorrRow{Uint256(key), *sighash, signature});
        return true;
    }

    /// `items`: an empty one, then a signature for every key.
    bool collect_multisig(ByteSpan script, Items items, SigVersion version) {
        ShortList keys;
        if (!read_all_of_multisig(script, flags_, keys)) return false;
        if (items.size() != keys.count + 1 || !items[0].empty()) return false;
        for (std::size_t i = 0; i < keys.count; ++i) {
            if (!add_ecdsa(items[i + 1], keys.items[i], script, version)) return false;
        }
        return true;
    }

    bool add_ecdsa(ByteSpan signature, ByteSpan pubkey, ByteSpan script_code, SigVersion version) {
        if (signature.empty() || signature.size() > kMaxScriptElementSize || !is_plausible_pubkey(pubkey)) return false;
        if (check_signature_encoding(signature, flags_) != ScriptError::ok) return false;
        if (check_pubkey_encoding(pubkey, flags_, version) != ScriptError::ok) return false;
        if (version == SigVersion::base && signature.size() < script_code.size()) {
            Bytes storage;
            const Bytes needle = ScriptBuilder().push(signature).take();
            if (find_and_delete(script_code, needle, storage).size() != script_code.size()) return false;
        }
        const Uint256 sighash = ecdsa_sighash(tx_, index_, script_code, signature.back(), spent_.value, version,
                                              &precomputed_, &sighash_cache_);
        rows_.push_back(EcdsaRow{pubkey, sighash, signature.first(signature.size() - 1)});
        return true;
    }

    const Transaction& tx_;
    std::size_t index_;
    const TxInput& input_;
    const TxOutput& spent_;
    ScriptFlags flags_;
    const PrecomputedTxData& precomputed_;
    std::vector<SignatureRow>& rows_;
    SighashCache sighash_cache_;
};

}  // namespace

bool collect_rows(const Transaction& tx, std::size_t index, ScriptFlags flags, const PrecomputedTxData& precomputed,
                  std::vector<SignatureRow>& rows) {
    CAIRN_CHECK(is_consistent(flags) && index < precomputed.spent_outputs().size());
    const std::size_t before = rows.size();
    if (Collector(tx, index, flags, precomputed, rows).collect()) return true;
    rows.resize(before);
    return false;
}

}  // namespace cairn
