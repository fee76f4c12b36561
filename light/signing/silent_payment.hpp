#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/primitives/transaction.hpp"
#include "consensus/rules/params.hpp"
#include "light/keys/script_keys.hpp"

/// Silent payments (BIP352, version 0): one published address, an output of its own for every payment.
namespace cairn::light {

/// Outputs that one transaction may have for one receiver (BIP352's K_max).
inline constexpr std::uint32_t kMaxSilentOutputs = 2323;

/// Where silent payments go.
struct SilentAddress {
    PublicKey scan, spend;  ///< `spend` may carry a label

    bool operator==(const SilentAddress&) const = default;
    /// "sp1q…" or "tsp1q…".
    std::string to_string(const ChainParams& params) const;
    /// On regtest "sprt1…" is read, too. Versions 1 to 30 are read as far as version 0 reaches. Errors: a sentence that tells a wrong network from wrong characters.
    static Result<SilentAddress, std::string> parse(std::string_view text, const ChainParams& params);
};
/// Does the text begin like such an address, of any network?
bool looks_like_silent_address(std::string_view text);

/// The key that an input adds to the shared secret, as anybody sees it; nullopt when it has none: only P2TR (but for a script path
/// with the internal key that nobody has), P2WPKH, P2SH-P2WPKH and P2PKH with compressed keys count.
std::optional<PublicKey> silent_input_key(ByteSpan spent_script, ByteSpan script_sig, std::span<const ByteSpan> witness);

// --- sending

/// Why a transaction cannot make a silent payment.
enum class SilentError : std::uint8_t {
    no_eligible_input,  ///< or their keys add up to nothing
    unknown_key,        ///< the private key of an input that counts is not known
    future_input,       ///< an input of a later segwit version: receivers do not look at such transactions
    too_many_outputs,   ///< more than kMaxSilentOutputs for one receiver
    out_of_range,       ///< a hash is no scalar (1 in 2^128): another input helps
};
/// For people.
std::string_view to_string(SilentError error);

/// An input as the sender sees it.
struct SilentInput {
    OutPoint prevout;
    std::optional<PrivateKey> key;  ///< none: it does not count
    bool taproot = false;
};
/// Finds the key for an output that is to be spent. Errors: unknown_key, future_input.
Result<SilentInput, SilentError> silent_input(const OutPoint& prevout, ByteSpan spent_script, const ScriptKeys& keys);

/// The output keys (x coordinates) for `recipients`, in their order. All of them must be in the transaction, and `inputs` must be all
/// its inputs, none changed afterwards: sign no input with ANYONECANPAY. One recipient may stand there several times.
Result<std::vector<Uint256>, SilentError> silent_outputs(std::span<const SilentInput> inputs, std::span<const SilentAddress> recipients);

/// As large as the script of a silent payment: stands for it until all inputs are chosen.
Bytes silent_placeholder();
/// Writes the scripts of the outputs (by index) that are silent payments. All inputs are there, nothing is signed yet; `spent`: what they
/// spend. Whenever an input changes, as for a higher fee, it has to be done again: keep the addresses.
Result<void, SilentError> fill_silent_outputs(MutableTransaction& tx, std::span<const TxOutput> spent, const ScriptKeys& keys,
                                              const std::map<std::size_t, SilentAddress>& recipients);

// --- receiving

/// What all inputs of a transaction say together.
struct SilentInputs {
    PublicKey key_sum;
    Uint256 input_hash;
    /// input_hash * key_sum: what a server may give to light clients.
    PublicKey tweak() const;
};
/// `spent`: the output that each input spends. nullopt: no silent payment can be in it.
std::optional<SilentInputs> silent_inputs(const Transaction& tx, std::span<const TxOutput> spent);

/// Who looks for silent payments: needs the scan key, not the spend key.
/// Thread: any while no label is added.
class SilentReceiver {
public:
    /// Of change; no other label is looked for unless it was added.
    static constexpr std::uint32_t kChangeLabel = 0;
    struct Match {
        std::size_t output = 0;              ///< index into what was given
        Uint256 tweak;                       ///< the spend key plus this opens the output
        std::optional<std::uint32_t> label;
    };

    SilentReceiver(const PrivateKey& scan, const PublicKey& spend);
    /// False: there is none with this number (1 in 2^128).
    bool add_label(std::uint32_t number);

    SilentAddress address() const { return {scan_key_, spend_}; }
    /// `label` was added. Never give out kChangeLabel.
    SilentAddress address(std::uint32_t label) const;

    PublicKey shared_secret(const PublicKey& tweak) const;
    /// Among taproot output keys, of a transaction with this tweak. Cost: for each match and once more, one multiplication, and an
    /// addition for each label or two for each output, whichever is less.
    std::vector<Match> find(const PublicKey& tweak, std::span<const Uint256> output_keys) const;

private:
    struct Label {
        std::uint32_t number = 0;
        Uint256 tweak;
        PublicKey point;
    };
    std::optional<Label> make_label(std::uint32_t number) const;

    PrivateKey scan_;
    PublicKey scan_key_;
    PublicKey spend_;
    std::map<std::uint32_t, Label> labels_;
    std::map<CompressedKey, std::uint32_t> by_point_;
};

}  // namespace cairn::light
