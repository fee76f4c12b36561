#include <algorithm>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/flags.hpp"
#include "consensus/script/signature_encoding.hpp"
#include "consensus/script/taproot.hpp"
#include "light/psbt/detail/fields.hpp"
#include "light/psbt/psbt.hpp"

namespace cairn::light {
namespace {

namespace field = psbt_field;

constexpr std::size_t kCompressedKey = 33, kUncompressedKey = 65, kHash160 = 20, kHash256 = 32;

/// Why a PSBT is none; it never leaves this file.
struct Malformed {
    std::string why;
};
[[noreturn]] void malformed(std::string why) { throw Malformed{std::move(why)}; }

void check(const Reader& reader) {
    switch (reader.error()) {
        case DecodeError::none: return;
        case DecodeError::non_canonical_size: malformed("non-canonical ReadCompactSize()");
        case DecodeError::size_too_large: malformed("ReadCompactSize(): size too large");
        case DecodeError::superfluous_witness: malformed("Superfluous witness record");
        case DecodeError::unknown_flags: malformed("Unknown transaction optional data");
        default: malformed("SpanReader::read(): end of data");
    }
}

/// One field of a map.
struct Field {
    Bytes name;  ///< type and key
    std::uint64_t type = 0;
    Bytes key;  ///< without the type
    ByteSpan value;

    void expect_key(const char* what, std::size_t size) const {
        if (key.size() != size) malformed(fmt::format("Size of key was not {} for the type {}", size + 1, what));
    }
    void expect_no_key(const char* what) const { expect_key(what, 0); }
    /// The value, whose size has to be this.
    ByteSpan sized(std::size_t size) const {
        if (value.size() != size) malformed("Size of value was not the stated size");
        return value;
    }
    std::uint32_t u32() const { return Reader(sized(4)).u32(); }
    std::uint64_t compact_size() const {
        Reader reader(value);
        const std::uint64_t number = reader.compact_size();
        check(reader);
        if (reader.remaining() != 0) malformed("Size of value was not the stated size");
        return number;
    }
};

bool is_key(const Bytes& key) { return PublicKey::parse(key).has_value(); }

KeyOrigin read_origin(ByteSpan bytes) {
    if (bytes.empty() || bytes.size() % 4 != 0) malformed("Invalid length for HD key path");
    KeyOrigin origin;
    std::copy_n(bytes.begin(), origin.fingerprint.size(), origin.fingerprint.begin());
    Reader reader(bytes.subspan(4));
    while (reader.remaining() > 0) origin.path.push_back(reader.u32());
    return origin;
}

void read_key_origin(const Field& entry, std::map<KeyBytes, KeyOrigin>& origins) {
    if (entry.key.size() != kCompressedKey && entry.key.size() != kUncompressedKey)
        malformed("Size of key was not the expected size for the type BIP32 keypath");
    if (!is_key(entry.key)) malformed("Invalid pubkey");
    origins.emplace(entry.key, read_origin(entry.value));
}

void read_tap_origin(const Field& entry, const char* side, std::map<KeyBytes, TapKeyOrigin>& origins) {
    entry.expect_key(fmt::format("{} Taproot BIP32 Keypath", side).c_str(), kHash256);
    Reader reader(entry.value);
    TapKeyOrigin result;
    const std::uint64_t leaves = reader.compact_size();
    if (!reader.ok() || leaves > reader.remaining() / kHash256) malformed(fmt::format("{} Taproot BIP32 keypath has an invalid length", side));
    for (std::uint64_t i = 0; i < leaves; ++i) result.leaves.insert(reader.uint256());
    result.origin = read_origin(entry.value.subspan(reader.position()));
    origins.emplace(entry.key, std::move(result));
}

void read_participants(const Field& entry, const char* side, std::map<KeyBytes, std::vector<KeyBytes>>& all) {
    entry.expect_key(fmt::format("{} MuSig2 Participants Pubkeys", side).c_str(), kCompressedKey);
    if (!is_key(entry.key)) malformed(fmt::format("{} musig2 aggregate pubkey is invalid", side));
    std::vector<KeyBytes> keys;
    for (ByteSpan rest = entry.value; !rest.empty(); rest = rest.subspan(kCompressedKey)) {
        if (rest.size() < kCompressedKey) malformed(fmt::format("{} musig2 participants pubkeys value size is not a multiple of 33", side));
        keys.push_back(to_bytes(rest.first(kCompressedKey)));
        if (!is_key(keys.back())) malformed(fmt::format("{} musig2 participant pubkey is invalid", side));
    }
    all.emplace(entry.key, std::move(keys));
}

struct MusigKey {
    KeyBytes participant;
    MusigPlace place;
};
MusigKey read_musig_key(const Field& entry, const char* what) {
    const std::size_t size = entry.key.size();
    if (size != 2 * kCompressedKey && size != 2 * kCompressedKey + kHash256)
        malformed(fmt::format("Input musig2 {} key is not expected size of 67 or 99 bytes", what));
    MusigKey key;
    const ByteSpan bytes(entry.key);
    key.participant = to_bytes(bytes.first(kCompressedKey));
    key.place.first = to_bytes(bytes.subspan(kCompressedKey, kCompressedKey));
    if (!is_key(key.place.first)) malformed("musig2 aggregate pubkey is invalid");
    if (!is_key(key.participant)) malformed("musig2 participant pubkey is invalid");
    if (size > 2 * kCompressedKey) key.place.second = Uint256(bytes.subspan(2 * kCompressedKey));
    return key;
}

void check_proprietary(const Field& entry) {
    Reader reader(entry.key);
    reader.var_bytes();
    reader.compact_size();
    check(reader);
}

/// Reads maps of keys and values off one stream.
class MapReader {
public:
    explicit MapReader(ByteSpan data) : reader_(data) {}

    /// The next field of this map; nullopt at its end.
    std::optional<Field> next(const char* map) {
        if (reader_.remaining() == 0) malformed(fmt::format("Separator is missing at the end of {} map", map_article(map)));
        const ByteSpan name = reader_.var_bytes();
        check(reader_);
        if (name.empty()) {
            seen_.clear();
            return std::nullopt;
        }
        Field entry;
        entry.name = to_bytes(name);
        if (!seen_.insert(entry.name).second) malformed(fmt::format("Duplicate Key, {} key \"{}\" already provided", map, to_hex(name)));
        Reader key(entry.name);
        entry.type = key.compact_size();
        check(key);
        entry.key = to_bytes(ByteSpan(entry.name).subspan(key.position()));
        entry.value = reader_.var_bytes();
        check(reader_);
        return entry;
    }
    bool at_end() const { return reader_.remaining() == 0; }
    void expect_magic() {
        const ByteSpan magic = reader_.bytes(std::size(field::kMagic));
        check(reader_);
        if (!std::ranges::equal(magic, field::kMagic)) malformed("Invalid PSBT magic bytes");
    }

private:
    static std::string map_article(std::string_view map) {
        return map == "global" ? "the global" : fmt::format("an {}", map);
    }

    Reader reader_;
    std::set<Bytes> seen_;
};

// ---------------------------------------------------------------------------------------------- inputs

class InputReader {
public:
    InputReader(PsbtInput& input, std::uint32_t version) : input_(input), version_(version) {}

    void read(MapReader& map) {
        while (const auto entry = map.next("input")) {
            if (read_outpoint(*entry) || read_utxo(*entry) || read_scripts(*entry) || read_taproot(*entry) || read_musig(*entry)) continue;
            if (entry->type == field::kProprietary) {
                check_proprietary(*entry);
                input_.proprietary.emplace(entry->name, to_bytes(entry->value));
            } else {
                input_.unknown.emplace(entry->name, to_bytes(entry->value));
            }
        }
        if (version_ >= 2 && !has_txid_) malformed("Previous TXID is required in PSBTv2");
        if (version_ >= 2 && !has_index_) malformed("Previous output's index is required in PSBTv2");
    }

private:
    void only_version_2(const char* what) const {
        if (version_ < 2) malformed(fmt::format("{} is not allowed in PSBTv0", what));
    }

    bool read_outpoint(const Field& entry) {
        switch (entry.type) {
            case field::previous_txid:
                entry.expect_no_key("Input Previous TXID");
                only_version_2("Previous txid");
                input_.prevout.txid = Txid(Uint256(entry.sized(kHash256)));
                return has_txid_ = true;
            case field::output_index:
                entry.expect_no_key("Input Previous Output's Index");
                only_version_2("Previous output's index");
                input_.prevout.index = entry.u32();
                return has_index_ = true;
            case field::sequence:
                entry.expect_no_key("Input Sequence");
                only_version_2("Sequence");
                input_.sequence = entry.u32();
                return true;
            case field::time_lock:
                entry.expect_no_key("Input Required Time Based Locktime");
                only_version_2("Required time based locktime");
                input_.locks.time = entry.u32();
                if (*input_.locks.time < kLockTimeThreshold) malformed("Required time based locktime is invalid (less than 500000000)");
                return true;
            case field::height_lock:
                entry.expect_no_key("Input Required Height Based Locktime");
                only_version_2("Required height based locktime");
                input_.locks.height = entry.u32();
                if (*input_.locks.height >= kLockTimeThreshold)
                    malformed("Required height based locktime is invalid (greater than or equal to 500000000)");
                if (*input_.locks.height == 0) malformed("Required height based locktime is invalid (0)");
                return true;
            default: return false;
        }
    }

    bool read_utxo(const Field& entry) {
        if (entry.type == field::non_witness_utxo) {
            entry.expect_no_key("Input Non-witness UTXO");
            auto tx = TransactionHolder::parse(to_bytes(entry.value));
            if (!tx) malformed(tx.error() == DecodeError::trailing_bytes ? "Size of value was not the stated size" : "SpanReader::read(): end of data");
            input_.non_witness_utxo = std::move(*tx);
            return true;
        }
        if (entry.type != field::witness_utxo) return false;
        entry.expect_no_key("Input Witness UTXO");
        Reader reader(entry.value);
        MutableTransaction::Output output;
        output.value = reader.i64();
        output.script_pubkey = to_bytes(reader.var_bytes());
        check(reader);
        if (reader.remaining() != 0) malformed("Size of value was not the stated size");
        input_.witness_utxo = std::move(output);
        return true;
    }

    void read_partial_sig(const Field& entry) {
        if (entry.key.size() != kCompressedKey && entry.key.size() != kUncompressedKey)
            malformed("Size of key was not the expected size for the type partial signature pubkey");
        if (!is_key(entry.key)) malformed("Invalid pubkey");
        const Bytes signature = to_bytes(entry.value);
        if (signature.empty() || check_signature_encoding(signature, ScriptFlag::dersig | ScriptFlag::strictenc) != ScriptError::ok)
            malformed("Signature is not a valid encoding");
        input_.partial_sigs.emplace(hash160(entry.key), PsbtSignature{entry.key, signature});
    }

    void read_preimage(const Field& entry, const char* what, std::size_t size, std::map<Bytes, Bytes>& preimages) {
        entry.expect_key(what, size);
        preimages.emplace(entry.key, to_bytes(entry.value));
    }

    bool read_scripts(const Field& entry) {
        switch (entry.type) {
            case field::partial_sig: read_partial_sig(entry); return true;
            case field::sighash:
                entry.expect_no_key("Input Sighash Type");
                input_.sighash_type = static_cast<std::int32_t>(entry.u32());
                return true;
            case field::redeem_script:
                entry.expect_no_key("Input redeemScript");
                input_.redeem_script = to_bytes(entry.value);
                return true;
            case field::witness_script:
                entry.expect_no_key("Input witnessScript");
                input_.witness_script = to_bytes(entry.value);
                return true;
            case field::bip32_derivation: read_key_origin(entry, input_.key_origins); return true;
            case field::script_sig:
                entry.expect_no_key("Input Final scriptSig");
                input_.final_script_sig = to_bytes(entry.value);
                return true;
            case field::script_witness: read_witness(entry); return true;
            case field::ripemd160: read_preimage(entry, "Input RIPEMD160 Preimage", kHash160, input_.ripemd160_preimages); return true;
            case field::sha256: read_preimage(entry, "Input SHA256 Preimage", kHash256, input_.sha256_preimages); return true;
            case field::hash160: read_preimage(entry, "Input HASH160 Preimage", kHash160, input_.hash160_preimages); return true;
            case field::hash256: read_preimage(entry, "Input HASH256 Preimage", kHash256, input_.hash256_preimages); return true;
            default: return false;
        }
    }

    void read_witness(const Field& entry) {
        entry.expect_no_key("Input Final scriptWitness");
        Reader reader(entry.value);
        const std::uint64_t count = reader.compact_size();
        check(reader);
        if (count > reader.remaining()) malformed("SpanReader::read(): end of data");
        for (std::uint64_t i = 0; i < count; ++i) input_.final_witness.push_back(to_bytes(reader.var_bytes()));
        check(reader);
        if (reader.remaining() != 0) malformed("Size of value was not the stated size");
    }

    static void check_schnorr_size(ByteSpan signature, const char* path) {
        if (signature.size() < 64) malformed(fmt::format("Input Taproot {} path signature is shorter than 64 bytes", path));
        if (signature.size() > 65) malformed(fmt::format("Input Taproot {} path signature is longer than 65 bytes", path));
    }

    bool read_taproot(const Field& entry) {
        switch (entry.type) {
            case field::tap_key_sig:
                entry.expect_no_key("Input Taproot Key Path Signature");
                check_schnorr_size(entry.value, "key");
                input_.tap_key_sig = to_bytes(entry.value);
                return true;
            case field::tap_script_sig: {
                entry.expect_key("Input Taproot Script Path Signature", 64);
                check_schnorr_size(entry.value, "script");
                const ByteSpan key(entry.key);
                input_.tap_script_sigs.emplace(std::pair(to_bytes(key.first(32)), Uint256(key.subspan(32))), to_bytes(entry.value));
                return true;
            }
            case field::tap_leaf_script: {
                if (entry.key.size() < kControlBaseSize) malformed("Input Taproot leaf script key is not at least 34 bytes");
                if ((entry.key.size() - kControlBaseSize) % kControlNodeSize != 0)
                    malformed("Input Taproot leaf script key's control block size is not valid");
                if (entry.value.empty()) malformed("Input Taproot leaf script must be at least 1 byte");
                input_.tap_scripts[{to_bytes(entry.value.first(entry.value.size() - 1)), entry.value.back()}].insert(entry.key);
                return true;
            }
            case field::tap_bip32_derivation: read_tap_origin(entry, "Input", input_.tap_key_origins); return true;
            case field::tap_internal_key:
                entry.expect_no_key("Input Taproot Internal Key");
                input_.tap_internal_key = Uint256(entry.sized(kHash256));
                return true;
            case field::tap_merkle_root:
                entry.expect_no_key("Input Taproot Merkle Root");
                input_.tap_merkle_root = Uint256(entry.sized(kHash256));
                return true;
            default: return false;
        }
    }

    bool read_musig(const Field& entry) {
        switch (entry.type) {
            case field::musig_participants: read_participants(entry, "Input", input_.musig_participants); return true;
            case field::musig_nonce: {
                const MusigKey key = read_musig_key(entry, "pubnonce");
                if (entry.value.size() != 66) malformed("Input musig2 pubnonce value is not 66 bytes");
                input_.musig_nonces[key.place].emplace(key.participant, to_bytes(entry.value));
                return true;
            }
            case field::musig_partial_sig: {
                const MusigKey key = read_musig_key(entry, "partial sig");
                input_.musig_partial_sigs[key.place].emplace(key.participant, Uint256(entry.sized(kHash256)));
                return true;
            }
            default: return false;
        }
    }

    PsbtInput& input_;
    std::uint32_t version_;
    bool has_txid_ = false, has_index_ = false;
};

// ---------------------------------------------------------------------------------------------- outputs

void read_tap_tree(const Field& entry, PsbtOutput& output) {
    entry.expect_no_key("Output Taproot Tree Key");
    if (entry.value.empty()) malformed("Output Taproot tree must not be empty");
    Reader reader(entry.value);
    std::vector<bool> right;  // the way down to where the next leaf goes
    bool whole = false;
    while (reader.remaining() > 0) {
        TapTreeLeaf leaf;
        leaf.depth = reader.u8();
        leaf.version = reader.u8();
        leaf.script = to_bytes(reader.var_bytes());
        check(reader);
        if (leaf.depth > kControlMaxNodes) malformed("Output Taproot tree has as leaf greater than Taproot maximum depth");
        if ((leaf.version & ~kTaprootLeafMask) != 0) malformed("Output Taproot tree has a leaf with an invalid leaf version");
        if (whole || leaf.depth < right.size()) malformed("Output Taproot tree is malformed");
        right.resize(leaf.depth, false);
        while (!right.empty() && right.back()) right.pop_back();
        if (right.empty()) whole = true;
        else right.back() = true;
        output.tap_tree.push_back(std::move(leaf));
    }
    if (!whole) malformed("Output Taproot tree is malformed");
}

void read_output(MapReader& map, PsbtOutput& output, std::uint32_t version) {
    bool has_amount = false, has_script = false;
    while (const auto entry = map.next("output")) {
        switch (entry->type) {
            case field::out_redeem_script:
                entry->expect_no_key("Output redeemScript");
                output.redeem_script = to_bytes(entry->value);
                break;
            case field::out_witness_script:
                entry->expect_no_key("Output witnessScript");
                output.witness_script = to_bytes(entry->value);
                break;
            case field::out_bip32_derivation: read_key_origin(*entry, output.key_origins); break;
            case field::out_amount:
                entry->expect_no_key("Output Amount");
                if (version < 2) malformed("Output amount is not allowed in PSBTv0");
                output.amount = Reader(entry->sized(8)).i64();
                has_amount = true;
                break;
            case field::out_script:
                entry->expect_no_key("Output Script");
                if (version < 2) malformed("Output script is not allowed in PSBTv0");
                output.script = to_bytes(entry->value);
                has_script = true;
                break;
            case field::out_tap_internal_key:
                entry->expect_no_key("Output Taproot Internal Key");
                output.tap_internal_key = Uint256(entry->sized(kHash256));
                break;
            case field::out_tap_tree: read_tap_tree(*entry, output); break;
            case field::out_tap_bip32_derivation: read_tap_origin(*entry, "Output", output.tap_key_origins); break;
            case field::out_musig_participants: read_participants(*entry, "Output", output.musig_participants); break;
            case field::kProprietary:
                check_proprietary(*entry);
                output.proprietary.emplace(entry->name, to_bytes(entry->value));
                break;
            default: output.unknown.emplace(entry->name, to_bytes(entry->value));
        }
    }
    if (version >= 2 && !has_amount) malformed("Output amount is required in PSBTv2");
    if (version >= 2 && !has_script) malformed("Output script is required in PSBTv2");
}

// ---------------------------------------------------------------------------------------------- the whole

class PsbtReader {
public:
    explicit PsbtReader(ByteSpan raw) : map_(raw) {}

    Psbt read() {
        map_.expect_magic();
        while (const auto entry = map_.next("global")) read_global(*entry);
        check_version();
        for (std::uint64_t i = 0; i < inputs_ && !map_.at_end(); ++i) read_input(i);
        if (psbt_.inputs.size() != inputs_) malformed("Inputs provided does not match the number of inputs in transaction.");
        for (std::uint64_t i = 0; i < outputs_ && !map_.at_end(); ++i) {
            PsbtOutput output;
            if (tx_) {
                output.amount = tx_->outputs[i].value;
                output.script = tx_->outputs[i].script_pubkey;
            }
            read_output(map_, output, psbt_.version());
            psbt_.outputs.push_back(std::move(output));
        }
        if (psbt_.outputs.size() != outputs_) malformed("Outputs provided does not match the number of outputs in transaction.");
        if (!map_.at_end()) malformed("extra data after PSBT");
        return std::move(psbt_);
    }

private:
    void read_unsigned_tx(const Field& entry) {
        entry.expect_no_key("Global Unsigned TX");
        const auto tx = TransactionHolder::parse(to_bytes(entry.value), false);
        if (!tx) malformed(tx.error() == DecodeError::trailing_bytes ? "Size of value was not the stated size" : "SpanReader::read(): end of data");
        for (const TxInput& input : (*tx)->tx().inputs) {
            if (!input.script_sig.empty()) malformed("Unsigned tx does not have empty scriptSigs and scriptWitnesses.");
        }
        tx_ = MutableTransaction((*tx)->tx());
        psbt_.tx_version = tx_->version;
        psbt_.fallback_lock_time = tx_->lock_time;
        inputs_ = tx_->inputs.size();
        outputs_ = tx_->outputs.size();
    }

    void read_xpub(const Field& entry) {
        entry.expect_key("Global XPUB", field::kExtendedKeySize);
        if (!PublicKey::parse(ByteSpan(entry.key).last(kCompressedKey))) malformed("Invalid pubkey");
        psbt_.xpubs[read_origin(entry.value)].insert(entry.key);
    }

    void read_global(const Field& entry) {
        switch (entry.type) {
            case field::unsigned_tx: return read_unsigned_tx(entry);
            case field::xpub: return read_xpub(entry);
            case field::tx_version:
                entry.expect_no_key("Global Transaction Version");
                psbt_.tx_version = entry.u32();
                has_tx_version_ = true;
                return;
            case field::fallback_lock_time:
                entry.expect_no_key("Global Fallback Locktime");
                psbt_.fallback_lock_time = entry.u32();
                has_lock_time_ = true;
                return;
            case field::input_count:
                entry.expect_no_key("Global Input Count");
                inputs_ = entry.compact_size();
                has_inputs_ = true;
                return;
            case field::output_count:
                entry.expect_no_key("Global Output Count");
                outputs_ = entry.compact_size();
                has_outputs_ = true;
                return;
            case field::tx_modifiable:
                entry.expect_no_key("Global TX Modifiable Flags");
                psbt_.modifiable = entry.sized(1)[0];
                return;
            case field::version:
                entry.expect_no_key("Global PSBT Version");
                psbt_.version_field = entry.u32();
                if (psbt_.version() > 2) malformed("Unsupported version number");
                return;
            case field::kProprietary:
                check_proprietary(entry);
                psbt_.proprietary.emplace(entry.name, to_bytes(entry.value));
                return;
            default: psbt_.unknown.emplace(entry.name, to_bytes(entry.value));
        }
    }

    void check_version() const {
        const auto not_in_0 = [](bool found, const char* name) {
            if (found) malformed(fmt::format("PSBT_GLOBAL_{} is not allowed in PSBTv0", name));
        };
        const auto required = [](bool found, const char* name) {
            if (!found) malformed(fmt::format("PSBT_GLOBAL_{} is required in PSBTv2", name));
        };
        if (psbt_.version() == 0) {
            if (!tx_) malformed("No unsigned transaction was provided");
            not_in_0(has_tx_version_, "TX_VERSION");
            not_in_0(has_lock_time_, "FALLBACK_LOCKTIME");
            not_in_0(has_inputs_, "INPUT_COUNT");
            not_in_0(has_outputs_, "OUTPUT_COUNT");
            not_in_0(psbt_.modifiable.has_value(), "TX_MODIFIABLE");
        }
        if (psbt_.version() == 1) malformed("There is no PSBT version 1");
        if (psbt_.version() == 2) {
            required(has_tx_version_, "TX_VERSION");
            required(has_inputs_, "INPUT_COUNT");
            required(has_outputs_, "OUTPUT_COUNT");
            if (tx_) malformed("PSBT_GLOBAL_UNSIGNED_TX is not allowed in PSBTv2");
        }
    }

    void read_input(std::uint64_t i) {
        PsbtInput input;
        if (tx_) {
            input.prevout = tx_->inputs[i].prevout;
            input.sequence = tx_->inputs[i].sequence;
        }
        InputReader(input, psbt_.version()).read(map_);
        if (input.non_witness_utxo) {
            const Transaction& tx = input.non_witness_utxo->tx();
            if (tx.txid != input.prevout.txid) malformed("Non-witness UTXO does not match outpoint hash");
            if (input.prevout.index >= tx.outputs.size()) malformed("Input specifies output index that does not exist");
        }
        psbt_.inputs.push_back(std::move(input));
    }

    MapReader map_;
    Psbt psbt_;
    std::optional<MutableTransaction> tx_;
    std::uint64_t inputs_ = 0, outputs_ = 0;
    bool has_tx_version_ = false, has_lock_time_ = false, has_inputs_ = false, has_outputs_ = false;
};

}  // namespace

Result<Psbt, std::string> Psbt::parse(ByteSpan raw) {
    try {
        return PsbtReader(raw).read();
    } catch (Malformed& problem) {
        return fail(std::move(problem.why));
    }
}

}  // namespace cairn::light
