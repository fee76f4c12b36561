#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include "net/swarm/addr_book.hpp"

/// The address book and the anchors on disk, in Bitcoin Core's formats: magic, contents, SHA-256d of both.
namespace cairn::net::detail {

using Magic = std::array<std::uint8_t, 4>;

/// Reads peers.dat into an empty book, or makes a new file when there is none or it is of a later format.
/// Errors: the sentence for people; the node must not go on and overwrite the file.
Result<void, std::string> load_peers(const std::filesystem::path& file, const Magic& magic, AddrBook& book);
/// The whole file's bytes.
Bytes peers_file_bytes(const Magic& magic, const AddrBook& book);

/// Reads anchors.dat and deletes it: anchors that a node crashed with are not tried again. Empty when it is not there or broken.
std::vector<PeerAddress> take_anchors(const std::filesystem::path& file, const Magic& magic);
Bytes anchors_file_bytes(const Magic& magic, const std::vector<PeerAddress>& anchors);

/// Writes a file as a whole or not at all. Errors: what the system said.
Result<void, std::string> replace_file(const std::filesystem::path& file, ByteSpan bytes);

}  // namespace cairn::net::detail
