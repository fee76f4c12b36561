#include "light/psbt/musig.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn::light {
namespace {

constexpr std::size_t kXOnlySize = 32;
// What a PSBT of a stranger can make us compute is bounded.
constexpr std::size_t kMostAggregates = 100, kMostParticipants = 1'000;

CompressedKey as_key(ByteSpan bytes) {
    CompressedKey key{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
    return key;
}

/// So that no optimiser leaves it out.
template <class Secret>
void wipe(Secret& secret) {
    volatile auto* bytes = reinterpret_cast<volatile std::uint8_t*>(&secret);
    for (std::size_t i = 0; i < sizeof secret; ++i) bytes[i] = 0;
}

/// A key that a signature is wanted of, and where.
struct Wanted {
    Uint256 x;                            ///< before taproot's tweak
    std::optional<Uint256> leaf;          ///< none: the key path
    std::optional<Uint256> taproot_tweak;
};

/// How the participants' aggregate becomes the key that is wanted.
struct Round {
    KeyBytes aggregate;  ///< before any tweak
    std::vector<CompressedKey> participants;
    std::vector<MusigTweak> tweaks;
    MusigKey key;        ///< with them
    Uint256 message;
    MusigPlace place;
};

class MusigInput {
public:
    MusigInput(PsbtInput& input, std::size_t index, const ScriptKeys& keys, const PsbtTransaction& transaction, int hash_type, MusigSessions* sessions)
        : input_(input), index_(index), keys_(keys), transaction_(transaction), hash_type_(hash_type), sessions_(sessions) {}

    void sign(const Uint256& output_key) {
        for (const auto& [aggregate, participants] : keys_.musig()) input_.musig_participants.emplace(aggregate, participants);
        if (input_.musig_participants.empty() || !transaction_.precomputed().bip341_ready()) return;
        const std::vector<Group> groups = known_groups();
        if (groups.empty()) return;
        for (const Wanted& wanted : all_wanted(output_key)) {
            const auto origin = origin_of(wanted.x);
            for (const Group& group : groups) {
                if (group.key.key.xonly() != wanted.x && (!origin || origin->path.empty() || origin->fingerprint != group.fingerprint)) continue;
                if (const auto round = begin(wanted, group, origin)) play(*round, wanted);
            }
        }
    }

private:
    struct Group {
        std::vector<CompressedKey> participants;
        MusigKey key;  ///< before any tweak
        KeyFingerprint fingerprint{};
    };

    /// Those whose signatures could be made or joined here.
    std::vector<Group> known_groups() const {
        std::vector<Group> groups;
        const bool joins = !input_.musig_partial_sigs.empty();
        for (const auto& [aggregate, participants] : input_.musig_participants) {
            if (groups.size() == kMostAggregates || participants.empty() || participants.size() > kMostParticipants) continue;
            std::vector<CompressedKey> signers;
            for (const KeyBytes& one : participants) signers.push_back(as_key(one));
            const bool signs = sessions_ && std::any_of(signers.begin(), signers.end(), [&](const auto& one) { return private_key(one) != nullptr; });
            if (!signs && !joins) continue;
            const auto key = MusigKey::aggregate(signers);
            if (!key || to_bytes(key->key.compressed()) != aggregate) continue;
            const KeyFingerprint fingerprint = fingerprint_of(key->key);
            groups.push_back({std::move(signers), *key, fingerprint});
        }
        return groups;
    }

    std::vector<Wanted> all_wanted(const Uint256& output_key) const {
        std::vector<Wanted> all;
        const TaprootSpend* spend = keys_.find_taproot(output_key);
        const auto internal = spend ? std::optional(spend->internal_key) : input_.tap_internal_key;
        const auto root = spend ? spend->merkle_root : input_.tap_merkle_root;
        if (internal) {
            const Uint256 tweak = taptweak_hash(internal->span(), root);
            const auto tweaked = xonly_tweak_add(*internal, tweak);
            if (tweaked && tweaked->x == output_key) all.push_back({*internal, std::nullopt, tweak});
        }
        all.push_back({output_key, std::nullopt, std::nullopt});
        const auto add_leaf = [&](ByteSpan script, int version) {
            if (version != kTapscriptLeafVersion) return;
            const Uint256 leaf = tapleaf_hash(static_cast<std::uint8_t>(version), script);
            ScriptReader reader(script);
            for (Instruction step; reader.next(step);) {
                if (step.data.size() == kXOnlySize) all.push_back({Uint256(step.data), leaf, std::nullopt});
            }
        };
        if (spend) {
            for (const TaprootSpend::Leaf& leaf : spend->leaves) add_leaf(leaf.script, leaf.version);
        } else {
            for (const auto& [leaf, control_blocks] : input_.tap_scripts) add_leaf(leaf.first, leaf.second);
        }
        return all;
    }

    std::optional<KeyOrigin> origin_of(const Uint256& x) const {
        if (const auto known = input_.tap_key_origins.find(to_bytes(x.span())); known != input_.tap_key_origins.end()) return known->second.origin;
        const auto* info = keys_.find_public_xonly(x);
        return info ? info->origin : std::nullopt;
    }

    /// nullopt: the wanted key is not made of this aggregate.
    std::optional<Round> begin(const Wanted& wanted, const Group& group, const std::optional<KeyOrigin>& origin) const {
        Result<MusigKey, MusigError> key = group.key;
        std::vector<MusigTweak> tweaks;
        if (key->key.xonly() != wanted.x) {
            if (!origin) return std::nullopt;
            // The steps of BIP32 from the aggregate (BIP328).
            ExtendedKey parent = aggregate_extended_key(key->key);
            for (const std::uint32_t step : origin->path) {
                const auto tweak = parent.child_tweak(step);
                const auto child = parent.derive(step);
                if (!tweak || !child) return std::nullopt;
                key = key->tweak({*tweak, false});
                if (!key) return std::nullopt;
                tweaks.push_back({*tweak, false});
                parent = *child;
            }
        }
        if (key->key.xonly() != wanted.x) return std::nullopt;
        if (wanted.taproot_tweak) {
            tweaks.push_back({*wanted.taproot_tweak, true});
            key = key->tweak(tweaks.back());
            if (!key) return std::nullopt;
        }
        TaprootContext context;
        if (wanted.leaf) context.tapleaf_hash = *wanted.leaf;
        const auto message = taproot_sighash(transaction_.tx()->tx(), index_, static_cast<std::uint8_t>(hash_type_),
                                             wanted.leaf ? SigVersion::tapscript : SigVersion::taproot, context, transaction_.precomputed());
        if (!message) return std::nullopt;
        MusigPlace place{to_bytes(key->key.compressed()), wanted.leaf.value_or(Uint256())};
        return Round{to_bytes(group.key.key.compressed()), group.participants, std::move(tweaks), *key, *message, std::move(place)};
    }

    bool is_signed(const Wanted& wanted) const {
        if (!wanted.leaf) return !input_.tap_key_sig.empty();
        return input_.tap_script_sigs.contains({to_bytes(wanted.x.span()), *wanted.leaf});
    }

    void play(const Round& round, const Wanted& wanted) {
        if (is_signed(wanted)) return;
        if (sessions_) add_nonces(round);
        const auto nonces = all_nonces(round);
        if (!nonces) return;
        const auto together = musig_aggregate_nonces(*nonces);
        if (!together) return;
        const MusigSession session{*together, round.participants, round.tweaks, to_bytes(round.message.span())};
        if (sessions_) add_partial_signatures(round, session);
        combine(round, session, *nonces, wanted);
    }

    /// What a secret nonce is bound to: it signs nothing else.
    Uint256 session_id(const Round& round, const CompressedKey& participant, ByteSpan public_nonce) const {
        Bytes data;
        for (const ByteSpan part : {ByteSpan(round.place.first), ByteSpan(round.place.second.span()), ByteSpan(round.aggregate), ByteSpan(participant),
                                    ByteSpan(round.message.span()), public_nonce}) {
            data.insert(data.end(), part.begin(), part.end());
        }
        return tagged_hash("Cairn/MusigSession", data);
    }

    const PrivateKey* private_key(const CompressedKey& participant) const {
        const WalletKey* key = keys_.find(hash160(participant));
        return key ? &key->key : nullptr;
    }

    void add_nonces(const Round& round) {
        for (const CompressedKey& participant : round.participants) {
            const PrivateKey* key = private_key(participant);
            if (!key) continue;
            auto& given = input_.musig_nonces[round.place];
            if (given.contains(to_bytes(participant))) continue;
            MusigNonceSource source;
            std::array<std::uint8_t, 32> random{};
            fill_random(random);
            source.random = Uint256(ByteSpan(random));
            source.public_key = participant;
            wipe(random);
            source.secret_key = Uint256(key->bytes());
            source.aggregate_key = round.key.key.xonly();
            source.message = round.message.span();
            auto nonce = musig_make_nonce(source);
            wipe(source.random);
            wipe(*source.secret_key);
            if (!nonce) continue;
            sessions_->keep(session_id(round, participant, nonce->public_nonce), nonce->secret);
            wipe(nonce->secret);
            given.emplace(to_bytes(participant), to_bytes(nonce->public_nonce));
        }
        if (const auto given = input_.musig_nonces.find(round.place); given != input_.musig_nonces.end() && given->second.empty()) input_.musig_nonces.erase(given);
    }

    /// In the order of the participants; nullopt: some are missing.
    std::optional<std::vector<MusigPublicNonce>> all_nonces(const Round& round) const {
        const auto given = input_.musig_nonces.find(round.place);
        if (given == input_.musig_nonces.end()) return std::nullopt;
        std::vector<MusigPublicNonce> all;
        for (const CompressedKey& participant : round.participants) {
            const auto nonce = given->second.find(to_bytes(participant));
            if (nonce == given->second.end() || nonce->second.size() != std::tuple_size_v<MusigPublicNonce>) return std::nullopt;
            std::copy(nonce->second.begin(), nonce->second.end(), all.emplace_back().begin());
        }
        return all;
    }

    void add_partial_signatures(const Round& round, const MusigSession& session) {
        for (const CompressedKey& participant : round.participants) {
            const PrivateKey* key = private_key(participant);
            if (!key) continue;
            const KeyBytes written = to_bytes(participant);
            const auto given = input_.musig_partial_sigs.find(round.place);
            if (given != input_.musig_partial_sigs.end() && given->second.contains(written)) continue;
            auto nonce = sessions_->take(session_id(round, participant, input_.musig_nonces[round.place][written]));
            if (!nonce) continue;
            const auto signature = musig_sign(*nonce, Uint256(key->bytes()), session);
            wipe(*nonce);
            if (signature) input_.musig_partial_sigs[round.place].emplace(written, Uint256(ByteSpan(*signature)));
        }
    }

    void combine(const Round& round, const MusigSession& session, std::span<const MusigPublicNonce> nonces, const Wanted& wanted) {
        const auto given = input_.musig_partial_sigs.find(round.place);
        if (given == input_.musig_partial_sigs.end()) return;
        std::vector<MusigPartialSignature> all;
        for (std::size_t i = 0; i < round.participants.size(); ++i) {
            const auto found = given->second.find(to_bytes(round.participants[i]));
            if (found == given->second.end()) return;
            std::copy_n(found->second.span().begin(), Uint256::kSize, all.emplace_back().begin());
            const auto valid = musig_verify_partial(all.back(), nonces, round.participants, round.tweaks, round.message.span(), i);
            if (!valid || !*valid) return;
        }
        const auto whole = musig_aggregate_signatures(all, session);
        if (!whole || !verify_schnorr(round.key.key.xonly(), round.message.span(), *whole)) return;
        Bytes signature = to_bytes(*whole);
        if (hash_type_ != kSighashDefault) signature.push_back(static_cast<std::uint8_t>(hash_type_));
        if (wanted.leaf) input_.tap_script_sigs[{to_bytes(wanted.x.span()), *wanted.leaf}] = std::move(signature);
        else input_.tap_key_sig = std::move(signature);
    }

    PsbtInput& input_;
    std::size_t index_;
    const ScriptKeys& keys_;
    const PsbtTransaction& transaction_;
    int hash_type_;
    MusigSessions* sessions_;
};

}  // namespace

void MusigSessions::keep(const Uint256& id, const MusigSecretNonce& nonce) {
    if (!nonces_.emplace(id, SecretBytes(nonce.begin(), nonce.end())).second) return;
    order_.push_back(id);
    while (nonces_.size() > kMost) {
        nonces_.erase(order_.front());
        order_.pop_front();
    }
}

std::optional<MusigSecretNonce> MusigSessions::take(const Uint256& id) {
    const auto found = nonces_.find(id);
    if (found == nonces_.end()) return std::nullopt;
    MusigSecretNonce nonce{};
    std::copy(found->second.begin(), found->second.end(), nonce.begin());
    nonces_.erase(found);
    order_.remove(id);
    return nonce;
}

void sign_musig_input(PsbtInput& input, std::size_t index, const ScriptKeys& keys, const PsbtTransaction& transaction, int hash_type,
                      MusigSessions* sessions) {
    const auto spent = input.spent();
    if (!spent || input.is_final() || !is_p2tr(spent->script_pubkey)) return;
    MusigInput(input, index, keys, transaction, hash_type, sessions).sign(Uint256(spent->script_pubkey.last(kXOnlySize)));
}

}  // namespace cairn::light
