#include "consensus/primitives/header.hpp"

#include "consensus/crypto/hash.hpp"

namespace cairn {

BlockHeader BlockHeader::read(Reader& reader) {
    BlockHeader header;
    header.version = reader.i32();
    header.previous = BlockHash(reader.uint256());
    header.merkle_root = reader.uint256();
    header.time = reader.u32();
    header.bits = reader.u32();
    header.nonce = reader.u32();
    return header;
}

void BlockHeader::write(Writer& writer) const {
    writer.i32(version);
    writer.uint256(previous);
    writer.uint256(merkle_root);
    writer.u32(time);
    writer.u32(bits);
    writer.u32(nonce);
}

BlockHash BlockHeader::hash() const {
    Bytes bytes;
    bytes.reserve(kSize);
    Writer writer(bytes);
    write(writer);
    return BlockHash(hash256(bytes));
}

}  // namespace cairn
