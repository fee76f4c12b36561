#include "consensus/crypto/signature_verifier.hpp"

#include "consensus/base/check.hpp"
#include "consensus/crypto/ecc.hpp"

namespace cairn {
namespace {

bool verify_row(const EcdsaRow& row) {
    return verify_ecdsa(row.key, row.message, row.signature);
}
bool verify_row(const SchnorrRow& row) {
    return verify_schnorr(row.key, row.message.span(), row.signature);
}

}  // namespace

void SecpSignatureVerifier::verify(std::span<const SignatureRow> rows, std::span<std::uint8_t> verdicts) const {
    CAIRN_CHECK(rows.size() == verdicts.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        verdicts[i] = std::visit([](const auto& row) { return verify_row(row); }, rows[i]) ? 1 : 0;
    }
}

const SignatureVerifier& default_signature_verifier() {
    static const SecpSignatureVerifier verifier;
    return verifier;
}

}  // namespace cairn
