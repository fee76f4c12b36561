#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "light/keys/script_keys.hpp"
#include "light/psbt/psbt.hpp"
#include "light/signing/message.hpp"

/// Signed messages as text (BIP322): made by one signer or by several over a PSBT, and checked.
namespace cairn::light {

/// An output that whoever signs shows to control besides the address.
struct ProofInput {
    OutPoint prevout;
    MutableTransaction::Output spent;
    TransactionPtr transaction;  ///< that made it; may be null for segwit outputs
    std::uint32_t sequence = 0;
};
struct MessageOptions {
    MessageLocks locks;
    std::vector<ProofInput> proof;  ///< of funds
};

/// To be signed by whoever has keys for `script`. Errors: why an output cannot be claimed.
Result<Psbt, std::string> make_message_psbt(std::string_view message, ByteSpan script, const MessageOptions& options = {});
/// What a PSBT asks to be signed, when it is no payment but a message.
struct PsbtMessage {
    std::string message;
    Bytes script;
};
std::optional<PsbtMessage> message_of_psbt(const Psbt& psbt);
/// The shortest of the three forms: a witness stack ("smp…"), a transaction ("ful…"), a PSBT ("pof…"). nullopt: signatures are missing.
std::optional<std::string> finish_message_psbt(Psbt& psbt);

/// All in one. Where the script asks for lock times and `options` name none, the least that let it be signed are taken, and the signature
/// is good from then on. Errors: what is missing, in the words of to_string(PsbtStatus).
Result<std::string, std::string> sign_message(std::string_view message, ByteSpan script, const ScriptKeys& keys,
                                              const MessageOptions& options = {});

struct MessageCheck : MessageVerdict {
    enum class Form : std::uint8_t { unknown, legacy, simple, full, proof_of_funds };
    struct Claim {
        OutPoint prevout;
        MutableTransaction::Output spent;  ///< as the signer says; the chain knows whether it is so
        std::uint32_t sequence = 0;
    };
    Form form = Form::unknown;
    std::vector<Claim> claims;  ///< of a valid or inconclusive proof of funds: to be looked up among the unspent outputs
};
/// `script`: of the address. Without a prefix the text is taken for a signature of signmessage when the script is P2PKH, otherwise for
/// a witness stack.
MessageCheck verify_message(std::string_view message, ByteSpan script, std::string_view signature);

}  // namespace cairn::light
