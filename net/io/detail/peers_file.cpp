#include "net/io/detail/peers_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"
#include "net/io/log.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net::detail {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kEntryVersion = 220'000 | 1u << 29;  // of an address on disk: BIP155's form
constexpr std::size_t kMaxFileBytes = 64u << 20;

std::optional<Bytes> read_whole(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error || size > kMaxFileBytes) return Bytes();
    Bytes bytes(size);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
}

Bytes seal(Bytes bytes) {
    const Uint256 sum = hash256(bytes);
    Writer(bytes).uint256(sum);
    return bytes;
}

std::string quoted(const fs::path& path) { return "\"" + path.string() + "\""; }

}  // namespace

Result<void, std::string> replace_file(const fs::path& file, ByteSpan bytes) {
    const fs::path fresh = file.string() + ".new";
    const auto failed = [&] {
        const std::string reason = std::strerror(errno);
        std::error_code ignored;
        fs::remove(fresh, ignored);
        return fail("Failed to write " + file.string() + ": " + reason);
    };
    const int handle = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (handle < 0) return failed();
    bool good = true;
    for (std::size_t done = 0; good && done < bytes.size();) {
        const ssize_t count = ::write(handle, bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno != EINTR) good = false;
        if (count > 0) done += static_cast<std::size_t>(count);
    }
    good = good && ::fsync(handle) == 0;
    good = ::close(handle) == 0 && good;
    if (!good || ::rename(fresh.c_str(), file.c_str()) != 0) return failed();
    return {};
}

Bytes peers_file_bytes(const Magic& magic, const AddrBook& book) {
    Bytes bytes(magic.begin(), magic.end());
    Writer(bytes).bytes(book.serialize());
    return seal(std::move(bytes));
}

Result<void, std::string> load_peers(const fs::path& file, const Magic& magic, AddrBook& book) {
    const auto start = std::chrono::steady_clock::now();
    const auto bytes = read_whole(file);
    if (!bytes) {
        log::info("Creating peers.dat because the file was not found ({})", quoted(file));
        return replace_file(file, peers_file_bytes(magic, book));
    }
    const auto corrupt = [&](const std::string& reason) {
        return fail("Invalid or corrupt peers.dat (" + reason +
                    "). If you believe this is a bug, please report it to none. As a workaround, you can move the file (" + quoted(file) +
                    ") out of the way (rename, move, or delete) to have a new one created on the next start.");
    };
    const std::string ended = "AutoFile::read: end of file: iostream error";
    if (bytes->size() < magic.size()) return corrupt(ended);
    if (!std::equal(magic.begin(), magic.end(), bytes->begin())) return corrupt("Invalid network magic number");
    const auto read = book.deserialize(ByteSpan(*bytes).subspan(magic.size()));
    if (!read && read.error().newer_version) {
        std::error_code error;
        fs::rename(file, file.string() + ".bak", error);
        if (error) return fail(std::string("Failed to rename invalid peers.dat file. Please move or delete it and try again."));
        log::info("Creating new peers.dat because the file version was not compatible ({}). Original backed up to peers.dat.bak", quoted(file));
        return replace_file(file, peers_file_bytes(magic, book));
    }
    if (!read) return corrupt(read.error().message);
    const std::size_t end = magic.size() + *read;
    if (bytes->size() < end + Uint256::kSize) return corrupt(ended);
    if (hash256(ByteSpan(*bytes).first(end)) != Uint256(ByteSpan(*bytes).subspan(end, Uint256::kSize))) return corrupt("Checksum mismatch, data corrupted");
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    log::info("Loaded {} addresses from peers.dat {}ms", book.size(), took.count());
    return {};
}

Bytes anchors_file_bytes(const Magic& magic, const std::vector<PeerAddress>& anchors) {
    Bytes bytes(magic.begin(), magic.end());
    Writer writer(bytes);
    writer.compact_size(anchors.size());
    for (const PeerAddress& anchor : anchors) {
        writer.u32(kEntryVersion);
        writer.u32(anchor.time);
        writer.compact_size(anchor.services);
        writer.u8(static_cast<std::uint8_t>(anchor.endpoint.address.network()));
        writer.var_bytes(anchor.endpoint.address.bytes());
        writer.u16_be(anchor.endpoint.port);
    }
    return seal(std::move(bytes));
}

std::vector<PeerAddress> take_anchors(const fs::path& file, const Magic& magic) {
    const auto bytes = read_whole(file);
    std::error_code ignored;
    fs::remove(file, ignored);
    std::vector<PeerAddress> anchors;
    if (!bytes || bytes->size() < magic.size() + Uint256::kSize) return anchors;
    const ByteSpan contents = ByteSpan(*bytes).first(bytes->size() - Uint256::kSize);
    if (!std::equal(magic.begin(), magic.end(), contents.begin()) || hash256(contents) != Uint256(ByteSpan(*bytes).last(Uint256::kSize))) return anchors;
    Reader reader(contents.subspan(magic.size()));
    const std::uint64_t count = reader.compact_size(limits::kMaxAddresses);
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        PeerAddress anchor;
        reader.u32();
        anchor.time = reader.u32();
        anchor.services = reader.compact_size(~std::uint64_t{0});
        const auto network = static_cast<NetworkId>(reader.u8());
        const ByteSpan host = reader.var_bytes(limits::kMaxAddrV2Bytes);
        anchor.endpoint.port = reader.u16_be();
        if (!reader.ok()) break;
        if (const auto address = NetAddress::from_bip155(network, host)) {
            anchor.endpoint.address = *address;
            if (anchors.size() < limits::kMaxAnchors) anchors.push_back(anchor);
        }
    }
    return anchors;
}

}  // namespace cairn::net::detail
