// Rooms: light/psbt
// What people paste or keep on a disk: signed messages, silent payment addresses, backups, the records of a vault.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "light/keys/backup.hpp"
#include "light/keys/vault.hpp"
#include "light/psbt/base64.hpp"
#include "light/psbt/message_proof.hpp"
#include "light/signing/silent_payment.hpp"

using namespace cairn;
using namespace cairn::light;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void try_signatures(ByteSpan data, std::string_view text) {
    static const Bytes scripts[] = {make_p2pkh(Bytes(20, 1)), make_witness_program(0, Bytes(20, 1)), make_witness_program(1, Bytes(32, 1))};
    for (const Bytes& script : scripts) {
        for (const char* prefix : {"smp", "ful", "pof"}) verify_message("message", script, prefix + to_base64(data));
        verify_message("message", script, text);
    }
}

void try_addresses(std::string_view text) {
    static const ChainParamsPtr params = make_params(Network::mainnet);
    const auto address = SilentAddress::parse(text, *params);
    if (!address) return;
    const auto again = SilentAddress::parse(address->to_string(*params), *params);
    require(again && again->scan == address->scan && again->spend == address->spend);
}

void try_records(ByteSpan data) {
    if (data.empty()) return;
    const std::size_t split = std::min<std::size_t>(data[0], data.size() - 1);
    const ByteSpan header = data.subspan(1, split), secret = data.subspan(1 + split);
    const auto vault = Vault::load({{{'H'}, to_bytes(header)}, {{'S', 'x'}, to_bytes(secret)}});
    if (!vault) return;
    const auto again = Vault::load(vault->records());
    require(again && again->id() == vault->id() && again->names() == vault->names());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes(data, size);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try_signatures(bytes, text);
    try_addresses(text);
    try_records(bytes);
    open_backup(bytes, "passphrase");
    return 0;
}
