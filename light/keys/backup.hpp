#pragma once

#include <cstdint>
#include <string_view>

#include "consensus/base/bytes.hpp"
#include "consensus/base/result.hpp"
#include "consensus/crypto/locked_memory.hpp"
#include "consensus/crypto/scrypt.hpp"

/// A backup of whatever a wallet is made of: one blob, good on its own, that only a passphrase opens.
/// Shape: "CAIRNBAK", version (1), log2 N, r, p (4 bytes each), salt (32), nonce (12), size of the contents (8), the contents sealed
/// by AES-256-GCM with all before as associated data (size + 16), SHA-256d of all before (32). Numbers are little-endian.
namespace cairn::light {

/// Why a backup cannot be used.
enum class BackupError : std::uint8_t {
    not_a_backup,      ///< it does not begin like one
    newer_format,      ///< written by a later version
    truncated,         ///< bytes are missing at its end
    damaged,           ///< it was changed: the checksum does not fit
    bad_parameters,    ///< it asks for more time or memory for its passphrase than any backup needs
    wrong_passphrase,  ///< or it was changed by somebody who mended the checksum
    empty_passphrase,
    too_large,         ///< more than kMaxBackupContents
};
/// For people.
std::string_view to_string(BackupError error);

inline constexpr std::size_t kMaxBackupContents = std::size_t{1} << 30;

/// Errors: empty_passphrase, too_large.
Result<Bytes, BackupError> make_backup(ByteSpan contents, std::string_view passphrase, ScryptCost cost = kDefaultScryptCost);
/// The contents. Everything but the passphrase is checked before scrypt's work is done.
Result<SecretBytes, BackupError> open_backup(ByteSpan backup, std::string_view passphrase);

}  // namespace cairn::light
