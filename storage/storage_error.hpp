#pragma once

#include <cstdint>
#include <string>

#include "consensus/base/result.hpp"

namespace cairn::storage {

/// The disk failed us. It says nothing about the validity of any block.
struct StorageError {
    enum class Kind : std::uint8_t {
        io,            ///< reading or writing failed
        corruption,    ///< what is stored does not read back as what was written
        locked,        ///< another process uses the directory
        newer_format,  ///< written by a later version
        foreign,       ///< belongs to another network, or is not ours at all
        no_space,
        permission,
        not_found,     ///< a file or record that must be there is missing
    };

    Kind kind = Kind::io;
    std::string message;  ///< one sentence for people
};

const char* to_string(StorageError::Kind kind);

template <class T>
using Stored = Result<T, StorageError>;

}  // namespace cairn::storage
