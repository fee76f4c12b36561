#include "light/keys/backup.hpp"

#include <algorithm>
#include <array>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/aes_gcm.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::light {
namespace {

constexpr std::string_view kMagic = "CAIRNBAK";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSaltSize = 32;
constexpr std::size_t kHeaderSize = kMagic.size() + 1 + 3 * 4 + kSaltSize + kGcmNonceSize + 8;

ByteSpan bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

std::string_view to_string(BackupError error) {
    switch (error) {
        case BackupError::not_a_backup: return "this is not a backup";
        case BackupError::newer_format: return "the backup was made by a later version";
        case BackupError::truncated: return "the backup is cut off: bytes are missing at its end";
        case BackupError::damaged: return "the backup is damaged: its checksum does not fit";
        case BackupError::bad_parameters: return "the backup asks for an impossible amount of work for its passphrase";
        case BackupError::wrong_passphrase: return "the passphrase is wrong";
        case BackupError::empty_passphrase: return "the passphrase is empty";
        case BackupError::too_large: return "there is too much to back up";
    }
    return "unknown error";
}

Result<Bytes, BackupError> make_backup(ByteSpan contents, std::string_view passphrase, ScryptCost cost) {
    if (passphrase.empty()) return fail(BackupError::empty_passphrase);
    if (contents.size() > kMaxBackupContents) return fail(BackupError::too_large);
    if (!cost.is_sane()) return fail(BackupError::bad_parameters);
    std::array<std::uint8_t, kSaltSize> salt;
    std::array<std::uint8_t, kGcmNonceSize> nonce;
    fill_random(salt);
    fill_random(nonce);
    Bytes backup;
    backup.reserve(kHeaderSize + contents.size() + kGcmTagSize + Uint256::kSize);
    Writer out(backup);
    out.bytes(bytes_of(kMagic));
    out.u8(kVersion);
    for (const std::uint32_t number : {cost.log_n, cost.r, cost.p}) out.u32(number);
    out.bytes(salt);
    out.bytes(nonce);
    out.u64(contents.size());
    const SecretBytes key = scrypt(bytes_of(passphrase), salt, cost, kGcmKeySize);
    backup.resize(kHeaderSize + contents.size() + kGcmTagSize);
    const MutableByteSpan all(backup);
    aes256_gcm_seal(key, nonce, all.first(kHeaderSize), contents, all.subspan(kHeaderSize));
    out.uint256(hash256(backup));
    return backup;
}

Result<SecretBytes, BackupError> open_backup(ByteSpan backup, std::string_view passphrase) {
    const ByteSpan magic = bytes_of(kMagic);
    const std::size_t known = std::min(magic.size(), backup.size());
    if (backup.empty() || !std::equal(magic.begin(), magic.begin() + static_cast<std::ptrdiff_t>(known), backup.begin()))
        return fail(BackupError::not_a_backup);
    if (backup.size() > magic.size() && backup[magic.size()] > kVersion) return fail(BackupError::newer_format);
    if (backup.size() < kHeaderSize) return fail(BackupError::truncated);
    Reader in(backup.subspan(magic.size() + 1));
    ScryptCost cost;
    cost.log_n = in.u32();
    cost.r = in.u32();
    cost.p = in.u32();
    const ByteSpan salt = in.bytes(kSaltSize), nonce = in.bytes(kGcmNonceSize);
    const std::uint64_t size = in.u64();
    const std::size_t rest = backup.size() - kHeaderSize, around = kGcmTagSize + Uint256::kSize;
    const bool whole = rest >= around && size == rest - around;
    if (!whole && size <= kMaxBackupContents && rest < size + around) return fail(BackupError::truncated);
    if (!whole) return fail(BackupError::damaged);
    const ByteSpan content = backup.first(backup.size() - Uint256::kSize);
    if (hash256(content) != Uint256(backup.last(Uint256::kSize))) return fail(BackupError::damaged);
    if (!cost.is_sane() || backup[magic.size()] == 0) return fail(BackupError::bad_parameters);
    const SecretBytes key = scrypt(bytes_of(passphrase), salt, cost, kGcmKeySize);
    SecretBytes contents(size);
    const ByteSpan sealed = backup.subspan(kHeaderSize, size + kGcmTagSize);
    if (!aes256_gcm_open(key, nonce, backup.first(kHeaderSize), sealed, contents)) return fail(BackupError::wrong_passphrase);
    return contents;
}

}  // namespace cairn::light
