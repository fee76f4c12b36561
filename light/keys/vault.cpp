#include "light/keys/vault.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/aes_gcm.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"

// Records. Header, under the key "H": format (1), encrypted? (1), wallet id (32), and if encrypted log2 N, r, p (4 bytes each), salt
// (32), sealed master key (nonce, 32, tag); SHA-256d of all before, 4 bytes. A secret, under "S" and its name: sealed? (1), then nonce,
// ciphertext and tag, or plain bytes and 4 bytes of their SHA-256d.
namespace cairn::light {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kMasterSize = 32, kSaltSize = 32, kChecksumSize = 4;
constexpr std::uint8_t kHeaderKey = 'H', kSecretKey = 'S';

ByteSpan bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// What sealed bytes are for: they open only for the same purpose, wallet and name.
Bytes binding(std::string_view purpose, const Uint256& id, std::string_view name) {
    Bytes aad;
    Writer out(aad);
    out.var_bytes(bytes_of(purpose));
    out.u8(kFormat);
    out.uint256(id);
    out.var_bytes(bytes_of(name));
    return aad;
}
Bytes secret_binding(const Uint256& id, std::string_view name) { return binding("cairn vault secret", id, name); }

/// The wrapped master key is bound to all that stands in the header with it.
Bytes master_binding(const Uint256& id, const ScryptCost& cost, ByteSpan salt) {
    Bytes aad = binding("cairn vault master key", id, {});
    Writer out(aad);
    for (const std::uint32_t number : {cost.log_n, cost.r, cost.p}) out.u32(number);
    out.bytes(salt);
    return aad;
}

/// Nonce, ciphertext, tag.
Bytes seal_bytes(ByteSpan key, ByteSpan aad, ByteSpan data) {
    Bytes sealed(kGcmNonceSize + data.size() + kGcmTagSize);
    const MutableByteSpan all(sealed);
    fill_random(all.first(kGcmNonceSize));
    aes256_gcm_seal(key, all.first(kGcmNonceSize), aad, data, all.subspan(kGcmNonceSize));
    return sealed;
}

std::optional<SecretBytes> open_bytes(ByteSpan key, ByteSpan aad, ByteSpan sealed) {
    if (sealed.size() < kGcmNonceSize + kGcmTagSize) return std::nullopt;
    SecretBytes data(sealed.size() - kGcmNonceSize - kGcmTagSize);
    if (!aes256_gcm_open(key, sealed.first(kGcmNonceSize), aad, sealed.subspan(kGcmNonceSize), data)) return std::nullopt;
    return data;
}

std::array<std::uint8_t, kChecksumSize> checksum(ByteSpan bytes) {
    const Uint256 sum = hash256(bytes);
    std::array<std::uint8_t, kChecksumSize> result;
    std::copy_n(sum.span().begin(), kChecksumSize, result.begin());
    return result;
}

/// The bytes without a checksum at their end that fits.
std::optional<ByteSpan> checked(ByteSpan bytes) {
    if (bytes.size() < kChecksumSize) return std::nullopt;
    const ByteSpan content = bytes.first(bytes.size() - kChecksumSize);
    const auto sum = checksum(content);
    if (!std::equal(sum.begin(), sum.end(), content.end())) return std::nullopt;
    return content;
}

SecretBytes random_master() {
    SecretBytes master(kMasterSize);
    fill_random(master);
    return master;
}

}  // namespace

std::string_view to_string(VaultError error) {
    switch (error) {
        case VaultError::locked: return "the wallet is locked";
        case VaultError::wrong_passphrase: return "the passphrase is wrong";
        case VaultError::empty_passphrase: return "the passphrase is empty";
        case VaultError::not_encrypted: return "the wallet is not encrypted";
        case VaultError::already_encrypted: return "the wallet is encrypted already";
        case VaultError::unknown_secret: return "there is no such secret";
        case VaultError::bad_name: return "a secret's name is empty or too long";
        case VaultError::too_large: return "the secret is too large";
        case VaultError::damaged: return "the stored secrets are damaged";
        case VaultError::bad_parameters: return "the stored cost of the passphrase is out of bounds";
        case VaultError::newer_format: return "the secrets were stored by a later version";
    }
    return "unknown error";
}

// --- making and reading

Vault Vault::create() {
    Vault vault;
    vault.id_ = random_uint256();
    return vault;
}

Result<Vault, VaultError> Vault::create(std::string_view passphrase, ScryptCost cost) {
    Vault vault = create();
    if (const auto done = vault.encrypt(passphrase, cost); !done) return fail(done.error());
    return vault;
}

Result<Vault::Wrap, VaultError> Vault::wrap(const Uint256& id, const SecretBytes& master, std::string_view passphrase,
                                            ScryptCost cost) {
    if (passphrase.empty()) return fail(VaultError::empty_passphrase);
    if (!cost.is_sane()) return fail(VaultError::bad_parameters);
    Wrap wrap{cost, Bytes(kSaltSize), {}};
    fill_random(wrap.salt);
    const SecretBytes key = scrypt(bytes_of(passphrase), wrap.salt, cost, kGcmKeySize);
    wrap.sealed = seal_bytes(key, master_binding(id, cost, wrap.salt), master);
    return wrap;
}

Result<SecretBytes, VaultError> Vault::unwrap(std::string_view passphrase) const {
    if (!wrap_) return fail(VaultError::not_encrypted);
    const SecretBytes key = scrypt(bytes_of(passphrase), wrap_->salt, wrap_->cost, kGcmKeySize);
    auto master = open_bytes(key, master_binding(id_, wrap_->cost, wrap_->salt), wrap_->sealed);
    if (!master) return fail(VaultError::wrong_passphrase);
    return std::move(*master);
}

Result<Vault, VaultError> Vault::load(std::vector<VaultRecord> records) {
    Vault vault;
    const auto is_header = [](const VaultRecord& record) { return record.key.size() == 1 && record.key[0] == kHeaderKey; };
    const auto header = std::find_if(records.begin(), records.end(), is_header);
    if (header == records.end() || !header->value || header->value->empty()) return fail(VaultError::damaged);
    const auto content = checked(*header->value);
    if (!content) return fail(VaultError::damaged);
    Reader in(*content);
    const std::uint8_t format = in.u8();
    if (format > kFormat) return fail(VaultError::newer_format);
    const std::uint8_t encrypted = in.u8();
    vault.id_ = in.uint256();
    if (format == 0 || encrypted > 1) return fail(VaultError::damaged);
    if (encrypted) {
        Wrap wrap;
        wrap.cost.log_n = in.u32();
        wrap.cost.r = in.u32();
        wrap.cost.p = in.u32();
        const ByteSpan salt = in.bytes(kSaltSize), sealed = in.bytes(kGcmNonceSize + kMasterSize + kGcmTagSize);
        wrap.salt.assign(salt.begin(), salt.end());
        wrap.sealed.assign(sealed.begin(), sealed.end());
        if (in.ok() && !wrap.cost.is_sane()) return fail(VaultError::bad_parameters);
        vault.wrap_ = std::move(wrap);
    }
    in.expect_end();
    if (!in.ok()) return fail(VaultError::damaged);

    for (const VaultRecord& record : records) {
        if (is_header(record) || !record.value) continue;
        const bool fits = record.key.size() > 1 && record.key.size() <= 1 + kMaxNameSize && record.key[0] == kSecretKey;
        if (!fits || record.value->empty() || record.value->front() != encrypted) return fail(VaultError::damaged);
        ByteSpan stored = ByteSpan(*record.value).subspan(1);
        if (!encrypted) {
            const auto plain = checked(stored);
            if (!plain) return fail(VaultError::damaged);
            stored = *plain;
        }
        vault.secrets_.insert_or_assign(Name(record.key.begin() + 1, record.key.end()), SecretBytes(stored.begin(), stored.end()));
    }
    vault.header_changed_ = false;
    return vault;
}

// --- locking

std::optional<std::int64_t> Vault::unlocked_until_us() const {
    if (!is_encrypted() || master_.empty()) return std::nullopt;
    return until_us_;
}

Result<void, VaultError> Vault::unlock(std::string_view passphrase, std::int64_t until_us) {
    auto master = unwrap(passphrase);
    if (!master) return fail(master.error());
    master_ = std::move(*master);
    until_us_ = until_us;
    return {};
}

Result<void, VaultError> Vault::check(std::string_view passphrase) const {
    const auto master = unwrap(passphrase);
    if (!master) return fail(master.error());
    return {};
}

void Vault::lock() {
    SecretBytes().swap(master_);  // its memory is wiped as it is given back
    until_us_ = 0;
}

void Vault::on_time(std::int64_t now_us) {
    if (!master_.empty() && now_us >= until_us_) lock();
}

// --- passphrases

Result<void, VaultError> Vault::encrypt(std::string_view passphrase, ScryptCost cost) {
    if (wrap_) return fail(VaultError::already_encrypted);
    const SecretBytes master = random_master();
    auto wrapped = wrap(id_, master, passphrase, cost);
    if (!wrapped) return fail(wrapped.error());
    for (auto& [name, secret] : secrets_) {
        const Bytes sealed = seal(master, name, secret);
        secret = SecretBytes(sealed.begin(), sealed.end());
    }
    wrap_ = std::move(*wrapped);
    lock();
    mark_all();
    return {};
}

Result<void, VaultError> Vault::change_passphrase(std::string_view old_passphrase, std::string_view new_passphrase, ScryptCost cost) {
    if (!wrap_) return fail(VaultError::not_encrypted);
    if (new_passphrase.empty()) return fail(VaultError::empty_passphrase);
    const auto old_master = unwrap(old_passphrase);
    if (!old_master) return fail(old_master.error());
    SecretBytes master = random_master();
    auto wrapped = wrap(id_, master, new_passphrase, cost);
    if (!wrapped) return fail(wrapped.error());
    std::map<Name, SecretBytes, std::less<>> secrets;
    for (const auto& [name, sealed] : secrets_) {
        const auto secret = open(*old_master, name);
        if (!secret) return fail(secret.error());
        const Bytes again = seal(master, name, *secret);
        secrets.emplace(name, SecretBytes(again.begin(), again.end()));
    }
    secrets_ = std::move(secrets);
    wrap_ = std::move(*wrapped);
    if (!master_.empty()) master_ = std::move(master);
    mark_all();
    return {};
}

// --- secrets

Bytes Vault::seal(const SecretBytes& master, std::string_view name, ByteSpan secret) const {
    return seal_bytes(master, secret_binding(id_, name), secret);
}

Result<SecretBytes, VaultError> Vault::open(const SecretBytes& master, std::string_view name) const {
    const auto found = secrets_.find(name);
    if (found == secrets_.end()) return fail(VaultError::unknown_secret);
    auto secret = open_bytes(master, secret_binding(id_, name), found->second);
    if (!secret) return fail(VaultError::damaged);
    return std::move(*secret);
}

Result<void, VaultError> Vault::put(std::string_view name, ByteSpan secret, std::int64_t now_us) {
    if (name.empty() || name.size() > kMaxNameSize) return fail(VaultError::bad_name);
    if (secret.size() > kMaxSecretSize) return fail(VaultError::too_large);
    if (!is_unlocked(now_us)) return fail(VaultError::locked);
    if (wrap_) {
        const Bytes sealed = seal(master_, name, secret);
        secrets_.insert_or_assign(Name(name), SecretBytes(sealed.begin(), sealed.end()));
    } else {
        secrets_.insert_or_assign(Name(name), SecretBytes(secret.begin(), secret.end()));
    }
    mark(Name(name));
    return {};
}

Result<SecretBytes, VaultError> Vault::get(std::string_view name, std::int64_t now_us) const {
    const auto found = secrets_.find(name);
    if (found == secrets_.end()) return fail(VaultError::unknown_secret);
    if (!is_unlocked(now_us)) return fail(VaultError::locked);
    if (wrap_) return open(master_, name);
    return found->second;
}

Result<void, VaultError> Vault::erase(std::string_view name) {
    const auto found = secrets_.find(name);
    if (found == secrets_.end()) return fail(VaultError::unknown_secret);
    mark(found->first);
    secrets_.erase(found);
    return {};
}

std::vector<std::string> Vault::names() const {
    std::vector<std::string> names;
    for (const auto& [name, secret] : secrets_) names.push_back(name);
    return names;
}

// --- records

VaultRecord Vault::header_record() const {
    Bytes value;
    Writer out(value);
    out.u8(kFormat);
    out.u8(wrap_ ? 1 : 0);
    out.uint256(id_);
    if (wrap_) {
        for (const std::uint32_t number : {wrap_->cost.log_n, wrap_->cost.r, wrap_->cost.p}) out.u32(number);
        out.bytes(wrap_->salt);
        out.bytes(wrap_->sealed);
    }
    out.bytes(checksum(value));
    return {{kHeaderKey}, std::move(value)};
}

VaultRecord Vault::secret_record(const Name& name) const {
    VaultRecord record;
    Writer key(record.key);
    key.u8(kSecretKey);
    key.bytes(bytes_of(name));
    const auto found = secrets_.find(name);
    if (found == secrets_.end()) return record;
    record.value.emplace();
    Writer out(*record.value);
    out.u8(wrap_ ? 1 : 0);
    out.bytes(found->second);
    if (!wrap_) out.bytes(checksum(found->second));
    return record;
}

void Vault::mark_all() {
    header_changed_ = true;
    for (const auto& [name, secret] : secrets_) mark(name);
}

std::vector<VaultRecord> Vault::records() const {
    std::vector<VaultRecord> records{header_record()};
    for (const auto& [name, secret] : secrets_) records.push_back(secret_record(name));
    return records;
}

std::vector<VaultRecord> Vault::take_changes() {
    std::vector<VaultRecord> records;
    if (std::exchange(header_changed_, false)) records.push_back(header_record());
    for (const Name& name : changed_) records.push_back(secret_record(name));
    changed_.clear();
    return records;
}

}  // namespace cairn::light
