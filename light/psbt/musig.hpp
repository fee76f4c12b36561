#pragma once

#include <list>
#include <map>

#include "consensus/crypto/locked_memory.hpp"
#include "consensus/crypto/musig.hpp"
#include "light/psbt/roles.hpp"

/// Signing together with MuSig2 (BIP327) by PSBT (BIP373): each signer adds a nonce, then, once all nonces are there, a partial signature;
/// whoever has all of these makes one signature of them.
namespace cairn::light {

/// The secret nonces that wait for the nonces of the others. They live in memory only and are used once: after a restart, or with a
/// PSBT that was processed elsewhere, signing begins anew with one that has no nonces.
/// Thread: one at a time.
class MusigSessions {
public:
    /// More that wait than this: the oldest are forgotten.
    static constexpr std::size_t kMost = 10'000;

    void keep(const Uint256& id, const MusigSecretNonce& nonce);
    /// Gives it for good.
    std::optional<MusigSecretNonce> take(const Uint256& id);
    std::size_t size() const { return nonces_.size(); }

private:
    std::map<Uint256, SecretBytes> nonces_;
    std::list<Uint256> order_;
};

/// Moves an input on as far as it goes: tells the participants that `keys` know, adds nonces and partial signatures of the private keys
/// among them, and the whole signature once it can be made. `sessions` null: only the last of these.
void sign_musig_input(PsbtInput& input, std::size_t index, const ScriptKeys& keys, const PsbtTransaction& transaction, int hash_type,
                      MusigSessions* sessions);

}  // namespace cairn::light
