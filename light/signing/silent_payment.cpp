#include "light/signing/silent_payment.hpp"

#include <algorithm>
#include <unordered_map>

#include "consensus/base/check.hpp"
#include "consensus/crypto/ecc_arithmetic.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/locked_memory.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/primitives/bech32.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn::light {
namespace {

constexpr std::size_t kMaxAddressSize = 1023;
constexpr std::size_t kKeySize = std::tuple_size_v<CompressedKey>;
/// BIP352 has one prefix for all test networks; several wallets write another one on regtest.
constexpr std::string_view kMainPrefix = "sp", kTestPrefix = "tsp", kRegtestPrefix = "sprt";

std::string_view prefix_of(const ChainParams& params) {
    return params.addresses.bech32_prefix == kMainAddresses.bech32_prefix ? kMainPrefix : kTestPrefix;
}

bool is_prefix_of(std::string_view prefix, const ChainParams& params) {
    return prefix == prefix_of(params) || (prefix == kRegtestPrefix && params.addresses.bech32_prefix == kRegtestAddresses.bech32_prefix);
}

/// Whose addresses begin so.
std::string network_of(std::string_view prefix) {
    if (prefix == kMainPrefix) return "the main network";
    return prefix == kTestPrefix ? "a test network" : "regtest";
}

/// BIP341's point whose discrete logarithm nobody knows: an internal key that can sign nothing.
const Uint256& nobodys_key() {
    static const Uint256 key = [] {
        static constexpr std::uint8_t kBytes[] = {0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e,
                                                  0x07, 0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0};
        return Uint256(ByteSpan(kBytes));
    }();
    return key;
}

std::array<std::uint8_t, 4> big_endian(std::uint32_t number) {
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
            static_cast<std::uint8_t>(number)};
}

bool is_future_output(const Solution& solution) { return solution.type == OutputType::witness_unknown && solution.witness_version > 1; }

std::optional<PublicKey> compressed_key(ByteSpan bytes) {
    if (bytes.size() != kKeySize) return std::nullopt;
    return PublicKey::parse(bytes);
}

/// The last 33 bytes anywhere in the script that hash to it: whoever relayed the transaction may have changed what stands around the key.
std::optional<PublicKey> find_hashed_key(ByteSpan script_sig, ByteSpan key_hash) {
    for (std::size_t end = script_sig.size(); end >= kKeySize; --end) {
        const ByteSpan bytes = script_sig.subspan(end - kKeySize, kKeySize);
        const auto hash = hash160(bytes);
        if (std::equal(hash.begin(), hash.end(), key_hash.begin(), key_hash.end())) return compressed_key(bytes);
    }
    return std::nullopt;
}

/// Is it spent by a script under an internal key that nobody has?
bool has_nobodys_key(std::span<const ByteSpan> witness) {
    if (witness.size() > 1 && witness_annex(witness)) witness = witness.first(witness.size() - 1);
    if (witness.size() < 2 || !is_valid_control_size(witness.back().size())) return false;
    return Uint256(witness.back().subspan(1, Uint256::kSize)) == nobodys_key();
}

std::optional<Uint256> input_hash(const OutPoint& smallest, const PublicKey& key_sum) {
    Bytes data;
    Writer out(data);
    out.uint256(smallest.txid);
    out.u32(smallest.index);
    out.bytes(key_sum.compressed());
    const Uint256 hash = tagged_hash("BIP0352/Inputs", data);
    if (!PrivateKey::parse(hash.span())) return std::nullopt;
    return hash;
}

/// In the order of their serialised bytes.
bool comes_before(const OutPoint& a, const OutPoint& b) {
    if (a.txid != b.txid) return a.txid < b.txid;
    const auto bytes = [](std::uint32_t index) { return __builtin_bswap32(index); };
    return bytes(a.index) < bytes(b.index);
}

Uint256 output_tweak(const PublicKey& shared, std::uint32_t k) {
    Bytes data;
    Writer out(data);
    out.bytes(shared.compressed());
    out.bytes(big_endian(k));
    return tagged_hash("BIP0352/SharedSecret", data);
}

}  // namespace

// --- addresses

std::string SilentAddress::to_string(const ChainParams& params) const {
    Bytes keys;
    Writer out(keys);
    out.bytes(scan.compressed());
    out.bytes(spend.compressed());
    Bytes data{0};
    Writer(data).bytes(to_base32_groups(keys));
    return encode_bech32(Bech32Encoding::bech32m, prefix_of(params), data);
}

bool looks_like_silent_address(std::string_view text) {
    std::string begin(text.substr(0, 5));
    std::transform(begin.begin(), begin.end(), begin.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return begin.starts_with("sp1") || begin.starts_with("tsp1") || begin == "sprt1";
}

Result<SilentAddress, std::string> SilentAddress::parse(std::string_view text, const ChainParams& params) {
    const auto refuse = [](const std::string& reason) { return fail("Invalid silent payment address: " + reason); };
    if (!looks_like_silent_address(text)) return refuse("it does not begin with \"sp1\" or \"tsp1\"");
    if (text.size() > kMaxAddressSize) return refuse("it is too long");
    const auto decoded = decode_bech32(text, kMaxAddressSize);
    if (!decoded || decoded->encoding != Bech32Encoding::bech32m) return refuse("a character is wrong or missing");
    if (!is_prefix_of(decoded->prefix, params)) {
        return refuse("it belongs to " + network_of(decoded->prefix) + "; this wallet is on " + std::string(params.name()));
    }
    if (decoded->data.empty()) return refuse("it is too short");
    const std::uint8_t version = decoded->data[0];
    if (version == 31) return refuse("its version is not known");
    const auto keys = from_base32_groups(ByteSpan(decoded->data).subspan(1));
    if (!keys || keys->size() < 2 * kKeySize || (version == 0 && keys->size() != 2 * kKeySize)) return refuse("it has the wrong length");
    const auto scan = compressed_key(ByteSpan(*keys).first(kKeySize)), spend = compressed_key(ByteSpan(*keys).subspan(kKeySize, kKeySize));
    if (!scan || !spend) return refuse("its keys are none");
    return SilentAddress{*scan, *spend};
}

std::optional<PublicKey> silent_input_key(ByteSpan spent_script, ByteSpan script_sig, std::span<const ByteSpan> witness) {
    const Solution solution = solve(spent_script);
    switch (solution.type) {
        case OutputType::pubkeyhash: return find_hashed_key(script_sig, solution.parts[0]);
        case OutputType::scripthash:
            if (script_sig.size() < 2 || script_sig[0] != script_sig.size() - 1 || witness.empty()) return std::nullopt;
            if (classify(script_sig.subspan(1)) != OutputType::witness_v0_keyhash) return std::nullopt;
            return compressed_key(witness.back());
        case OutputType::witness_v0_keyhash: return witness.empty() ? std::nullopt : compressed_key(witness.back());
        case OutputType::witness_v1_taproot:
            if (has_nobodys_key(witness)) return std::nullopt;
            return PublicKey::from_xonly(Uint256(solution.parts[0]));
        default: return std::nullopt;
    }
}

// --- sending

std::string_view to_string(SilentError error) {
    switch (error) {
        case SilentError::no_eligible_input: return "no input has a key that a silent payment could be made with";
        case SilentError::unknown_key: return "the private key of an input is not known, and a silent payment needs it";
        case SilentError::future_input: return "an input is of a kind that receivers of silent payments do not look at";
        case SilentError::too_many_outputs: return "there are too many outputs for one silent payment address";
        case SilentError::out_of_range: return "the inputs give no valid silent payment; choose others";
    }
    return "unknown error";
}

Result<SilentInput, SilentError> silent_input(const OutPoint& prevout, ByteSpan spent_script, const ScriptKeys& keys) {
    const Solution solution = solve(spent_script);
    if (is_future_output(solution)) return fail(SilentError::future_input);
    SilentInput input{prevout, {}, false};
    const auto hash_of = [](ByteSpan bytes) {
        Hash160 hash;
        std::copy_n(bytes.begin(), hash.size(), hash.begin());
        return hash;
    };
    const auto hashed = [&](ByteSpan bytes) -> Result<SilentInput, SilentError> {
        const WalletKey* key = keys.find(hash_of(bytes));
        const ScriptKeys::PublicKeyInfo* known = keys.find_public(hash_of(bytes));
        const bool counts = key ? key->compressed : !known || known->key.size() == kKeySize;
        if (counts && !key) return fail(SilentError::unknown_key);
        if (counts) input.key = key->key;
        return input;
    };
    switch (solution.type) {
        case OutputType::pubkeyhash:
        case OutputType::witness_v0_keyhash: return hashed(solution.parts[0]);
        case OutputType::scripthash: {
            const Bytes* redeem = keys.find_script(hash_of(solution.parts[0]));
            if (!redeem) return fail(SilentError::unknown_key);  // it might count
            const Solution inner = solve(*redeem);
            return inner.type == OutputType::witness_v0_keyhash ? hashed(inner.parts[0]) : input;
        }
        case OutputType::witness_v1_taproot: {
            const Uint256 output_key(solution.parts[0]);
            const TaprootSpend* spend = keys.find_taproot(output_key);
            if (spend && spend->internal_key == nobodys_key()) return input;
            input.key = keys.taproot_signer(output_key);
            input.taproot = true;
            if (!input.key) return fail(SilentError::unknown_key);
            return input;
        }
        default: return input;
    }
}

Result<std::vector<Uint256>, SilentError> silent_outputs(std::span<const SilentInput> inputs, std::span<const SilentAddress> recipients) {
    std::map<CompressedKey, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < recipients.size(); ++i) groups[recipients[i].scan.compressed()].push_back(i);
    for (const auto& [scan, members] : groups)
        if (members.size() > kMaxSilentOutputs) return fail(SilentError::too_many_outputs);

    std::vector<PrivateKey> scalars;
    for (const SilentInput& input : inputs)
        if (input.key) scalars.push_back(input.taproot ? input.key->with_even_y() : *input.key);
    const auto sum = sum_of(scalars);
    if (!sum) return fail(SilentError::no_eligible_input);
    const auto smallest = std::min_element(inputs.begin(), inputs.end(),
                                           [](const SilentInput& a, const SilentInput& b) { return comes_before(a.prevout, b.prevout); });
    const auto hash = input_hash(smallest->prevout, sum->public_key());
    const auto scalar = hash ? product(*sum, *hash) : std::nullopt;
    if (!scalar) return fail(SilentError::out_of_range);

    std::vector<Uint256> outputs(recipients.size());
    for (const auto& [scan, members] : groups) {
        const PublicKey shared = product(recipients[members[0]].scan, *scalar);
        for (std::uint32_t k = 0; k < members.size(); ++k) {
            const auto output = recipients[members[k]].spend.tweak_add(output_tweak(shared, k));
            if (!output) return fail(SilentError::out_of_range);
            outputs[members[k]] = output->xonly();
        }
    }
    return outputs;
}

Bytes silent_placeholder() { return make_witness_program(1, Uint256().span()); }

Result<void, SilentError> fill_silent_outputs(MutableTransaction& tx, std::span<const TxOutput> spent, const ScriptKeys& keys,
                                              const std::map<std::size_t, SilentAddress>& recipients) {
    CAIRN_CHECK(spent.size() == tx.inputs.size());
    std::vector<SilentInput> inputs;
    for (std::size_t i = 0; i < spent.size(); ++i) {
        auto input = silent_input(tx.inputs[i].prevout, spent[i].script_pubkey, keys);
        if (!input) return fail(input.error());
        inputs.push_back(std::move(*input));
    }
    std::vector<SilentAddress> addresses;
    for (const auto& [index, address] : recipients) addresses.push_back(address);
    const auto outputs = silent_outputs(inputs, addresses);
    if (!outputs) return fail(outputs.error());
    auto output = outputs->begin();
    for (const auto& [index, address] : recipients) tx.outputs.at(index).script_pubkey = make_witness_program(1, (output++)->span());
    return {};
}

// --- receiving

PublicKey SilentInputs::tweak() const {
    const auto point = product(key_sum, input_hash);
    CAIRN_CHECK(point.has_value());
    return *point;
}

std::optional<SilentInputs> silent_inputs(const Transaction& tx, std::span<const TxOutput> spent) {
    CAIRN_CHECK(spent.size() == tx.inputs.size());
    std::vector<PublicKey> keys;
    for (std::size_t i = 0; i < spent.size(); ++i) {
        if (is_future_output(solve(spent[i].script_pubkey))) return std::nullopt;
        if (const auto key = silent_input_key(spent[i].script_pubkey, tx.inputs[i].script_sig, tx.inputs[i].witness)) keys.push_back(*key);
    }
    const auto sum = sum_of(keys);
    if (!sum) return std::nullopt;
    const auto smallest = std::min_element(tx.inputs.begin(), tx.inputs.end(),
                                           [](const TxInput& a, const TxInput& b) { return comes_before(a.prevout, b.prevout); });
    const auto hash = input_hash(smallest->prevout, *sum);
    if (!hash) return std::nullopt;
    return SilentInputs{*sum, *hash};
}

SilentReceiver::SilentReceiver(const PrivateKey& scan, const PublicKey& spend) : scan_(scan), scan_key_(scan.public_key()), spend_(spend) {
    add_label(kChangeLabel);
}

std::optional<SilentReceiver::Label> SilentReceiver::make_label(std::uint32_t number) const {
    SecretBytes data(scan_.bytes().begin(), scan_.bytes().end());
    const auto suffix = big_endian(number);
    data.insert(data.end(), suffix.begin(), suffix.end());
    const Uint256 tweak = tagged_hash("BIP0352/Label", data);
    const auto key = PrivateKey::parse(tweak.span());
    if (!key) return std::nullopt;
    return Label{number, tweak, key->public_key()};
}

bool SilentReceiver::add_label(std::uint32_t number) {
    const auto label = make_label(number);
    if (!label) return false;
    by_point_.emplace(label->point.compressed(), number);
    labels_.emplace(number, *label);
    return true;
}

SilentAddress SilentReceiver::address(std::uint32_t label) const {
    const auto found = labels_.find(label);
    CAIRN_CHECK(found != labels_.end());
    const auto spend = spend_.tweak_add(found->second.tweak);
    CAIRN_CHECK(spend.has_value());
    return {scan_key_, *spend};
}

PublicKey SilentReceiver::shared_secret(const PublicKey& tweak) const { return product(tweak, scan_); }

std::vector<SilentReceiver::Match> SilentReceiver::find(const PublicKey& tweak, std::span<const Uint256> output_keys) const {
    const PublicKey shared = shared_secret(tweak);
    std::multimap<Uint256, std::size_t> left;
    for (std::size_t i = 0; i < output_keys.size(); ++i) left.emplace(output_keys[i], i);
    std::vector<Match> matches;
    /// Takes all outputs with this key: whoever made two of them can spend neither apart from the other.
    const auto take = [&](const Uint256& x, const Uint256& output, std::optional<std::uint32_t> label) {
        const auto [begin, end] = left.equal_range(x);
        for (auto it = begin; it != end; ++it) matches.push_back({it->second, output, label});
        left.erase(begin, end);
        return begin != end;
    };
    const auto labelled = [&](const Uint256& t, const Label& label) {
        return Uint256(PrivateKey::parse(t.span())->tweak_add(label.tweak)->bytes());
    };
    const auto take_labelled = [&](const PublicKey& plain, const Uint256& t) {
        if (labels_.size() <= 2 * left.size()) {
            for (const auto& [number, label] : labels_) {
                const PublicKey both[] = {plain, label.point};
                const auto point = sum_of(both);
                if (point && left.contains(point->xonly())) return take(point->xonly(), labelled(t, label), number);
            }
            return false;
        }
        const PublicKey minus = negated(plain);
        for (const auto& [x, index] : left) {
            const auto even = PublicKey::from_xonly(x);
            if (!even) continue;
            for (const PublicKey& output : {*even, negated(*even)}) {
                const PublicKey both[] = {output, minus};
                const auto difference = sum_of(both);
                const auto found = difference ? by_point_.find(difference->compressed()) : by_point_.end();
                if (found != by_point_.end()) return take(Uint256(x), labelled(t, labels_.at(found->second)), found->second);
            }
        }
        return false;
    };
    for (std::uint32_t k = 0; k < kMaxSilentOutputs && !left.empty(); ++k) {
        const Uint256 t = output_tweak(shared, k);
        const auto point = spend_.tweak_add(t);
        if (!point) break;
        if (!take(point->xonly(), t, std::nullopt) && !take_labelled(*point, t)) break;
    }
    return matches;
}

}  // namespace cairn::light
