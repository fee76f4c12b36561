#pragma once

#include "consensus/base/bytes.hpp"

namespace cairn::net {

/// The map of autonomous systems that was built in (-DCAIRN_ASMAP=<file>), for -asmap without a file. Empty when none was.
ByteSpan embedded_asmap();

}  // namespace cairn::net
